"""Give people copies of the history: CSV of readings, and any SQL on a private copy of the file.

Add here: a file format that people take away. Keep out: reports (report/).
"""

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from perf_pipeline.errors import PerfPipelineError, RequestError, StoreError
from perf_pipeline.store.access import said_plainly
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.records import RunKey

_HEADER: Final = ("timestamp", "cpu_percent", "memory_mb", "disk_io_mb", "network_kb")
# One row per moment; a rate times the time since the row before is what moved in between.
_HOST_READINGS: Final = """
with moments as (
    select at_us,
        max(value) filter (where name = 'host_cpu_percent') as cpu_percent,
        max(value) filter (where name = 'host_memory_bytes') as memory_bytes,
        max(value) filter (where name = 'host_disk_bytes_per_s') as disk_bytes_per_s,
        max(value) filter (where name = 'host_network_bytes_per_s') as network_bytes_per_s
    from readings
    where run_id = $run_id and benchmark = $benchmark and source = 'host'
        and name in ('host_cpu_percent', 'host_memory_bytes', 'host_disk_bytes_per_s',
            'host_network_bytes_per_s')
    group by at_us
),
spans as (
    select *, (at_us - lag(at_us, 1, 0) over (order by at_us)) / 1e6 as span_s from moments
)
select
    strftime(
        coalesce(benchmarks.began_at, runs.began_at) + to_microseconds(at_us),
        '%Y-%m-%dT%H:%M:%S.%gZ'
    ),
    round(cpu_percent, 1),
    round(memory_bytes / 1e6, 1),
    round(disk_bytes_per_s * span_s / 1e6, 3),
    round(network_bytes_per_s * span_s / 1e3, 3)
from spans, benchmarks join runs using (run_id)
where benchmarks.run_id = $run_id and benchmarks.benchmark = $benchmark
order by at_us
"""
_SQL_HINT: Final = "docs/schema.md lists the tables with their columns, and queries to start from"


def export_readings_csv(history: History, key: RunKey, path: Path) -> int:
    """Write the host's readings of a benchmark as CSV, one row per moment; give their number.

    Columns: timestamp (UTC, ISO 8601), cpu_percent (of all cores), memory_mb (10^6 bytes in use),
    disk_io_mb and network_kb (10^6 and 10^3 bytes moved since the row before; in the first row
    since the benchmark began). An empty field means that it was not read at that moment.

    Raises:
        PerfPipelineError: the file cannot be written.
    """
    rows = history.connection.execute(
        _HOST_READINGS, {"run_id": key.run_id, "benchmark": key.benchmark}
    ).fetchall()
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEADER)
            writer.writerows(rows)
    except OSError as error:
        raise PerfPipelineError(f"{path} cannot be written: {error}") from error
    return len(rows)


def query_snapshot(
    path: Path,
    sql: str,
    parameters: Sequence[object] | Mapping[str, object] = (),
    *,
    wait_s: float = 30.0,
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one reading statement on a private copy, so that a long one never blocks a run.

    The copy is made while this process has the history open for itself, and is removed after.

    Args:
        path: of the history.
        sql: one statement; it sees no other file and no network.
        parameters: for `?` or `$name` in it.
        wait_s: how long to queue for the copy.

    Returns:
        The names of the columns, and the rows.

    Raises:
        StoreBusyError: another process had the history open all the time.
        PerfPipelineError: the SQL is wrong, or would write.
    """
    with TemporaryDirectory(prefix="perf-pipeline-sql-") as folder:
        copy = Path(folder) / path.name
        with open_history(path, wait_s=wait_s, read_only=True):
            _copy(path, copy)
        with said_plainly(copy), _opened(copy) as connection:
            return _answer(connection, sql, parameters)


def _copy(path: Path, copy: Path) -> None:
    try:
        shutil.copyfile(path, copy)
        wal = path.with_name(f"{path.name}.wal")
        if wal.exists():
            shutil.copyfile(wal, copy.with_name(f"{copy.name}.wal"))
    except OSError as error:
        raise StoreError(
            f"no copy of {path} could be made for the query: {error}",
            hint="make room in the folder for temporary files, or name another in TMPDIR",
        ) from error


def _opened(copy: Path) -> duckdb.DuckDBPyConnection:
    """Open the copy so that a statement can neither change it nor reach anything else."""
    return duckdb.connect(copy, read_only=True, config={"enable_external_access": False})


def _answer(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Sequence[object] | Mapping[str, object],
) -> tuple[list[str], list[tuple[Any, ...]]]:
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise RequestError(
                f"one statement at a time, please; this text has {len(statements)}",
                hint=_SQL_HINT,
            )
        cursor = connection.execute(statements[0], parameters)
        return [column[0] for column in cursor.description or ()], cursor.fetchall()
    except duckdb.Error as error:
        message = str(error).strip()
        if "read-only" in message or isinstance(error, duckdb.PermissionException):
            raise RequestError(
                f"this query would write or reach outside the history, and it only reads: {sql}",
                hint=f"DuckDB says: {message.splitlines()[0]}",
            ) from error
        raise RequestError(f"the query failed: {message}", hint=_SQL_HINT) from error
