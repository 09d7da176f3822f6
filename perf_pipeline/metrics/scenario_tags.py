"""Tags that a profile gives its scenarios; every sample of a scenario carries them.

They stay the same during a run, so that a filter by a tag is a filter by the scenarios that have
it. Add here: a rule about such filters. Keep out: tags that differ from sample to sample
(catalog.py), and SQL (store/filters.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from perf_pipeline import spelling
from perf_pipeline.metrics.catalog import CATALOG, Kind, Metric

BUILT_IN_TAGS: Final = frozenset(tag for metric in CATALOG.values() for tag in metric.tags)
ScenarioTags = Mapping[str, Mapping[str, str]]
"""The tags of each scenario of a benchmark, by its name; empty where it has none."""

# As k6, JMeter, Gatling and Prometheus call them.
_OTHER_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("op", "step", "name", "url", "endpoint", "request", "label"), "operation"),
        **dict.fromkeys(("code", "status_code", "http_status", "response_code"), "status"),
        **dict.fromkeys(("result", "success", "state"), "outcome"),
        **dict.fromkeys(("tier", "host", "instance", "container", "job"), "source"),
        **dict.fromkeys(("err", "error_code", "exception"), "error"),
        **dict.fromkeys(("assertion", "assert"), "check"),
    }
)


def scenarios_meant(
    metric: Metric, tags: Mapping[str, str], scenarios: ScenarioTags
) -> tuple[str, ...]:
    """Return the scenarios that have all own tags of a filter, by name; empty without such a tag.

    Raises:
        ValueError: the metric has no such tag, or no scenario has such tags; the sentence says
            which there are.
    """
    own = {name: text for name, text in tags.items() if name not in BUILT_IN_TAGS}
    # A gauge has one figure per scenario, and several of these do not make a common figure.
    takes_own = "scenario" in metric.tags and metric.kind is not Kind.GAUGE
    named = {name for its in scenarios.values() for name in its} if takes_own else set()
    for tag in tags:
        if tag not in metric.tags | named:
            raise ValueError(
                f"metric {metric.name!r} has no tag {tag!r}; it has: "
                f"{', '.join(sorted(metric.tags)) or 'none'}"
                f"{_also(scenarios) if takes_own else ''}"
                f"{_meant(tag, [*sorted(metric.tags), *sorted(named)])}"
            )
    if not own:
        return ()
    chosen = tags.get("scenario")
    found = (name for name, its in scenarios.items() if own.items() <= its.items())
    meant = tuple(sorted(name for name in found if chosen in {None, name}))
    if not meant:
        wanted = " and ".join(f"{name}:{text}" for name, text in own.items())
        who = f"scenario {chosen!r} does not have" if chosen else "no scenario has"
        there = f"{', '.join(_pairs(scenarios))}{_pair_meant(own, scenarios)}"
        raise ValueError(f"{who} {wanted}; there are {there}")
    return meant


def _pair_meant(own: Mapping[str, str], scenarios: ScenarioTags) -> str:
    pairs = list(_pairs(scenarios))
    found = (spelling.meant(f"{name}:{text}", pairs) for name, text in own.items())
    return next(filter(None, found), "")


def _also(scenarios: ScenarioTags) -> str:
    pairs = ", ".join(_pairs(scenarios))
    return f", and from its scenarios {pairs}" if pairs else ""


def _pairs(scenarios: ScenarioTags) -> Iterator[str]:
    yield from sorted(
        {f"{name}:{text}" for its in scenarios.values() for name, text in its.items()}
    )


def _meant(tag: str, known: Sequence[str]) -> str:
    """End a sentence with the tag that was meant, also where another tool calls it so."""
    word = _OTHER_WORDS.get(tag.lower().replace("-", "_"), "")
    return f"; did you mean {word}?" if word in known else spelling.meant(tag, known)
