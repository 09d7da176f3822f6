"""The comment on a pull request: what a reviewer asks first, the rest folded away.

GitHub's flavour. Add here: what decides over a merge. Keep out: plots (html.py).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from perf_pipeline.report import comparison, findings, headline, trend, why, wording
from perf_pipeline.report.answer import million_a_day
from perf_pipeline.report.model import BenchmarkReport, RunReport

_SPECIAL: Final = re.compile(r"[\\`*\[\]<>|]")


def render_markdown(report: RunReport) -> str:
    """Give the report as Markdown; every value from outside is escaped."""
    judged, _, compared = headline.counts(report).partition("; ")
    parts = [
        f"### perf_pipeline: {headline.ended(report)}, profile {escaped(report.profile)}",
        _answers(report),
        _leading(report),
        _sentences(report),
        _folded(judged, _verdicts(report)),
        _folded(compared, _baseline(report)),
        _folded(findings.tally(report), _list(findings.lines(report))),
        _folded("environment", _environment(report)),
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
    regression = comparison.regression(report)
    return "\n".join(
        (
            f"- **Regression: {escaped(regression)}**",
            f"- **{escaped(str(million_a_day(report)))}**",
        )
    )


def _leading(report: RunReport) -> str:
    header = ("benchmark", "status", "p95", "p95 against baseline", "throughput", "error rate")
    return _table(header, (_leading_row(report, one) for one in report.benchmarks))


def _leading_row(report: RunReport, benchmark: BenchmarkReport) -> Sequence[str]:
    lead = headline.headline(benchmark)
    return (
        benchmark.name,
        wording.words(headline.verdict_of(benchmark)),
        wording.quantity(lead.p95_ms, "ms"),
        comparison.against(headline.p95_diff(report, benchmark)),
        wording.quantity(lead.per_s, f"{lead.unit}/s"),
        wording.quantity(lead.error_ratio, "ratio"),
    )


def _sentences(report: RunReport) -> str:
    notices = [f"- **NOTICE** {escaped(notice)}" for notice in report.notices]
    return "\n".join(part for part in (*notices, _list(why.troubles(report))) if part)


def _list(lines: Iterable[tuple[str, str, str]]) -> str:
    return "\n".join(
        f"- **{wording.words(status)}** {escaped(subject)}: {escaped(sentence)}"
        for status, subject, sentence in lines
    )


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
    compared = _table(
        (
            "benchmark",
            "series",
            "n",
            "median",
            "CV",
            "change",
            "interval",
            "detects",
            "would detect",
            "status",
        ),
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
                wording.remedy_of(diff),
                wording.words(diff.status),
            )
            for name, diff in report.diffs
            if diff.effect is not None
        ),
    )
    told = [*trend.lines(report.trends), *comparison.remarks(report)]
    return "\n\n".join(part for part in (_list(told), compared) if part)


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
