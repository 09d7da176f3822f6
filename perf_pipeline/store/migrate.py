"""Bring a history file to the schema that this code knows, once per version.

A new file gets its tables as they are today (new_file.sql), which takes half of the CPU that
making the oldest ones and changing them takes.
Add here: nothing; a change of schema is a new file migrations/NNNN_name.sql, and files that were
released are never edited. Keep out: data.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final

import duckdb

from perf_pipeline.errors import StoreError
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.metric_sql import metric_values_view, view_hash

_CREATE_LOG = """
create table if not exists schema_migrations (
    version integer primary key, name varchar not null, applied_at timestamp not null
)
"""
_LOG = """
insert into schema_migrations (version, name, applied_at)
select unnest(?::integer[]), unnest(?::varchar[]), ?
"""
NEW_FILE: Final = "new_file.sql"
_APPLIED = "select version from schema_migrations"
_HERE = "database_name = current_database()"
_TABLES = f"select table_name from duckdb_tables() where not internal and {_HERE}"
_VIEW_HASH = f"select comment from duckdb_views() where view_name = 'metric_values' and {_HERE}"


@cache
def migrations() -> tuple[tuple[int, str, str], ...]:
    """List all migrations as (version, file name, SQL), oldest first; read once in a process."""
    folder = files("perf_pipeline.store") / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple(
        (int(name[:4]), name, (folder / name).read_text(encoding="utf-8")) for name in names
    )


def is_current(connection: duckdb.DuckDBPyConnection, shown: str) -> bool:
    """Tell whether the schema and the view are those of this code.

    Raises:
        PerfPipelineError: the file belongs to something else, or to a newer version.
    """
    # Asked at each opening: two questions, as both in one take DuckDB three times as long.
    try:
        versions = {version for (version,) in connection.execute(_APPLIED).fetchall()}
    except duckdb.CatalogException:  # it is new, or not ours
        versions = set()
    if versions == {version for version, _, _ in migrations()}:
        return _view_is_current(connection)
    _applied(connection, shown)
    return False


def migrate(connection: duckdb.DuckDBPyConnection, shown: str) -> None:
    """Apply what is missing: all of it in one transaction to a new file, else each in its own.

    Raises:
        PerfPipelineError: the file belongs to something else, or to a newer version.
    """
    if is_current(connection, shown):
        return
    # By what was applied and not by the highest: two branches may add theirs in either order.
    applied = _applied(connection, shown)
    missing = [migration for migration in migrations() if migration[0] not in applied]
    if applied:
        for migration in missing:
            _apply(connection, [migration])
    else:
        _apply(connection, missing, *_new_file())
    if not (applied and _view_is_current(connection)):  # a new file has no such view
        _make_view(connection)


def make_tables(connection: duckdb.DuckDBPyConnection, *, has_view: bool) -> None:
    """Give an empty database the tables of today, and the view that people's SQL asks."""
    _apply(connection, migrations(), *_new_file())
    if has_view:
        _make_view(connection)


def apply_until(connection: duckdb.DuckDBPyConnection, newest: int) -> None:
    """Bring an empty file to an older schema, for rows that were written by it."""
    _apply(connection, [migration for migration in migrations() if migration[0] <= newest])


def _new_file() -> tuple[str, int]:
    """Return the SQL of all tables, and up to which migration they are."""
    text = files("perf_pipeline.store").joinpath(NEW_FILE).read_text(encoding="utf-8")
    return text, int(text.partition("\n")[0].removeprefix("-- "))


def _apply(
    connection: duckdb.DuckDBPyConnection,
    missing: Sequence[tuple[int, str, str]],
    instead: str = "",
    instead_until: int = 0,
) -> None:
    """Apply migrations in one transaction: one for each took a new file twice the CPU.

    Args:
        connection: to the file.
        missing: what it lacks.
        instead: SQL that does what the first of them do.
        instead_until: the last of these.
    """
    versions, names = [version for version, _, _ in missing], [name for _, name, _ in missing]
    with transaction(connection):
        connection.execute(_CREATE_LOG)
        if instead:
            connection.execute(instead)
        for version, _, sql in missing:
            if version > instead_until:
                connection.execute(sql)
        connection.execute(_LOG, [versions, names, datetime.now(UTC).replace(tzinfo=None)])


def _make_view(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create or replace view metric_values as {metric_values_view()}")
    connection.execute(f"comment on view metric_values is '{view_hash()}'")


def _view_is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute(_VIEW_HASH).fetchone() == (view_hash(),)


def _applied(connection: duckdb.DuckDBPyConnection, shown: str) -> set[int]:
    tables = {name for (name,) in connection.execute(_TABLES).fetchall()}
    if not tables:
        return set()
    if "schema_migrations" not in tables:
        raise StoreError(
            f"{shown} is a DuckDB file of something else (it has the table {min(tables)!r})",
            hint="move it away, or name another state folder: --state FOLDER",
        )
    applied = {int(version) for (version,) in connection.execute(_APPLIED).fetchall()}
    known = {version for version, _, _ in migrations()}
    if unknown := applied - known:
        raise StoreError(
            f"{shown} was written by a newer perf_pipeline, and nothing in it is damaged: it has "
            f"schema {max(unknown)}, and this version knows up to {max(known)}",
            hint="upgrade perf_pipeline, or name another state folder",
        )
    return applied
