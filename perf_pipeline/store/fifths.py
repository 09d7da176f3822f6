"""How long operations took in each fifth of the time in which they were started.

Add here: another fact of a part of a load. Keep out: what it means for a verdict (judging/).
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.store.records import OF_KEY, RunKey

FIFTHS: Final = 5
# What failed may have taken no time at all; what was interrupted had waited for so long at least.
_FIFTHS: Final = f"""
with known as not materialized (
    select scenario, operation, started_us, ended_us - started_us as took_us
    from samples where {OF_KEY} and phase = 'measured' and outcome in ('ok', 'interrupted')
),
spans as (
    select scenario, operation, min(started_us) as from_us, max(started_us) as until_us
    from known group by scenario, operation
)
select scenario, operation,
    least({FIFTHS - 1}, {FIFTHS} * (started_us - from_us) // greatest(1, until_us - from_us))
        as fifth,
    count(*), median(took_us)
from known join spans using (scenario, operation)
group by scenario, operation, fifth order by scenario, operation, fifth
"""


@dataclass(frozen=True, slots=True)
class Fifth:
    """Hold one fifth: how many operations were started in it, and their median service time."""

    count: int
    median_us: float


def fifths_of(
    connection: duckdb.DuckDBPyConnection, key: RunKey
) -> dict[tuple[str, str], list[Fifth]]:
    """Return the fifths of each scenario's operations in order; those without a start are left out.

    Empty for a pruned benchmark.
    """
    found: dict[tuple[str, str], list[Fifth]] = {}
    for scenario, operation, _, count, median in connection.execute(
        _FIFTHS, key.parameters
    ).fetchall():
        found.setdefault((scenario, operation), []).append(Fifth(int(count), float(median)))
    return found
