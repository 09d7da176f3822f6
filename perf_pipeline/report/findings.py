"""Group bottlenecks for people: a rule that several benchmarks broke is shown once.

Add here: another grouping. Keep out: layout, and finding bottlenecks (analysis/).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.report.model import Diagnosis, RunReport
from perf_pipeline.report.wording import plural, quantity, seconds

_NO_READINGS: Final = "this run has no readings for"
Diagnosed: TypeAlias = Diagnosis | RunReport


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """Hold the findings of one rule in all benchmarks of a run.

    Attributes:
        worst: the finding with the highest figure; rule, tier, bound and advice are the same for
            all.
        seen: (benchmark or empty, finding), the highest figure first.
    """

    worst: Finding
    seen: tuple[tuple[str, Finding], ...]

    @property
    def figures(self) -> str:
        """Write the figures, e.g. `avg 99.8 % in checkout, 91.7 % in search`."""
        parts = [
            quantity(finding.observed, finding.unit)
            + (f" in {name}" if name else "")
            + _when(finding)
            for name, finding in self.seen
        ]
        return f"{self.worst.statistic} {', '.join(parts)}".lstrip()

    @property
    def bound(self) -> str:
        """Write the bound with its unit."""
        return quantity(self.worst.bound, self.worst.unit)

    @property
    def sentence(self) -> str:
        """Write the figures, the bound, remarks on the cause, and what to do."""
        remark = f"; {self._remark}" if self._remark else ""
        return f"{self.figures}; bound {self.bound}{remark}. To do: {self.worst.advice}"

    @property
    def _remark(self) -> str:
        """Return the remark on the highest figure that has one, and its benchmarks."""
        names = [name for name, finding in self.seen if finding.remark]
        remark = next((finding.remark for _, finding in self.seen if finding.remark), "")
        return remark if len(names) in {0, len(self.seen)} else f"in {', '.join(names)} {remark}"


def found(report: Diagnosed) -> list[RuleFinding]:
    """List the bottlenecks of the system by rule, the severest first."""
    groups = _by_rule(report, FindingStatus.FOUND)
    return sorted(groups, key=lambda group: group.worst.severity != "fail")


def ceilings(report: Diagnosed) -> list[RuleFinding]:
    """List the limits that benchmarks reached on purpose, by rule."""
    return _by_rule(report, FindingStatus.CEILING)


def lines(report: Diagnosed) -> list[tuple[str, str, str]]:
    """List the slow tier, the bottlenecks and the ceilings, each as (status, subject, sentence)."""
    told = [_tier(benchmark, tier) for benchmark, tier in report.attributions]
    told += [
        ("FOUND", f"{group.worst.rule} ({group.worst.tier})", group.sentence)
        for group in found(report)
    ]
    told += [
        ("CEILING", group.worst.rule, f"{group.figures}; reached on purpose, no problem")
        for group in ceilings(report)
    ]
    return told + _absent(report)


def _absent(report: Diagnosed) -> list[tuple[str, str, str]]:
    """Name the rules without readings, because their part does not exist or was not watched."""
    absent = [
        finding for _, finding in report.findings if finding.status is FindingStatus.NOT_APPLICABLE
    ]
    by_reason: dict[str, list[str]] = {}
    for finding in absent:
        by_reason.setdefault(finding.remark or _NO_READINGS, []).append(finding.rule)
    return [
        ("NOT_APPLICABLE", "checklist", f"{reason} {', '.join(dict.fromkeys(names))}")
        for reason, names in by_reason.items()
    ]


def tally(report: Diagnosed) -> str:
    """Count the rules by outcome."""
    count = len({finding.rule for _, finding in report.findings})
    broken = len(found(report))
    clear = len(_rules(report, FindingStatus.OK))
    absent = len(_rules(report, FindingStatus.NOT_APPLICABLE))
    text = f"bottlenecks: {plural(count, 'rule')}, {broken} found, {clear} OK"
    return f"{text}, {absent} without evidence" if absent else text


def _tier(benchmark: str, attribution: Attribution) -> tuple[str, str, str]:
    if attribution.doubt:
        return (
            "NO_DATA",
            f"{benchmark}: {attribution.name}",
            f"no tier is called healthy: {attribution.doubt}",
        )
    remedy = f". To do: {attribution.advice}" if attribution.advice else ""
    return (
        "FOUND" if attribution.tier else "OK",
        f"{benchmark}: {attribution.name}",
        f"{attribution.sentence}{remedy}",
    )


def _when(finding: Finding) -> str:
    """Write when a figure was above its bound, e.g. ` (above it for 4.5s, from second 0.5 on)`."""
    spell = finding.spell
    if spell is None:
        return ""
    return f" (above it for {seconds(spell.above_s)}, from second {spell.first_s:.1f} on)"


def _rules(report: Diagnosed, status: FindingStatus) -> set[str]:
    return {finding.rule for _, finding in report.findings if finding.status is status}


def _by_rule(report: Diagnosed, status: FindingStatus) -> list[RuleFinding]:
    groups: dict[str, list[tuple[str, Finding]]] = {}
    for name, finding in report.findings:
        if finding.status is status:
            groups.setdefault(finding.rule, []).append((name, finding))
    return [_group(pairs) for pairs in groups.values()]


def _group(pairs: Iterable[tuple[str, Finding]]) -> RuleFinding:
    ordered = sorted(pairs, key=lambda pair: -(pair[1].observed or 0.0))
    return RuleFinding(ordered[0][1], tuple(ordered))
