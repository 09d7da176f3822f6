"""Apply the checklist of bottleneck_rules.py to the evidence of a run.

Add here: another way of finding or comparing evidence. Keep out: rules (bottleneck_rules.py),
causes of latency (attribution.py), and anything that decides on success.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.bottleneck_rules import (
    OWN_BACKLOG,
    RULES,
    BottleneckRule,
    Per,
)
from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.analysis.other_work import beside_other_work
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.metrics.summary import Summary

_LOOPBACK: Final = "lo"
_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {known.field: known.name for known in STATISTICS.values() if Kind.TREND in known.kinds}
)
_DOUBTFUL: Final = "only benchmarks that were not wholly measured and judged have readings for"


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold the numbers that evidence is divided by.

    Attributes:
        cores: number of cores of the machine that the database runs on.
        worker_processes: number of worker processes of the system under test.
    """

    cores: int = 1
    worker_processes: int = 1

    def divisor(self, per: Per) -> int:
        """Return the number of parts that share a figure."""
        return {"one": 1, "core": self.cores, "worker": self.worker_processes}[per]


def checklist(
    by_benchmark: Mapping[str, Sequence[Summary]],
    facts: Facts | None = None,
    *,
    doubtful: frozenset[str] = frozenset(),
) -> list[tuple[str, Finding]]:
    """Run the checklist over each benchmark of a run, as (benchmark, finding).

    First come FOUND findings, then CEILINGs, then every other rule once for the whole run (with an
    empty benchmark). A benchmark that saturates on purpose gives CEILINGs and never a FOUND, and
    the backlog that it builds up is not evidence. A doubtful benchmark can give a FOUND, but never
    makes a rule OK.

    Raises:
        ValueError: a fact is below 1.
    """
    evidence = {name: _admitted(name, rows) for name, rows in by_benchmark.items()}
    above = [
        (name, _as_ceiling(finding) if record_of(name).is_saturating else finding)
        for name, rows in evidence.items()
        for finding in bottlenecks(rows, facts)
        if finding.status is FindingStatus.FOUND
    ]
    above.sort(key=lambda pair: pair[1].status is FindingStatus.CEILING)
    known = {name: rows for name, rows in evidence.items() if name not in doubtful}
    doubted = [row for name, rows in evidence.items() if name in doubtful for row in rows]
    system = [
        row for name, rows in known.items() if not record_of(name).is_saturating for row in rows
    ]
    everything = [row for rows in known.values() for row in rows]
    found = {finding.rule for _, finding in above if finding.status is FindingStatus.FOUND}
    for of_system, of_all in zip(
        bottlenecks(system, facts), bottlenecks(everything, facts), strict=True
    ):
        # A rule without evidence from one benchmark may have evidence from others.
        finding = of_all if of_system.status is FindingStatus.NOT_APPLICABLE else of_system
        if finding.status is not FindingStatus.FOUND and finding.rule not in found:
            above.append(("", _doubted(finding, doubted)))
    return above


def _as_ceiling(finding: Finding) -> Finding:
    return replace(finding, status=FindingStatus.CEILING)


def _doubted(finding: Finding, summaries: Sequence[Summary]) -> Finding:
    """Note on a rule that all of its evidence is in doubt."""
    if finding.status is not FindingStatus.NOT_APPLICABLE:
        return finding
    seen = any(row.metric == finding.metric for row in summaries)
    return replace(finding, remark=_DOUBTFUL) if seen else finding


def _admitted(benchmark: str, summaries: Sequence[Summary]) -> list[Summary]:
    excluded = OWN_BACKLOG if record_of(benchmark).is_saturating else frozenset[str]()
    return [row for row in summaries if row.metric not in excluded]


def bottlenecks(summaries: Sequence[Summary], facts: Facts | None = None) -> list[Finding]:
    """Run the checklist over the summaries of a benchmark, or of a run, whose worst figure counts.

    There is a finding for each rule, in the order of the checklist.

    Args:
        summaries: the summaries; those of readings have the tag `source`, those of samples have no
            tags.
        facts: the numbers to divide by; None for one core and one worker process.

    Raises:
        ValueError: a fact is below 1.
    """
    facts = facts or Facts()
    if min(facts.cores, facts.worker_processes) < 1:
        raise ValueError(f"{facts}: there is at least one core and one worker process")
    cores = _cores_of_tiers(summaries)
    by_metric: dict[str, list[Summary]] = {rule.metric: [] for rule in RULES}
    for summary in summaries:
        if summary.metric in by_metric:
            by_metric[summary.metric].append(summary)
    findings = [
        _finding(rule, by_metric[rule.metric], facts.divisor(rule.per), cores) for rule in RULES
    ]
    return beside_other_work(findings, summaries, cores=facts.cores, elsewhere=cores)


def _cores_of_tiers(summaries: Sequence[Summary]) -> dict[str, float]:
    """Return the cores of each tier that the target names, by the source of its readings."""
    return {
        summary.tags["source"]: summary.last
        for summary in summaries
        if summary.metric == "process_cores" and summary.tags and summary.last
    }


def _finding(
    rule: BottleneckRule,
    summaries: Sequence[Summary],
    usual_divisor: int,
    cores: Mapping[str, float],
) -> Finding:
    worst, source, divisor = _worst(rule, summaries, usual_divisor, cores)
    if worst is None:
        status = FindingStatus.NOT_APPLICABLE
    else:
        status = FindingStatus.FOUND if worst > rule.bound else FindingStatus.OK
    key = f"{rule.metric}{{source:{rule.source}}}" if rule.source else rule.metric
    statistic = _LABELS.get(rule.statistic, rule.statistic)
    share = "" if rule.per == "one" else f" per {rule.per}"
    return Finding(
        rule.name,
        rule.tier,
        f"{key} {statistic}{share}",
        worst,
        rule.bound,
        CATALOG[rule.metric].unit,
        rule.severity,
        rule.advice,
        status,
        statistic,
        metric=rule.metric,
        source=source,
        field=rule.statistic,
        divisor=divisor,
    )


def _worst(
    rule: BottleneckRule,
    summaries: Sequence[Summary],
    usual_divisor: int,
    cores: Mapping[str, float],
) -> tuple[float | None, str, float]:
    """Return the worst figure, its source and its divisor; no figure without evidence."""
    # Of equal values, the one with a source wins, because a single source also counts without a
    # tag.
    return max(
        (
            (value / shared, summary.tags.get("source", ""), shared)
            for summary in summaries
            if _is_evidence(rule, summary)
            and (value := getattr(summary, rule.statistic)) is not None
            and math.isfinite(value)
            and (shared := _divisor(rule, summary, usual_divisor, cores))
        ),
        default=(None, "", usual_divisor),
    )


def _divisor(
    rule: BottleneckRule, summary: Summary, usual: float, cores: Mapping[str, float]
) -> float:
    """Return the divisor of a figure: a named tier's own cores, not those of the load machine."""
    if rule.per == "one":
        return usual
    return cores.get(summary.tags.get("source", ""), usual)


def _is_evidence(rule: BottleneckRule, summary: Summary) -> bool:
    source = summary.tags.get("source", "")
    if rule.source:
        # A tier that the target names has the name of the rule's tier.
        return source in {rule.source, rule.tier} and len(summary.tags) == 1
    return source != _LOOPBACK and set(summary.tags) <= {"source"}
