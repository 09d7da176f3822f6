"""Where does it hurt: the checklist of bottleneck_rules.py over the evidence of one run.

Add here: how evidence is found and compared. Keep out: rules (bottleneck_rules.py), causes by
decomposed latency, and anything that decides over success.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from perf_pipeline.analysis.bottleneck_rules import RULES, BottleneckRule, Per
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Severity

_LOOPBACK: Final = "lo"


class FindingStatus(StrEnum):
    """Say what a rule gave; NOT_APPLICABLE: there is no such evidence in this run."""

    FOUND = "FOUND"
    OK = "OK"
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True, slots=True)
class Facts:
    """Say what the evidence has to be divided by.

    Attributes:
        cores: of the machine that the database runs on.
        worker_processes: of the system under test.
    """

    cores: int = 1
    worker_processes: int = 1

    def divisor(self, per: Per) -> int:
        """Give the number of parts that share a figure."""
        return {"one": 1, "core": self.cores, "worker": self.worker_processes}[per]


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold the outcome of one rule.

    Attributes:
        rule: its name.
        tier: where.
        evidence: metric, source and statistic that were looked at.
        observed: in `unit`; None when not applicable.
        bound: in `unit`.
        unit: of the metric.
        severity: of the rule.
        advice: what to do when FOUND.
        status: FOUND, OK or NOT_APPLICABLE.
    """

    rule: str
    tier: str
    evidence: str
    observed: float | None
    bound: float
    unit: str
    severity: Severity
    advice: str
    status: FindingStatus


def bottlenecks(summaries: Sequence[Summary], facts: Facts | None = None) -> list[Finding]:
    """Run the checklist over the summaries of one benchmark, or of one run (the worst counts).

    One finding for each rule, in the order of the checklist.

    Args:
        summaries: readings' series carry the tag `source`; samples' series count untagged.
        facts: one core and one worker process when None.

    Raises:
        ValueError: a fact is below 1.
    """
    facts = facts or Facts()
    if min(facts.cores, facts.worker_processes) < 1:
        raise ValueError(f"{facts}: there is at least one core and one worker process")
    return [_finding(rule, summaries, facts.divisor(rule.per)) for rule in RULES]


def _finding(rule: BottleneckRule, summaries: Sequence[Summary], divisor: int) -> Finding:
    worst = max(
        (
            value / divisor
            for summary in summaries
            if _is_evidence(rule, summary)
            and (value := getattr(summary, rule.statistic)) is not None
            and math.isfinite(value)
        ),
        default=None,
    )
    if worst is None:
        status = FindingStatus.NOT_APPLICABLE
    else:
        status = FindingStatus.FOUND if worst > rule.bound else FindingStatus.OK
    key = f"{rule.metric}{{source:{rule.source}}}" if rule.source else rule.metric
    share = "" if rule.per == "one" else f" per {rule.per}"
    return Finding(
        rule.name,
        rule.tier,
        f"{key} {rule.statistic}{share}",
        worst,
        rule.bound,
        CATALOG[rule.metric].unit,
        rule.severity,
        rule.advice,
        status,
    )


def _is_evidence(rule: BottleneckRule, summary: Summary) -> bool:
    if summary.metric != rule.metric:
        return False
    source = summary.tags.get("source", "")
    if rule.source:
        return source == rule.source and len(summary.tags) == 1
    return source != _LOOPBACK and set(summary.tags) <= {"source"}
