"""The report as one HTML file: no script, no external resource, light, dark and on paper.

The frame is templates/report.html. Add here: a section. Keep out: anything that needs a network.
"""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report import headline, wording
from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.svg import plot

_GOOD: Final = frozenset({"PASS", "OK", "IMPROVED", "COMPLETED"})
_NEUTRAL: Final = frozenset({"LEARNING", "NOT_APPLICABLE"})
_CARE: Final = frozenset({"WARN", "SUSPECT", "NOTICE", "ENVIRONMENT_CHANGED"})
_FIGURES: Final = (
    ("average", "average"),
    ("median", "median"),
    ("p95", "p95"),
    ("p99", "p99"),
    ("maximum", "max"),
)


class _Markup(str):
    """Mark a text that is HTML already; every other one is escaped."""

    __slots__ = ()


def render_html(report: RunReport) -> str:
    """Give the report as one HTML document; every value from outside is escaped."""
    frame = files("perf_pipeline.report").joinpath("templates/report.html").read_text("utf-8")
    began = report.began_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    subtitle = f"{began}, took {wording.seconds(report.wall_s)}, target {report.target}"
    sections = (
        _section("Thresholds", _verdicts(report)),
        _section("Against the baseline", _baseline(report)),
        _section("Bottlenecks", _findings(report)),
        *(_benchmark(one) for one in report.benchmarks),
        _section("Environment", _environment(report)),
    )
    return Template(frame).substitute(
        title=_text(f"{report.profile} {report.run_id}: {headline.ended(report)}"),
        heading=_text(f"{headline.ended(report)}: run {report.run_id}, profile {report.profile}"),
        answer=_text(headline.million_a_day(report)),
        subtitle=_text(subtitle),
        sentences=_sentences(report),
        sections="\n".join(section for section in sections if section),
        footer=_text(headline.counts(report)),
    )


def _text(text: str) -> str:
    return escape(wording.printable(text))


def _cell(text: str) -> str:
    return text if isinstance(text, _Markup) else _text(text)


def _status(status: str) -> _Markup:
    if status in _NEUTRAL:
        kind = "soft"
    elif status in _GOOD:
        kind = "good"
    else:
        kind = "care" if status in _CARE else "bad"
    return _Markup(f'<span class="status {kind}">{_text(wording.words(status))}</span>')


def _section(title: str, body: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{body}</section>" if body else ""


def _table(
    header: Sequence[str], rows: Iterable[Sequence[str]], numeric: frozenset[int] = frozenset()
) -> str:
    kinds = [' class="number"' if column in numeric else "" for column in range(len(header))]
    head = "".join(
        f"<th{kind}>{_text(name)}</th>" for kind, name in zip(kinds, header, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{kind}>{_cell(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    if not body:
        return ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _sentences(report: RunReport) -> str:
    lines = [("NOTICE", "", notice) for notice in report.notices]
    lines += headline.troubles(report)
    return "\n".join(
        f"<p>{_status(status)} {_text(f'{subject}: ' if subject else '')}{_text(sentence)}</p>"
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
                _status(verdict.status),
            )
            for one in report.benchmarks
            for verdict in one.verdicts
        ),
        numeric=frozenset({3}),
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
                _status(diff.status),
            )
            for name, diff in report.diffs
        ),
        numeric=frozenset(range(2, 8)),
    )


def _findings(report: RunReport) -> str:
    return _table(
        ("benchmark", "bottleneck", "tier", "observed", "bound", "status", "to do"),
        (
            (
                benchmark or wording.ABSENT,
                finding.rule,
                finding.tier,
                wording.quantity(finding.observed, finding.unit),
                wording.quantity(finding.bound, finding.unit),
                _status(finding.status),
                finding.advice if finding.status == "FOUND" else "",
            )
            for benchmark, finding in report.findings
        ),
        numeric=frozenset({3, 4}),
    )


def _benchmark(benchmark: BenchmarkReport) -> str:
    status = str(benchmark.status) if benchmark.valid else "INVALID"
    span = f"{wording.seconds(benchmark.measured_s)} measured"
    figures = _table(
        ("metric", "count", "rate", *(label for _, label in _FIGURES)),
        map(_figures, benchmark.summaries),
        numeric=frozenset(range(1, 3 + len(_FIGURES))),
    )
    plots = "".join(map(plot, benchmark.series))
    drawn = f'<div class="plots">{plots}</div>' if plots else ""
    return _section(
        benchmark.name, f'<p>{_status(status)} <span class="soft">{span}</span></p>{figures}{drawn}'
    )


def _figures(summary: Summary) -> tuple[str, ...]:
    unit = wording.statistic_unit(summary.metric, "value")
    return (
        wording.summary_key(summary),
        wording.number(summary.count),
        wording.quantity(summary.rate, wording.statistic_unit(summary.metric, "rate")),
        *(wording.quantity(getattr(summary, field), unit) for field, _ in _FIGURES),
    )


def _environment(report: RunReport) -> str:
    facts = {
        **report.environment,
        **{f"report {kind}": path for kind, path in report.paths.items()},
    }
    if report.history_path:
        facts["history"] = report.history_path
    return _table(("name", "value"), facts.items())
