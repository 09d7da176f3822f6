"""Dagster only: assets, asset checks, resources, jobs and schedules over the use cases in runs/.

Add here: what Dagster has to know. Keep out: loops, SQL, arithmetic, error handling (runs/).
"""
