"""Judge thresholds on all scenarios only by the steps in which the load generator kept up.

Steps run one after another, so a generator that was the limit of one step does not spoil the
others. The verdict says what was left out.

Add here: nothing about a single benchmark. Keep out: the limits of the generator
(engine/health.py).
"""

from dataclasses import replace

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.records import BenchmarkOutcome


def meant_scenarios(threshold: Threshold) -> set[str]:
    """Return the scenarios that a threshold's filter names; empty if it is about all of them."""
    return {*threshold.scenarios, *filter(None, [threshold.tags.get("scenario")])}


def touches(threshold: Threshold, scenario: str) -> bool:
    """Say whether a threshold's figure includes this scenario."""
    meant = meant_scenarios(threshold)
    return not meant or scenario in meant


def scenarios_that_kept_up(outcome: BenchmarkOutcome) -> list[str]:
    """Return the scenarios in whose steps the load generator was not the limit."""
    return [
        scenario.name for scenario in outcome.scenarios if not outcome.invalid_for((scenario.name,))
    ]


def over_what_kept_up(threshold: Threshold, outcome: BenchmarkOutcome) -> tuple[Threshold, str]:
    """Narrow a threshold on all scenarios to those that kept up, if some did not.

    Readings have no scenario; they describe the target itself and always count.

    Returns:
        What to observe, and as text what was left out; empty if nothing was.
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
