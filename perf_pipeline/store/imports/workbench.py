"""A scratch database beside the spool, in which a large file is taken apart within bounded memory.

Whatever the format, a reader fills the tables `requests`, `iterations`, `readings` and `checks`
(times in µs since 1970); from here on they are the same.

Add here: a table that a format needs and the spool has. Keep out: formats.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from perf_pipeline.errors import StoreError
from perf_pipeline.metrics.sample import (
    CHECK_COLUMNS,
    ITERATION_COLUMNS,
    READING_COLUMNS,
    SAMPLE_COLUMNS,
)
from perf_pipeline.store.imports.foreign import ForeignFileError, ForeignRun
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.units import US_PER_S

_SETTINGS: Final = "set memory_limit = '1GB'; set preserve_insertion_order = true"
_TABLES: Final = """
create table requests (
    scenario varchar, protocol varchar default 'http', operation varchar, started_us bigint,
    ended_us bigint, outcome varchar, status integer, error varchar, bytes_out bigint default 0,
    bytes_in bigint default 0, blocked_us bigint default -1, connecting_us bigint default -1,
    tls_us bigint default -1, sending_us bigint default -1, waiting_us bigint default -1,
    receiving_us bigint default -1
);
create table iterations (scenario varchar, started_us bigint, ended_us bigint);
create table readings (at_us bigint, source varchar, name varchar, value double);
create table checks (
    scenario varchar, operation varchar, check_name varchar, passes bigint, fails bigint
);
create table starts (scenario varchar, iterations bigint, dropped_iterations bigint);
"""
_SPAN: Final = """
select min(since_us), max(until_us) from (
    select min(started_us) as since_us, max(ended_us) as until_us from requests
    union all select min(started_us), max(ended_us) from iterations
    union all select min(at_us), max(at_us) from readings
)
"""
# What another tool measured has no VU of ours and no intended start: vu 0 says so.
_SAMPLES: Final = """
select scenario, protocol, 0 as vu, rowid as iteration, operation, 'measured' as phase,
    started_us - $origin as intended_us, started_us - $origin as started_us,
    ended_us - $origin as ended_us, outcome, status, error, bytes_out, bytes_in, 1 as records,
    0 as checks_passed, 0 as checks_failed, blocked_us, connecting_us, tls_us, sending_us,
    waiting_us, receiving_us
from requests order by rowid
"""
_ITERATIONS: Final = """
select scenario, 0 as vu, rowid as iteration, 'measured' as phase,
    started_us - $origin as intended_us, started_us - $origin as started_us,
    ended_us - $origin as ended_us, 'ok' as outcome
from iterations order by rowid
"""
_READINGS: Final = """
select at_us - $origin as at_us, source, name, value from readings where isfinite(value)
order by rowid
"""
_CHECKS: Final = "select * from checks order by all"
_FILES: Final = (
    ("requests", "samples-import.csv", _SAMPLES, SAMPLE_COLUMNS),
    ("iterations", "iterations-import.csv", _ITERATIONS, ITERATION_COLUMNS),
    ("readings", "readings-import.csv", _READINGS, READING_COLUMNS),
    ("checks", "checks.csv", _CHECKS, CHECK_COLUMNS),
)
_SCENARIOS: Final = """
select scenario from requests union select scenario from iterations
union select scenario from starts order by scenario
"""
_COUNTED: Final = """
select scenario, count(*) from iterations group by scenario
"""
_EACH_REQUEST: Final = """
insert into starts select scenario, count(*), null from requests group by scenario
"""
_STARTS: Final = "select scenario, iterations, dropped_iterations from starts"


@contextmanager
def workbench(beside: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a scratch database with empty tables; its file is gone afterwards.

    Args:
        beside: folder in which it is made, because a temporary folder may be in memory.

    Raises:
        StoreError: the disk does not take it.
    """
    with TemporaryDirectory(prefix="import-", dir=beside) as scratch:
        connection = duckdb.connect(str(Path(scratch) / "scratch.duckdb"))
        try:
            connection.execute(_SETTINGS)
            connection.execute(_TABLES)
            yield connection
        except duckdb.IOException as error:
            raise StoreError(
                f"{beside} has no room to take the file apart: {error}",
                hint="make room; nothing was imported",
            ) from error
        finally:
            connection.close()


