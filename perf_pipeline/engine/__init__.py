"""The load engine: worker processes that run iterations on time and record every iteration.

Add here: what every protocol needs. Keep out: HTTP, SQL and Kafka (workloads/), DuckDB (store/)
and dagster (defs/).
"""
