"""List the largest costs of each benchmark of a run, next to those of earlier runs.

Add here: the source of another tier's costs. Keep out: the definition of a cost
(analysis/costs.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.costs import TopCost, told, top_costs
from perf_pipeline.analysis.wait_advice import advice_for_waits
from perf_pipeline.store.costs import costs_before, costs_of
from perf_pipeline.store.history import History

_MOST_RUNS: Final = 10


def top_costs_of(history: History, run_id: str) -> dict[str, list[TopCost]]:
    """Return the largest costs of each benchmark for which the target's time was sampled."""
    found = costs_of(history, run_id)
    earlier = costs_before(history, run_id, most=_MOST_RUNS) if found else {}
    return {
        benchmark: top_costs(costs, earlier.get(benchmark, ()))
        for benchmark, costs in found.items()
    }


def with_costs(
    attributions: Iterable[tuple[str, Attribution]], costs: Mapping[str, list[TopCost]]
) -> list[tuple[str, Attribution]]:
    """Add to each finding where its tier's time went, if that is known, and what helps."""
    return [
        (benchmark, _with(attribution, costs.get(benchmark, ())))
        for benchmark, attribution in attributions
    ]


def _with(attribution: Attribution, costs: Iterable[TopCost]) -> Attribution:
    own = [top for top in costs if top.cost.tier == attribution.tier]
    sentence = "; ".join([attribution.sentence, *told(own)])
    # The advice of a broken rule is better: a few waiting sessions don't make a busy database.
    is_told = any(finding.severity == "fail" for finding in attribution.evidence)
    advice = (not is_told and advice_for_waits(own)) or attribution.advice
    return replace(attribution, sentence=sentence, advice=advice)
