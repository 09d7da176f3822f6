"""The history: every run's samples, summaries and verdicts in one DuckDB file.

Add here: a table (with a migration), a query, an export. Keep out: judging, statistics of the
baseline diff, the load itself; nobody else in this package imports duckdb.
"""
