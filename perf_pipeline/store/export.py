"""Copies of the history for people to take away: readings as CSV.

Add here: a file format that people take away. Keep out: reports (report/), SQL (snapshot.py).
"""

import csv
from pathlib import Path
from typing import Final

from perf_pipeline.errors import StoreError
from perf_pipeline.store.history import History
from perf_pipeline.store.records import OF_KEY, RunKey

_HEADER: Final = ("timestamp", "cpu_percent", "memory_mb", "disk_io_mb", "network_kb")
# One row per moment; a rate times the time since the row before is what moved in between.
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


def export_readings_csv(history: History, key: RunKey, path: Path) -> int:
    """Write the host's readings of a benchmark as CSV, a row for each moment; give their number.

    Columns: timestamp (UTC, ISO 8601), cpu_percent (of all cores), memory_mb (10^6 bytes in use),
    disk_io_mb and network_kb (10^6 and 10^3 bytes moved since the row before; in the first row
    since the benchmark began). An empty field means that it was not read at that moment.

    Raises:
        StoreError: the file cannot be written.
    """
    rows = history.connection.execute(_HOST_READINGS, key.parameters).fetchall()
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEADER)
            writer.writerows(rows)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    return len(rows)
