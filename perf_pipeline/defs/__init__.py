"""Everything for Dagster: assets, asset checks, resources, jobs and schedules over the use cases.

Add here: something that Dagster has to know. Keep out: loops, SQL, arithmetic, error handling.
"""
