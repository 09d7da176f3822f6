"""The comment on a pull request: what a reviewer asks first, the rest folded away.

GitHub's flavour. Add here: what decides over a merge. Keep out: plots (html.py).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from perf_pipeline.report import headline, wording
from perf_pipeline.report.model import BenchmarkReport, RunReport

_SPECIAL: Final = re.compile(r"[\\`*\[\]<>|]")


def render_markdown(report: RunReport) -> str:
    """Give the report as Markdown; every value from outside is escaped."""
    parts = [
        f"### perf_pipeline: {headline.ended(report)}",
        _answers(report),
        _leading(report),
        _sentences(report),
        _verdicts(report),
        _folded("Baseline", _baseline(report)),
        _folded("Bottlenecks", _findings(report)),
        _folded("Environment", _environment(report)),
        headline.counts(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Make a text safe inside a table cell."""
    return _SPECIAL.sub(r"\\\g<0>", wording.printable(text))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [[escaped(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    marks = ["---"] * len(header)
    return "\n".join(f"| {' | '.join(row)} |" for row in (list(header), marks, *lines))


def _folded(title: str, body: str) -> str:
    if not body:
        return ""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _answers(report: RunReport) -> str:
    names = [f"{name} {diff.series.label}" for name, diff in headline.regressed(report)]
    regression = f"yes: {', '.join(names)}" if names else "no"
    if not report.diffs:
        regression = "not known, nothing was compared"
    return "\n".join(
        (
            f"- **Regression: {escaped(regression)}**",
            f"- {escaped(headline.million_a_day(report))}",
        )
    )


def _leading(report: RunReport) -> str:
    header = ("benchmark", "p95", "against baseline", "throughput", "error rate")
    return _table(header, (_leading_row(report, one) for one in report.benchmarks))


def _leading_row(report: RunReport, benchmark: BenchmarkReport) -> Sequence[str]:
    lead = headline.headline(benchmark)
    diff = headline.p95_diff(report, benchmark)
    against = wording.ABSENT
    if diff is not None:
        status = wording.words(diff.status)
        against = f"{wording.change_of(diff)} vs {wording.reference_of(diff)}, {status}"
    return (
        benchmark.name,
        wording.quantity(lead.p95_ms, "ms"),
        against,
        wording.quantity(lead.per_s, f"{lead.unit}/s"),
        wording.quantity(lead.error_ratio, "ratio"),
    )


def _sentences(report: RunReport) -> str:
    lines = [f"- **NOTICE** {escaped(notice)}" for notice in report.notices]
    lines += [
        f"- **{wording.words(status)}** {escaped(subject)}: {escaped(sentence)}"
        for status, subject, sentence in headline.troubles(report)
    ]
    return "\n".join(lines)


def _verdicts(report: RunReport) -> str:
    return _table(
        ("benchmark", "threshold", "bound", "observed", "status"),
        (
            (
                one.name,
                verdict.threshold.key,
                verdict.threshold.source,
                wording.observed(verdict.observed, verdict.threshold),
                wording.words(verdict.status),
            )
            for one in report.benchmarks
            for verdict in one.verdicts
        ),
    )


def _baseline(report: RunReport) -> str:
    return _table(
        ("benchmark", "series", "n", "median", "CV", "change", "interval", "detects", "status"),
        (
            (
                name,
                diff.series.label,
                str(diff.noise.n),
                wording.reference_of(diff),
                wording.variation_of(diff),
                wording.change_of(diff),
                wording.interval_of(diff),
                wording.detectable_of(diff),
                wording.words(diff.status),
            )
            for name, diff in report.diffs
        ),
    )


def _findings(report: RunReport) -> str:
    return _table(
        ("benchmark", "bottleneck", "tier", "observed", "bound", "to do"),
        (
            (
                benchmark or wording.ABSENT,
                finding.rule,
                finding.tier,
                wording.quantity(finding.observed, finding.unit),
                wording.quantity(finding.bound, finding.unit),
                finding.advice,
            )
            for benchmark, finding in headline.found(report)
        ),
    )


def _environment(report: RunReport) -> str:
    facts = {
        "run": report.run_id,
        "profile": report.profile,
        "began": report.began_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        "took": wording.seconds(report.wall_s),
        "target": report.target,
        **report.environment,
    }
    return _table(("name", "value"), facts.items())
