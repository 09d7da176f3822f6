"""How operations failed in a run, by kind: how often, when first and last, and a first example.

Add here: another kind of failure. Keep out: what it means for a verdict (judging/), and words.
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.store.censoring import UNDECIDED

_KIND: Final = "if(error = 'status', 'status ' || status, coalesce(nullif(error, ''), outcome))"
# Every sample has a schedule lag, so that its histogram counts the operations of a pruned run.
_FAILED: Final = f"""
select benchmark, scenario, operation,
    {_KIND} as kind, count(*) as times, min(ended_us) as first_us,
    max(ended_us) as last_us, arg_min(vu, ended_us) as vu,
    arg_min(iteration, ended_us) as iteration
from samples
where run_id = $run_id and phase = 'measured' and outcome <> 'ok' and not ({UNDECIDED})
group by benchmark, scenario, operation, kind
union all
select benchmark, scenario, operation,
    {_KIND} as kind, sum(count), null, null, null, null
from histograms
where run_id = $run_id and metric = 'schedule_lag' and benchmark in (
        select benchmark from benchmarks where run_id = $run_id and not raw_kept
    ) and outcome <> 'ok'
    and not ({UNDECIDED})
group by benchmark, scenario, operation, kind
"""
# A sample does not say which of its checks failed: only a single failing check has its times.
_CHECKS: Final = """
select benchmark, scenario, operation, 'check ' || check_name as kind, fails as times,
    if(alone, first_us, null), if(alone, last_us, null), if(alone, vu, null),
    if(alone, iteration, null)
from (
    select *, count(*) over (partition by benchmark, scenario, operation) = 1 as alone
    from checks where run_id = $run_id and fails > 0
)
left join (
    select benchmark, scenario, operation, min(ended_us) as first_us, max(ended_us) as last_us,
        arg_min(vu, ended_us) as vu, arg_min(iteration, ended_us) as iteration
    from samples where run_id = $run_id and phase = 'measured' and checks_failed <> 0
    group by benchmark, scenario, operation
) using (benchmark, scenario, operation)
"""
_ITERATIONS: Final = """
select benchmark, scenario, '' as operation, 'iteration ended early' as kind, count(*) as times,
    min(ended_us), max(ended_us), arg_min(vu, ended_us), arg_min(iteration, ended_us)
from iterations where run_id = $run_id and phase = 'measured' and outcome = 'failed'
group by benchmark, scenario
"""
_ALL: Final = (
    "select benchmark, scenario, operation, kind, cast(times as bigint), first_us, last_us, vu, "
    f"iteration from ({_FAILED} union all {_CHECKS} union all {_ITERATIONS}) "
    "order by benchmark, times desc, kind, scenario, operation"
)
# Answered from few rows, where most runs have nothing to count.
_ANY: Final = """
select 1 from sample_kinds where run_id = $run_id and outcome <> 'ok'
union all select 1 from checks where run_id = $run_id and fails > 0
union all select 1 from iterations where run_id = $run_id and outcome = 'failed'
union all select 1 from histograms
    where run_id = $run_id and metric = 'schedule_lag' and outcome <> 'ok'
limit 1
"""


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Count the failures of one kind.

    Attributes:
        benchmark: its name.
        scenario: its name.
        operation: its name; empty for whole iterations.
        kind: class of the error, `status 500`, `check NAME` or `iteration ended early`.
        times: how often in the measured phase.
        first_us: end of the first one, in µs since the benchmark's origin; like the rest None
            where nobody knows any more.
        last_us: end of the last one.
        vu: who met the first one.
        iteration: in which of its iterations.
    """

    benchmark: str
    scenario: str
    operation: str
    kind: str
    times: int
    first_us: int | None
    last_us: int | None
    vu: int | None
    iteration: int | None


def failures_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[FailureKind]:
    """List how operations of a run's measured phases failed, by benchmark, the most frequent first.

    Of a pruned run there are the counts only.
    """
    given = {"run_id": run_id}
    if connection.execute(_ANY, given).fetchone() is None:
        return []
    rows = connection.execute(_ALL, given).fetchall()
    return [FailureKind(*row) for row in rows]
