"""Dagster only: assets, asset checks, resources, jobs and schedules over the use cases below.

Add here: what Dagster has to know. Keep out: loops, SQL, arithmetic, error handling.
"""
