"""What a rule of the checklist found.

Add here: another fact about a finding. Keep out: how it is found (bottleneck.py).
"""

from dataclasses import dataclass
from enum import StrEnum

from perf_pipeline.analysis.spell import Spell
from perf_pipeline.metrics.threshold import Severity


class FindingStatus(StrEnum):
    """Say what a rule found.

    CEILING is a figure above the bound in a benchmark that saturates on purpose, which is the limit
    that was looked for and no problem of the system. NOT_APPLICABLE means that the run has no such
    evidence.
    """

    FOUND = "FOUND"
    CEILING = "CEILING"
    OK = "OK"
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold the outcome of a rule.

    Attributes:
        rule: name of the rule.
        tier: tier that the rule is about.
        evidence: metric, source and statistic that were looked at.
        observed: the observed figure in `unit`; None when not applicable.
        bound: the bound in `unit`.
        unit: unit of the metric.
        severity: severity of the rule.
        advice: what to do when FOUND.
        status: the outcome.
        statistic: which statistic the observed figure is: avg, max, p(95), last.
        remark: a sentence about the cause; empty when there is none.
        metric: the metric that was looked at.
        source: source of the readings; empty for samples.
        field: field of the Summary that was looked at.
        divisor: number of parts that share the figure.
        spell: when and for how long it was above the bound; None when nobody looked.
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
    statistic: str = ""
    remark: str = ""
    metric: str = ""
    source: str = ""
    field: str = ""
    divisor: float = 1
    spell: Spell | None = None