def _write_files(connection: duckdb.DuckDBPyConnection, folder: Path, origin_us: int) -> None:
    """Write the tables that have rows as files of a benchmark's spool.

    Args:
        connection: to the scratch database.
        folder: the folder of the benchmark.
        origin_us: moment that becomes 0, in µs since 1970.
    """
    for table, name, select, columns in _FILES:
        row = connection.execute(f"select count(*) from {table}").fetchone()
        if not row or not row[0]:
            continue
        target, listed = quoted_path(folder / name), ", ".join(columns)
        rows = select.replace("$origin", str(origin_us))  # COPY takes no parameters
        connection.execute(f"copy (select {listed} from ({rows})) to {target} (format csv, header)")


def quoted_path(path: Path) -> str:
    """Write a path as a text of SQL, for the statements that take no parameters."""
    return quoted(str(path))


def quoted(text: str) -> str:
    """Write a text as one of SQL, for the statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def selected(wanted: Iterable[str], present: Collection[str]) -> str:
    """Write the columns that a statement needs in SQL; null for those that a file does not have."""
    return ", ".join(
        f'"{name}"' if name in present else f'null::varchar as "{name}"' for name in wanted
    )


def _scenarios(connection: duckdb.DuckDBPyConnection, length_us: int) -> list[ScenarioCounts]:
    """Count the iterations of each scenario; the load as a whole is the time of each, as in k6."""
    names = [name for (name,) in connection.execute(_SCENARIOS).fetchall()]
    counted = dict(connection.execute(_COUNTED).fetchall())
    starts = {
        name: (iterations, dropped)
        for name, iterations, dropped in connection.execute(_STARTS).fetchall()
    }
    return [
        ScenarioCounts(
            name, _iterations(name, counted, starts), starts.get(name, (0, None))[1], None, None,
            0, length_us,
        )
        for name in names
    ]  # fmt: skip


def _iterations(
    name: str, counted: Mapping[str, int], starts: Mapping[str, tuple[int, int | None]]
) -> int:
    """Believe the tool's count; where iterations were left out of its file, count those in it."""
    told = starts[name][0] if name in starts else counted.get(name, 0)
    return min(told, counted[name]) if name in counted else told


def run_of_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> ForeignRun | None:
    """Write the tables as files of a benchmark's spool; return what they tell, None without rows.

    Args:
        connection: to the scratch database.
        folder: the folder of the benchmark.
    """
    since_us, until_us = connection.execute(_SPAN).fetchall()[0]
    if since_us is None:
        return None
    _write_files(connection, folder, since_us)
    return ForeignRun(
        began_at=datetime.fromtimestamp(since_us / US_PER_S, UTC),
        length_s=(until_us - since_us) / US_PER_S,
        scenarios=_scenarios(connection, until_us - since_us),
    )


def run_of(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    shown: Path,
    *,
    cut: str = "",
    notices: Sequence[str] = (),
) -> ForeignRun:
    """Write the tables of a tool that reports requests alone, each of which is an iteration.

    Args:
        connection: to the scratch database.
        folder: the folder of the benchmark.
        shown: the file as people know it.
        cut: one sentence when the file ends too early.
        notices: what a reader must know.

    Raises:
        ForeignFileError: there is no request.
    """
    connection.execute(_EACH_REQUEST)
    has_requests = connection.execute("from requests limit 1").fetchone()
    run = run_of_tables(connection, folder) if has_requests else None
    if run is None:
        raise ForeignFileError(shown, "it reports no request")
    return replace(run, cut=cut, notices=notices)
