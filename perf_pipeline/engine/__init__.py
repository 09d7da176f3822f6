"""The load engine: worker processes that run iterations on time and write down every one.

Add here: what every protocol needs. Keep out: HTTP, SQL and Kafka (workloads/), DuckDB (store/),
dagster (defs/).
"""
