"""Find mistakes in thresholds and in the target's name, even if the rest of the file has others.

Add here: another check for which the raw table is enough. Keep out: checks of a whole profile
(loading.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from perf_pipeline.config.own_scenarios import benchmarks_in, raw_scenario_tags
from perf_pipeline.config.target import LOCAL
from perf_pipeline.metrics.scenario_tags import ScenarioTags
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.spelling import meant


def raw_threshold_mistakes(raw: Mapping[str, Any]) -> list[str]:
    """Find the mistakes of every threshold, even if the rest of the file has mistakes."""
    found = []
    for benchmark, config in benchmarks_in(raw):
        thresholds = config.get("thresholds", {})
        scenarios = config.get("scenarios", {})
        tags = raw_scenario_tags(config)
        for key, entries in thresholds.items() if isinstance(thresholds, dict) else ():
            for entry in entries if isinstance(entries, list) else ():
                text = entry.get("threshold") if isinstance(entry, dict) else entry
                path = f"benchmarks.{benchmark}.thresholds.{key}"
                if isinstance(text, str) and (
                    mistake := _threshold_mistake(key, text, scenarios, tags)
                ):
                    found.append(f"{path}: {mistake}")
    return found


def _threshold_mistake(key: str, text: str, scenarios: object, tags: ScenarioTags) -> str | None:
    try:
        threshold = parse_threshold(key, text, scenario_tags=tags)
    except ValueError as error:
        return str(error)
    scenario = threshold.tags.get("scenario")
    if scenario is not None and isinstance(scenarios, dict) and scenario not in scenarios:
        known = ", ".join(scenarios)
        return f"scenario {scenario!r} is not one of {known}{meant(scenario, scenarios)}"
    return None


def raw_target_mistakes(raw: Mapping[str, Any]) -> Iterator[str]:
    """Find a target's name that does not exist, even if the rest of the file has mistakes."""
    targets = raw.get("targets", {})
    known = (LOCAL, *(targets if isinstance(targets, dict) else ()))
    if (target := raw.get("target", LOCAL)) not in known:
        there = f"{', '.join(known)}{meant(str(target), known)}"
        yield f"target is {target!r}; the targets of this profile are {there}"
