"""The lines that a report draws over a benchmark's time: rate, latency, errors, resources.

Add here: a line, with its query. Keep out: drawing (report/).
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.units import US_PER_S

MOST_POINTS: Final = 200
# Warm-up and drain are drawn too: a plot shows what happened, a summary what counts.
_SAMPLES: Final = f"""
select floor(intended_us / $bin_us) * $bin_us as bin,
    count(*) * 1000000.0 / $bin_us as per_s,
    quantile_cont((ended_us - intended_us) / 1000.0, 0.95) as p95_ms,
    100.0 * avg((outcome <> 'ok' and not ({UNDECIDED}))::integer) as failed_percent
from samples where {OF_KEY}
group by bin order by bin
"""
_READINGS: Final = f"""
select at_us, value from readings
where {OF_KEY} and name = $name and source = $source
order by at_us
"""
_SOURCES: Final = f"""
select distinct name, source from readings
where {OF_KEY} and (
    name in ('process_cpu_percent', 'db_connections')
    or name = 'host_cpu_percent' and source = 'host'
    or name = 'consumer_lag' and not contains(source, '/')
)
order by name, source
"""
_SPAN: Final = f"""
select max(ended_us) from samples where {OF_KEY}
"""
_UNITS: Final = {
    "host_cpu_percent": "percent",
    "process_cpu_percent": "percent of one core",
    "db_connections": "connections",
    "consumer_lag": "messages",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """Hold a line of a plot.

    Attributes:
        name: what is drawn.
        unit: of the values.
        points: (seconds since the benchmark's origin, value), ordered by time.
    """

    name: str
    unit: str
    points: tuple[tuple[float, float], ...]


def plots_of(connection: duckdb.DuckDBPyConnection, key: RunKey) -> list[Plot]:
    """Return rate, p(95) of the response time and failures over time, then resources."""
    return [*_load_plots(connection, key), *_reading_plots(connection, key)]


def _load_plots(connection: duckdb.DuckDBPyConnection, key: RunKey) -> list[Plot]:
    where = key.parameters
    row = connection.execute(_SPAN, where).fetchone()
    if row is None or row[0] is None:
        return []
    bin_us = max(US_PER_S, int(row[0]) // MOST_POINTS)
    rows = connection.execute(_SAMPLES, {**where, "bin_us": bin_us}).fetchall()
    seconds = [at_us / US_PER_S for at_us, *_ in rows]

    def line(name: str, unit: str, column: int) -> Plot:
        values = (row[column] for row in rows)
        return Plot(name, unit, tuple(zip(seconds, values, strict=True)))

    return [
        line("operations", "1/s", 1),
        line("response time p(95)", "ms", 2),
        line("failed", "percent", 3),
    ]


def _reading_plots(connection: duckdb.DuckDBPyConnection, key: RunKey) -> list[Plot]:
    where = key.parameters
    found = []
    for name, source in connection.execute(_SOURCES, where).fetchall():
        rows = connection.execute(_READINGS, {**where, "name": name, "source": source}).fetchall()
        points = tuple((at_us / US_PER_S, value) for at_us, value in rows)
        found.append(Plot(f"{name} {source}", _UNITS[name], points))
    return found
