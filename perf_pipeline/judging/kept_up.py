"""Judge a threshold on all scenarios by those steps in which the load generator kept up.

Steps run one after another, so a generator that limited one step says nothing against the others.
The verdict says what was left out.

Add here: nothing of one benchmark's. Keep out: the limits of the generator (engine/health.py).
"""

from dataclasses import replace

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.records import BenchmarkOutcome


def meant_scenarios(threshold: Threshold) -> set[str]:
    """Return the scenarios that a threshold's filter names; empty when it is about all of them."""
    return {*threshold.scenarios, *filter(None, [threshold.tags.get("scenario")])}


def touches(threshold: Threshold, scenario: str) -> bool:
    """Say whether a threshold's figure is over this scenario, alone or among others."""
    meant = meant_scenarios(threshold)
    return not meant or scenario in meant


def scenarios_that_kept_up(outcome: BenchmarkOutcome) -> list[str]:
    """Name the scenarios in whose steps the load generator was not the limit."""
    return [
        scenario.name for scenario in outcome.scenarios if not outcome.invalid_for((scenario.name,))
    ]


def over_what_kept_up(threshold: Threshold, outcome: BenchmarkOutcome) -> tuple[Threshold, str]:
    """Narrow a threshold about all scenarios to those that kept up, where some did not.

    Readings have no scenario: they are the target's own, and count throughout.

    Returns:
        What to observe, and what was left out, as text; empty where nothing was.
    """
    kept_up = scenarios_that_kept_up(outcome)
    if outcome.valid or meant_scenarios(threshold) or not kept_up:
        return threshold, ""
    starved = ", ".join(
        scenario.name for scenario in outcome.scenarios if scenario.name not in kept_up
    )
    left_out = f"without {starved}, where the load generator was the limit"
    if "scenario" not in CATALOG[threshold.metric].tags:
        return threshold, left_out
    return replace(threshold, scenarios=tuple(kept_up)), left_out
