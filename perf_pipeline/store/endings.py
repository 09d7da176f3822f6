"""The endings of operations: which were never answered, and which failed until the end.

Add here: another fact about the end of a load. Keep out: what it means for a verdict (judging/).
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.metrics.censoring import UNANSWERED
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.records import OF_KEY, RunKey

# Asked first: of a load in which all went well, as in most, there is nothing to work out.
_ANY_FAILURE: Final = f"""
select 1 from sample_kinds where {OF_KEY} and phase = 'measured' and outcome <> 'ok' limit 1
"""
# By start, not by end: what is slow, and what times out, ends last in any load.
_ENDINGS: Final = f"""
with known as (
    select scenario, operation, started_us, ended_us, outcome = 'ok' as went_well,
        error = '{UNANSWERED}' as is_unanswered,
        if(error = 'status', 'status ' || status, error) as how
    from samples where {OF_KEY} and phase = 'measured' and not ({UNDECIDED})
),
whole as (
    select scenario, operation, count(*) as operations,
        count(*) filter (where not went_well) as failed,
        max(started_us) filter (where went_well) as last_us
    from known group by scenario, operation
),
tails as (
    select scenario, operation, count(*) as failed, min(started_us) as from_us,
        max(ended_us) as until_us, count(*) filter (where is_unanswered) as unanswered,
        mode(how) as how, count(distinct how) as ways
    from known join whole using (scenario, operation)
    where not went_well and (last_us is null or started_us > last_us)
    group by scenario, operation
)
select scenario, operation, whole.operations - tails.failed, whole.failed - tails.failed,
    tails.failed, unanswered, last_us is not null, until_us - from_us, how, ways,
    (select count(*) from whole)
from tails join whole using (scenario, operation)
where not exists (
    select 1 from known
    where went_well and known.operation = tails.operation and known.started_us > until_us
)
order by scenario, operation
"""
_UNANSWERED: Final = f"""
select scenario, count(*) filter (where error = '{UNANSWERED}'), count(*)
from samples where {OF_KEY} and phase = 'measured' group by scenario
"""
# Every sample has a schedule lag.
_UNANSWERED_PRUNED: Final = f"""
select scenario, coalesce(sum(count) filter (where error = '{UNANSWERED}'), 0), sum(count)
from histograms where {OF_KEY} and metric = 'schedule_lag' group by scenario
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """Hold the failures of an operation since it went well for the last time.

    Attributes:
        scenario: its name.
        operation: its name.
        before: operations up to there, of which `failed_before` failed.
        failed_before: see `before`.
        failed: operations that started later, all of them failures.
        unanswered: how many of these were interrupted after too long a wait.
        went_well_once: whether it had gone well at all.
        span_us: from the first of their starts to the last of their ends.
        how: the most frequent class of error, or `status 500`.
        ways: how many classes there are.
        kinds: how many operations of how many scenarios the benchmark has.
    """

    scenario: str
    operation: str
    before: int
    failed_before: int
    failed: int
    unanswered: int
    went_well_once: bool
    span_us: int
    how: str
    ways: int
    kinds: int


def endings_of(connection: duckdb.DuckDBPyConnection, key: RunKey) -> list[Ending]:
    """Return the operations that did not go well any more at the end; none when all came back.

    An operation that goes well in a later scenario came back. Empty for a pruned benchmark.
    """
    if connection.execute(_ANY_FAILURE, key.parameters).fetchone() is None:
        return []
    rows = connection.execute(_ENDINGS, key.parameters)
    return [Ending(*row) for row in rows.fetchall()]


def unanswered_of(
    connection: duckdb.DuckDBPyConnection, key: RunKey, *, is_pruned: bool
) -> dict[str, tuple[int, int]]:
    """Count unanswered and all measured operations by scenario, interrupted ones included."""
    rows = connection.execute(
        _UNANSWERED_PRUNED if is_pruned else _UNANSWERED,
        key.parameters,
    )
    return {
        scenario: (int(unanswered), int(count)) for scenario, unanswered, count in rows.fetchall()
    }
