"""Copies of the history for people to take away: readings as CSV.

Add here: a file format that people take away. Keep out: reports (report/), SQL (snapshot.py).
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from perf_pipeline.errors import StoreError
from perf_pipeline.metrics.catalog import CATALOG, IMPORTED
from perf_pipeline.store.history import History
from perf_pipeline.store.records import OF_KEY, RunKey

_HEADER: Final = ("timestamp", "cpu_percent", "memory_mb", "disk_io_mb", "network_kb")
# One row per moment; a rate times the time since the row before is what moved in between.
_MOMENT: Final = """strftime(
        coalesce(benchmarks.began_at, runs.began_at) + to_microseconds(at_us),
        '%Y-%m-%dT%H:%M:%S.%gZ'
    )"""
_HOST_READINGS: Final = f"""
with moments as (
    select at_us,
        max(value) filter (where name = 'host_cpu_percent') as cpu_percent,
        max(value) filter (where name = 'host_memory_bytes') as memory_bytes,
        max(value) filter (where name = 'host_disk_bytes_per_s') as disk_bytes_per_s,
        max(value) filter (where name = 'host_network_bytes_per_s') as network_bytes_per_s
    from readings
    where {OF_KEY} and source = 'host'
        and name in ('host_cpu_percent', 'host_memory_bytes', 'host_disk_bytes_per_s',
            'host_network_bytes_per_s')
    group by at_us
),
spans as (
    select *, (at_us - lag(at_us, 1, 0) over (order by at_us)) / 1e6 as span_s from moments
)
select
    {_MOMENT},
    round(cpu_percent, 1),
    round(memory_bytes / 1e6, 1),
    round(disk_bytes_per_s * span_s / 1e6, 3),
    round(network_bytes_per_s * span_s / 1e3, 3)
from spans, benchmarks join runs using (run_id)
where benchmarks.run_id = $run_id and benchmarks.benchmark = $benchmark
order by at_us
"""
_TIER_HEADER: Final = ("timestamp", "source", "metric", "unit", "value")
# Series of another tool's file are samples of its own, and may be millions.
_ALL_READINGS: Final = f"""
select {_MOMENT}, source, name, value
from readings as found join benchmarks using (run_id, benchmark) join runs using (run_id)
where found.run_id = $run_id and found.benchmark = $benchmark
    and not list_contains($left_out::varchar[], name)
order by at_us, source, name
"""


def export_readings_csv(history: History, key: RunKey, path: Path) -> int:
    """Write the host's readings of a benchmark as CSV, a row for each moment; give their number.

    Columns: timestamp (UTC, ISO 8601), cpu_percent (of all cores), memory_mb (10^6 bytes in use),
    disk_io_mb and network_kb (10^6 and 10^3 bytes moved since the row before; in the first row
    since the benchmark began). An empty field means that it was not read at that moment.

    Raises:
        StoreError: the file cannot be written.
    """
    rows = history.connection.execute(_HOST_READINGS, key.parameters).fetchall()
    _write(path, _HEADER, rows)
    return len(rows)


def export_tiers_csv(history: History, key: RunKey, path: Path) -> int:
    """Write all readings of a benchmark as CSV, a row for each value; give their number.

    Columns: timestamp (UTC, ISO 8601), source (the tier, partition or device), metric (of the
    catalog), unit, value. Without readings no file is written.

    Raises:
        StoreError: the file cannot be written.
    """
    given = {**key.parameters, "left_out": sorted(IMPORTED)}
    found = history.connection.execute(_ALL_READINGS, given).fetchall()
    rows = [
        (at, source, name, CATALOG[name].unit if name in CATALOG else "", value)
        for at, source, name, value in found
    ]
    if rows:
        _write(path, _TIER_HEADER, rows)
    return len(rows)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
