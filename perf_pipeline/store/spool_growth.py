"""The courses of what may grow during a steady load, from a benchmark's spool.

A latency is the p95 of as many operations as make a point: at least 20 of them, and at most 120
points, however long the load. The time of a point is when the operations were due, so that a stall
cannot hide.

Add here: the course of another quantity. Keep out: which readings are asked for
(metrics/growth.py), and what follows from a course (analysis/drift.py).
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from perf_pipeline.store.ledger_sql import STAGES, stations
from perf_pipeline.store.spool_figures import spooled
from perf_pipeline.units import US_PER_S

Course = list[tuple[float, float]]
"""(hours since the benchmark's origin, value), ordered by time."""
LEAST_OF_A_POINT: Final = 20
_MOST_POINTS: Final = 120
_HOUR_US: Final = 3_600 * US_PER_S
# A source with a slash is a part of another one, which is there as a whole.
_READINGS: Final = """
select name, source, at_us, value from spooled
where list_contains($names::varchar[], name) and isfinite(value) and not contains(source, '/')
    and at_us between $from_us and $until_us
order by name, source, at_us
"""
_TILES: Final = f"""
with counted as (
    select part, due_us, took_us, count(*) over (partition by part) as all_of_it
    from ({{rows}}) where due_us >= $from_us and due_us < $until_us
),
tiled as (
    select part, due_us, took_us, ntile(cast(least({_MOST_POINTS}, all_of_it // {LEAST_OF_A_POINT})
        as bigint)) over (partition by part order by due_us) as tile
    from counted where all_of_it >= {LEAST_OF_A_POINT}
)
select part, '' as source, avg(due_us), quantile_cont(took_us, 0.95) / 1000.0
from tiled group by part, tile order by part, tile
"""
_OPERATIONS: Final = """
select operation as part, intended_us as due_us, ended_us - intended_us as took_us
from spooled where phase = 'measured'
"""
_OF_STAGES: Final = f"""
select part, due_us, took_us from (
    select intended_us as due_us, unnest([{", ".join(f"'{name}'" for name in STAGES)}]) as part,
        unnest([{", ".join(STAGES.values())}]) as took_us
    from ({stations("spooled")})
) where took_us is not null
"""


def courses_of_readings(
    folder: Path, names: Collection[str], from_us: int, until_us: int
) -> dict[tuple[str, str], Course]:
    """Return the course of each reading and source between two moments of a load.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spooled(folder, "readings") as connection:
        rows = connection.execute(
            _READINGS, {"names": sorted(names), "from_us": from_us, "until_us": until_us}
        ).fetchall()
    return _courses(rows)


def courses_of_latencies(folder: Path, from_us: int, until_us: int) -> dict[str, Course]:
    """Return the course of the p95 of each operation, and of each stage of messages, in ms.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    found: dict[str, Course] = {}
    for kind, rows in (("samples", _OPERATIONS), ("ledger", _OF_STAGES)):
        with spooled(folder, kind) as connection:
            tiles = connection.execute(
                _TILES.format(rows=rows), {"from_us": from_us, "until_us": until_us}
            ).fetchall()
        found |= {part: course for (part, _), course in _courses(tiles).items()}
    return found


def _courses(rows: Iterable[tuple[str, str, float, float]]) -> dict[tuple[str, str], Course]:
    found: dict[tuple[str, str], Course] = {}
    for name, source, at_us, value in rows:
        found.setdefault((name, source), []).append((at_us / _HOUR_US, float(value)))
    return found
