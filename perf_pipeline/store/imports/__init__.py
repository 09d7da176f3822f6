"""Read large files of other tools with DuckDB, and write them as a benchmark of the spool.

Add here: a format with a row for each request. Keep out: files that hold figures only (importing/).
"""
