"""Thresholds of metrics, with the verdicts that they give.

A threshold is written in k6's grammar (threshold_grammar.py). It differs from k6 on purpose: no
data is NO_DATA and never a pass.

Add here: a status, or a check of a threshold against the catalog. Keep out: where the observed
value comes from.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal
from zlib import crc32

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.scenario_tags import ScenarioTags, scenarios_meant
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.metrics.threshold_grammar import (
    COMPARE,
    Comparison,
    parse_expression,
    parse_key,
)
from perf_pipeline.spelling import closest

Severity = Literal["fail", "warn"]

NO_SCENARIOS: Final[ScenarioTags] = MappingProxyType({})
LEGAL_STATISTICS: Final[Mapping[Kind, frozenset[str]]] = MappingProxyType(
    {
        kind: frozenset(known.word for known in STATISTICS.values() if kind in known.judged)
        for kind in Kind
    }
)
FROM_HISTOGRAM: Final = "from a histogram"
"""How the reason of a verdict begins whose figure is right within an error only."""


class Status(StrEnum):
    """Say how a threshold ended.

    PASS and FAIL compare a figure with its bound. WARN means that a threshold of severity `warn`
    was missed. NO_DATA means that nothing was measured, and counts as a failure. INVALID means that
    the load generator was the limit, so that the figure says nothing about the target.
    """

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    WARN = "WARN"
    FAIL = "FAIL"
    NO_DATA = "NO_DATA"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Hold a promise about a metric.

    Attributes:
        metric: name in the catalog.
        tags: the filter; a sample counts when it has all these tags with exactly these values.
        statistic: avg, min, max, med, p, count, rate or value.
        percentile: 0..100 when the statistic is p, else None.
        comparison: the comparison as it is written.
        bound: the bound, in the unit of the metric.
        source: the text as it is written, for people.
        severity: `fail`, or `warn` for an aim that may be missed.
        abort_on_fail: end the benchmark as soon as this fails.
        delay_abort_eval_us: how much of the benchmark must pass before it may be ended.
        scenarios: scenarios that have the own tags of the filter; empty without such a tag.
    """

    metric: str
    tags: Mapping[str, str]
    statistic: str
    percentile: float | None
    comparison: Comparison
    bound: float
    source: str
    severity: Severity = "fail"
    abort_on_fail: bool = False
    delay_abort_eval_us: int = 0
    scenarios: tuple[str, ...] = ()

    @property
    def statistic_label(self) -> str:
        """Return the statistic as written in the grammar, e.g. `p(95)`."""
        return self.statistic if self.percentile is None else f"p({_digits(self.percentile)})"

    @property
    def key(self) -> str:
        """Return metric and filter as written in a profile, e.g. `http_reqs{scenario:read}`."""
        return metric_key(self.metric, written_filter(self.tags))

    @property
    def subject(self) -> str:
        """Name what is judged, without the bound, in letters, digits and underscores.

        It is the name of the Dagster asset check and of the JUnit case. It stays when the bound
        moves, and no two filters share a name (a value that loses letters here gets a checksum).
        """
        percentile = self.percentile
        statistic = self.statistic if percentile is None else f"p{_digits(percentile)}"
        tags = (part for tag, value in self.tags.items() for part in (tag, _word(value)))
        return "__".join((self.metric, *tags, statistic.replace(".", "_").replace("-", "_")))

    @property
    def missed(self) -> Status:
        """Return the status of a miss: an aim may be missed, a promise may not."""
        return Status.WARN if self.severity == "warn" else Status.FAIL

    def holds(self, observed: float) -> bool:
        """Compare an observed figure with the bound."""
        return COMPARE[self.comparison](observed, self.bound)

    def may_abort(self, elapsed_us: float) -> bool:
        """Say whether a failure ends the load after `elapsed_us`, once the delay has passed."""
        delay_us = self.delay_abort_eval_us
        return self.abort_on_fail and (not delay_us or delay_us < elapsed_us)

    def judge(self, observed: float | None, *, measured: bool = True) -> "Verdict":
        """Turn an observed figure into a verdict.

        Args:
            observed: the figure, in the unit of the metric; None, or not finite, when there was no
                data.
            measured: False when the load generator was the limit.
        """
        if not measured:
            return Verdict(self, observed, Status.INVALID)
        if observed is None or not math.isfinite(observed):
            return Verdict(self, None, Status.NO_DATA)
        if self.holds(observed):
            return Verdict(self, observed, Status.PASS)
        return Verdict(self, observed, self.missed)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold the outcome of a threshold: what was observed, and its status."""

    threshold: Threshold
    observed: float | None
    status: Status
    reason: str = field(default="")

    @property
    def keeps_bound(self) -> bool:
        """Say whether the figure alone keeps the bound, whatever else there is against it."""
        return self.observed is not None and self.threshold.holds(self.observed)


def _digits(percentile: float) -> str:
    """Write a percentile with exactly its digits, as Go's %g does: 95, 99.9, 99.99999."""
    return repr(abs(percentile)).removesuffix(".0")


def _word(value: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", value)
    if plain == value and "__" not in value and not value.endswith("_") and value[0] != "_":
        return value
    return f"{plain}_{crc32(value.encode()):08x}"


def parse_threshold(
    key: str,
    expression: str,
    *,
    severity: Severity = "fail",
    abort_on_fail: bool = False,
    delay_abort_eval_us: int = 0,
    scenario_tags: ScenarioTags = NO_SCENARIOS,
) -> Threshold:
    """Read a threshold, and check that the metric exists and has the statistic.

    Raises:
        ValueError: the key or the expression is malformed, the metric or a tag is unknown, or the
            statistic is not one of the metric's kind; the message says what would be right.
    """
    metric_name, tags = parse_key(key)
    metric = CATALOG.get(metric_name)
    if metric is None:
        raise ValueError(f"metric {metric_name!r} is unknown; {nearest_metric(metric_name)}")
    scenarios = scenarios_meant(metric, tags, scenario_tags)
    statistic, percentile, comparison, bound = parse_expression(expression)
    legal = LEGAL_STATISTICS[metric.kind]
    if statistic not in legal:
        words = ", ".join("p(N)" if word == "p" else word for word in sorted(legal))
        raise ValueError(
            f"threshold {expression!r}: {metric_name} is a {metric.kind} and has only: {words}"
        )
    return Threshold(
        metric_name,
        tags,
        statistic,
        percentile,
        comparison,
        bound,
        expression.strip(),
        severity,
        abort_on_fail,
        delay_abort_eval_us,
        scenarios,
    )


def nearest_metric(name: str) -> str:
    """Suggest which metric a misspelt name may mean."""
    found = closest(name, CATALOG)
    return f"did you mean {found}?" if found else "docs/metrics.md lists them"
