"""Read what tiers spent their time on, in a run and in the comparable runs before it.

Add here: another question about costs. Keep out: what they mean (analysis/costs.py).
"""

from dataclasses import fields
from typing import Final

from perf_pipeline.metrics.cost import Cost
from perf_pipeline.store.benchmark_rows import rows_by_benchmark
from perf_pipeline.store.history import History

_COLUMNS: Final = ", ".join(field.name for field in fields(Cost))
# A run without any cost was not watched, so it says nothing about absent costs.
_BEFORE: Final = f"""
with own as (
    select benchmark, load_hash, profile, environment_id, made_as
    from benchmarks join runs using (run_id) where run_id = $run_id
),
before as (
    select run_id, benchmark from benchmarks join runs using (run_id)
    join own using (benchmark, load_hash, profile, environment_id)
    where runs.made_as < own.made_as and valid and status = 'complete'
        and not list_contains($others::varchar[], run_id)
        and exists (from costs where costs.run_id = benchmarks.run_id
            and costs.benchmark = benchmarks.benchmark)
    qualify row_number() over (partition by benchmark order by runs.made_as desc) <= $most
)
select benchmark, run_id, {_COLUMNS} from costs join before using (run_id, benchmark)
"""


def costs_of(history: History, run_id: str) -> dict[str, list[Cost]]:
    """Return by benchmark what tiers' time went into in a run, of each kind the largest first."""
    return rows_by_benchmark(history, run_id, "costs", Cost, order="tier, kind, value desc, name")


def costs_before(history: History, run_id: str, *, most: int) -> dict[str, list[list[Cost]]]:
    """Return by benchmark the costs of the newest runs of its line before it, with its load.

    Args:
        history: open.
        run_id: the id of the run.
        most: so many runs of each benchmark at most.
    """
    found: dict[str, dict[str, list[Cost]]] = {}
    others = history.asked.runs_of_other_lines(run_id)
    given = {"run_id": run_id, "most": most, "others": others}
    rows = history.connection.execute(_BEFORE, given).fetchall()
    history.proof.require_rows({row[1] for row in rows}, "costs")
    for benchmark, earlier, *cost in rows:
        found.setdefault(benchmark, {}).setdefault(earlier, []).append(Cost(*cost))
    return {benchmark: [*by_run.values()] for benchmark, by_run in found.items()}
