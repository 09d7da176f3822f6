"""The tables of a new history, as all migrations one after the other make them.

`python -m perf_pipeline_tests.docs.generate` writes them down (perf_pipeline/store/new_file.sql).
Add here: what a migration makes that is no table. Keep out: migrations.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.store.migrate import NEW_FILE, apply_until, migrations

# The log itself is made before any version is in it.
_TABLES: Final = """
select sql from duckdb_tables() where not internal and table_name <> 'schema_migrations'
order by table_oid
"""
_VIEWS: Final = "select sql from duckdb_views() where not internal order by view_oid"


def new_file_sql() -> str:
    """Give the text of the file."""
    with duckdb.connect(":memory:") as connection:
        apply_until(connection, migrations()[-1][0])
        tables = connection.execute(_TABLES).fetchall() + connection.execute(_VIEWS).fetchall()
    head = (
        f"-- {migrations()[-1][0]}\n"
        "-- Every table as the migrations up to this version make them, for a file that is new.\n"
        "-- Add here: nothing; `python -m perf_pipeline_tests.docs.generate` renews it.\n"
        "-- Keep out: data.\n"
    )
    return head + "".join(f"{sql}\n" for (sql,) in tables)


def write() -> None:
    """Renew the file."""
    folder = Path(str(files("perf_pipeline.store")))
    (folder / NEW_FILE).write_text(new_file_sql(), encoding="utf-8")
