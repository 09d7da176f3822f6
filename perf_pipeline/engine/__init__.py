"""The load engine: worker processes that run iterations on time and record every iteration.

Add here: something that every protocol needs. Keep out: HTTP, SQL and Kafka (workloads/), DuckDB
(store/) and Dagster (defs/).
"""
