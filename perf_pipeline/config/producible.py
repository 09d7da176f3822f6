"""Find the tag values that samples of a profile can have, to refuse thresholds on other values.

A threshold on an operation that no scenario makes would end as NO_DATA after a whole run.
Add here: a tag whose values follow from a profile. Keep out: which tags a metric has (metrics/).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from perf_pipeline.config.parameters import iteration_kind
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.templated import MakesOperations
from perf_pipeline.metrics.sample import HTTP_ERRORS, Outcome
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.spelling import meant

_KNOWN: Final = frozenset({"operation", "check", "outcome"})
_LONGEST_STATUS: Final = 3
_OUTCOMES: Final = tuple(str(outcome) for outcome in Outcome)


def tag_value_mistakes(profile: Profile) -> Iterator[str]:
    """Find filters of thresholds that no sample of the profile can match."""
    for benchmark, config in profile.benchmarks.items():
        for threshold in _readable(config):
            if mistake := _mistake(config, threshold):
                yield f"benchmarks.{benchmark}.thresholds.{threshold.key}: {mistake}"


def _readable(config: BenchmarkConfig) -> list[Threshold]:
    try:
        return config.parsed_thresholds()
    except ValueError:  # a threshold that can't be read is reported by its reader
        return []


def _mistake(config: BenchmarkConfig, threshold: Threshold) -> str:
    tags = threshold.tags
    if _KNOWN.isdisjoint(tags):  # most thresholds; the values take long to work out
        return _odd_value(threshold)
    # Whoever reads the name reports that the scenario is missing; here it filters nothing.
    named = [name for name in config.scenarios if name == tags.get("scenario")]
    scenarios = [
        config.scenarios[name]
        for name in named or config.scenarios
        if name in (threshold.scenarios or (name,))
    ]
    who = f"scenario {named[0]} has no" if named else "no scenario has the"
    known = {
        "operation": operations_of(scenarios),
        "check": _checks(scenarios, tags),
        "outcome": list(_OUTCOMES),
    }
    found = (_unlike(tag, f"{who} {tag}", tags, values) for tag, values in known.items())
    return next(filter(None, found), "") or _odd_value(threshold)


def _odd_value(threshold: Threshold) -> str:
    """Say why no request can have this status or error class.

    Its count would always be 0, and a threshold on it would always hold.
    """
    status, error = threshold.tags.get("status", "0"), threshold.tags.get("error")
    if not (status.isascii() and status.isdecimal()):
        return f"status {status!r} is not a number; write one status, such as 503"
    if status != str(int(status[:_LONGEST_STATUS])):
        return f"no answer has the status {status!r}; write it as in HTTP, such as 503"
    is_http = threshold.metric.startswith("http_") and error not in {None, *HTTP_ERRORS}
    if is_http and (told := meant(str(error), HTTP_ERRORS)):
        return f"no request fails as {error!r}{told}"
    return ""


def _unlike(tag: str, sentence: str, tags: Mapping[str, str], known: Iterable[str] | None) -> str:
    if tag not in tags or known is None:
        return ""
    values = list(dict.fromkeys(known))
    if tags[tag] in values:
        return ""
    there = ", ".join(values) or "none"
    return f"{sentence} {tags[tag]!r}; there are {there}{meant(tags[tag], values)}"


def operations_of(scenarios: Iterable[Scenario]) -> list[str] | None:
    """Return the operations that the scenarios make; None if a scenario may make any."""
    found: list[str] = []
    for scenario in scenarios:
        if isinstance(scenario.parameters, MakesOperations):
            found += [operation.name for operation in scenario.parameters.operations]
        elif (kind := iteration_kind(scenario.exec)) is not None and kind.operation:
            found.append(kind.operation)
        else:
            return None
    return found


def _checks(scenarios: Iterable[Scenario], tags: Mapping[str, str]) -> list[str] | None:
    """Return the declared checks, of the filter's operation if it names one; None if unknown."""
    found: list[str] = []
    for scenario in scenarios:
        if not isinstance(scenario.parameters, MakesOperations):
            return None
        for operation in scenario.parameters.operations:
            if tags.get("operation", operation.name) == operation.name:
                found += operation.checks
    return found
