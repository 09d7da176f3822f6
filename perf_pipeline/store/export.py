"""Copies of the history for people to take away: readings as CSV.

Add here: a file format that people take away. Keep out: reports (report/), SQL (snapshot.py).
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from perf_pipeline.errors import StoreError
from perf_pipeline.metrics.catalog import CATALOG, IMPORTED
from perf_pipeline.store.history import History

_HEADER: Final = ("timestamp", "cpu_percent", "memory_mb", "disk_io_mb", "network_kb")
# One row per moment; a rate times the time since the row before is what moved in between.
_MOMENT: Final = """strftime(
        coalesce(benchmarks.began_at, runs.began_at) + to_microseconds(at_us),
        '%Y-%m-%dT%H:%M:%S.%gZ'
    )"""
# Those of all benchmarks at once: DuckDB takes longer to plan it than to answer it.
_HOST_READINGS: Final = f"""
with moments as (
    select benchmark, at_us,
        max(value) filter (where name = 'host_cpu_percent') as cpu_percent,
        max(value) filter (where name = 'host_memory_bytes') as memory_bytes,
        max(value) filter (where name = 'host_disk_bytes_per_s') as disk_bytes_per_s,
        max(value) filter (where name = 'host_network_bytes_per_s') as network_bytes_per_s
    from readings
    where run_id = $run_id and source = 'host'
        and name in ('host_cpu_percent', 'host_memory_bytes', 'host_disk_bytes_per_s',
            'host_network_bytes_per_s')
    group by benchmark, at_us
),
spans as (
    select *,
        (at_us - lag(at_us, 1, 0) over (partition by benchmark order by at_us)) / 1e6 as span_s
    from moments
)
select
    benchmark,
    {_MOMENT},
    round(cpu_percent, 1),
    round(memory_bytes / 1e6, 1),
    round(disk_bytes_per_s * span_s / 1e6, 3),
    round(network_bytes_per_s * span_s / 1e3, 3)
from spans join benchmarks using (benchmark) join runs using (run_id)
where run_id = $run_id
order by benchmark, at_us
"""
_TIER_HEADER: Final = ("timestamp", "source", "metric", "unit", "value")
# Series of another tool's file are samples of its own, and may be millions.
_ALL_READINGS: Final = f"""
select benchmark, {_MOMENT}, source, name, value
from readings join benchmarks using (run_id, benchmark) join runs using (run_id)
where run_id = $run_id and not list_contains($left_out::varchar[], name)
order by benchmark, at_us, source, name
"""


def export_readings_csv(
    history: History, run_id: str, path_of: Callable[[str], Path]
) -> dict[str, int]:
    """Write the host's readings of each benchmark of a run as CSV, a row for each moment.

    Columns: timestamp (UTC, ISO 8601), cpu_percent (of all cores), memory_mb (10^6 bytes in use),
    disk_io_mb and network_kb (10^6 and 10^3 bytes moved since the row before; in the first row
    since the benchmark began). An empty field means that it was not read at that moment.

    Args:
        history: open.
        run_id: the id of the run.
        path_of: gives the file of a benchmark.

    Returns:
        How many rows each benchmark has.

    Raises:
        StoreError: a file cannot be written.
    """
    found = _by_benchmark(history, _HOST_READINGS, {"run_id": run_id})
    benchmarks = [outcome.benchmark for outcome in history.outcomes(run_id)]
    for benchmark in benchmarks:
        _write(path_of(benchmark), _HEADER, found.get(benchmark, ()))
    return {benchmark: len(found.get(benchmark, ())) for benchmark in benchmarks}


def export_tiers_csv(
    history: History, run_id: str, path_of: Callable[[str], Path]
) -> dict[str, int]:
    """Write all readings of each benchmark of a run as CSV, a row for each value.

    Columns: timestamp (UTC, ISO 8601), source (the tier, partition or device), metric (of the
    catalog), unit, value. Without readings no file is written.

    Args:
        history: open.
        run_id: the id of the run.
        path_of: gives the file of a benchmark.

    Returns:
        How many rows each benchmark with readings has.

    Raises:
        StoreError: a file cannot be written.
    """
    given = {"run_id": run_id, "left_out": sorted(IMPORTED)}
    found = _by_benchmark(history, _ALL_READINGS, given)
    for benchmark, readings in found.items():
        rows = [
            (at, source, name, CATALOG[name].unit if name in CATALOG else "", value)
            for at, source, name, value in readings
        ]
        _write(path_of(benchmark), _TIER_HEADER, rows)
    return {benchmark: len(readings) for benchmark, readings in found.items()}


def _by_benchmark(
    history: History, statement: str, given: Mapping[str, object]
) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for benchmark, *row in history.connection.execute(statement, given).fetchall():
        found.setdefault(benchmark, []).append((*row,))
    return found


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
