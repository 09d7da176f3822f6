"""The report as one HTML file: no script, no external resource, light, dark and on paper.

The frame is templates/report.html. Add here: a section. Keep out: anything that needs a network.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from string import Template
from typing import Final

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report import comparison, findings, headline, trend, why, wording
from perf_pipeline.report.answer import million_a_day
from perf_pipeline.report.axis import panels
from perf_pipeline.report.markup import (
    Markup,
    anchor,
    folded,
    kind,
    name,
    section,
    sentences,
    status,
    table,
)
from perf_pipeline.report.markup import text as escaped
from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.origins import origin_table
from perf_pipeline.report.stages import stage_bars
from perf_pipeline.report.svg import plot, span_of
from perf_pipeline.report.trend_plot import trend_plots

_FIGURES: Final = (
    ("average", "average"),
    ("median", "median"),
    ("p95", "p95"),
    ("p99", "p99"),
    ("maximum", "max"),
)


def render_html(report: RunReport) -> str:
    """Give the report as one HTML document; every value from outside is escaped."""
    frame = files("perf_pipeline.report").joinpath("templates/report.html").read_text("utf-8")
    began = report.began_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    subtitle = f"{began}, took {wording.seconds(report.wall_s)}, target {report.target}"
    answer = million_a_day(report)
    sections = {
        "Thresholds": _verdicts(report),
        "Bottlenecks": _findings(report),
        "Against the baseline": _baseline(report),
        "Over the runs": _trends(report),
        **{one.name: _benchmark(one) for one in report.benchmarks},
        "Environment": _environment(report),
    }
    shown = {title: body for title, body in sections.items() if body}
    return Template(frame).substitute(
        title=escaped(f"{report.profile} {report.run_id}: {headline.ended(report)}"),
        heading=escaped(headline.ended(report)),
        run=escaped(f"run {report.run_id}, profile {report.profile}"),
        answer=escaped(str(answer)),
        answer_kind=kind(answer.status),
        subtitle=escaped(subtitle),
        sentences=_sentences(report),
        glance=_glance(report),
        contents=_contents(shown),
        sections="\n".join(section(title, body) for title, body in shown.items()),
        footer=escaped(headline.counts(report)),
    )


def _contents(titles: Iterable[str]) -> str:
    links = (f'<a href="#{anchor(title)}">{escaped(title)}</a>' for title in titles)
    return f'<nav aria-label="contents">{" ".join(links)}</nav>'


def _sentences(report: RunReport) -> str:
    notices = [("NOTICE", "", notice) for notice in report.notices]
    return sentences([*notices, *why.troubles(report)])


def _glance(report: RunReport) -> str:
    header = ("benchmark", "status", "p95", "throughput", "error rate", "p95 against baseline")
    rows = (_glance_row(report, one) for one in report.benchmarks)
    return table(header, rows, numeric=frozenset({2, 3, 4}), prose=frozenset({0, 5}))


def _glance_row(report: RunReport, benchmark: BenchmarkReport) -> Sequence[str]:
    lead = headline.headline(benchmark)
    link = f'<a href="#{anchor(benchmark.name)}">{name(benchmark.name)}</a>'
    return (
        Markup(link),
        status(headline.verdict_of(benchmark)),
        wording.quantity(lead.p95_ms, "ms"),
        wording.quantity(lead.per_s, f"{lead.unit}/s"),
        wording.quantity(lead.error_ratio, "ratio"),
        comparison.against(headline.p95_diff(report, benchmark)),
    )


def _verdicts(report: RunReport) -> str:
    rows = (row for one in report.benchmarks for row in _verdict_rows(one))
    header = ("status", "threshold", "observed", "bound")
    return table(header, rows, numeric=frozenset({2}), prose=frozenset({1}))


def _verdict_rows(benchmark: BenchmarkReport) -> Iterator[Sequence[str]]:
    if benchmark.verdicts:
        yield (benchmark.name,)
    for verdict in benchmark.verdicts:
        yield (
            status(verdict.status),
            name(verdict.threshold.key),
            wording.observed(verdict.observed, verdict.threshold),
            verdict.threshold.source,
        )


def _findings(report: RunReport) -> str:
    if not report.findings and not report.attributions:
        return ""
    rows = (
        (
            one.rule,
            one.tier,
            benchmark or "whole run",
            one.evidence,
            wording.quantity(one.observed, one.unit),
            wording.quantity(one.bound, one.unit),
            status(one.status),
        )
        for benchmark, one in report.findings
    )
    header = ("rule", "tier", "where", "evidence", "observed", "bound", "status")
    told = sentences(findings.lines(report))
    told += "".join(stage_bars(name, one) for name, one in report.attributions)
    return told + folded(findings.tally(report), table(header, rows, numeric=frozenset({4, 5})))


def _baseline(report: RunReport) -> str:
    if not report.diffs:
        return "<p>Nothing was compared.</p>"
    compared = [pair for pair in report.diffs if pair[1].effect is not None]
    return "".join(
        (
            _diffs(comparison.shown_first(report)),
            sentences(comparison.remarks(report)),
            folded(f"{len(compared)} series with a change", _diffs(compared)),
            folded("where each comparison comes from", origin_table(report.origins)),
        )
    )


def _trends(report: RunReport) -> str:
    first = frozenset((name, diff.series.label) for name, diff in comparison.shown_first(report))
    return sentences(trend.lines(report.trends)) + trend_plots(report.trends, first)


def _diffs(pairs: Iterable[tuple[str, Diff]]) -> str:
    rows = (
        (
            status(diff.status),
            benchmark,
            diff.series.label,
            str(diff.noise.n),
            wording.reference_of(diff),
            wording.variation_of(diff),
            wording.change_of(diff),
            wording.interval_of(diff),
            wording.detectable_of(diff),
            wording.remedy_of(diff),
        )
        for benchmark, diff in pairs
    )
    header = ("status", "benchmark", "series", "n", "median", "CV", "change", "interval")
    columns = (*header, "detects", "would detect")
    return table(columns, rows, numeric=frozenset(range(3, 9)), prose=frozenset({9}))


def _benchmark(benchmark: BenchmarkReport) -> str:
    drawn = panels(benchmark.series)
    span = span_of(drawn)
    plots = "".join(plot(panel, span) for panel in drawn if panel.is_telling)
    quiet = "; ".join(panel.silence for panel in drawn if not panel.is_telling)
    load = [each for each in benchmark.summaries if "source" not in each.tags]
    readings = [each for each in benchmark.summaries if "source" in each.tags]
    span_text = f"{wording.seconds(benchmark.measured_s)} measured"
    return "".join(
        (
            f"<p>{status(headline.verdict_of(benchmark))} ",
            f'<span class="soft">{span_text}; plots show warm-up and drain, too</span></p>',
            folded("plots", f'<div class="plots">{plots}</div>' if plots else "", is_open=True),
            f'<p class="quiet soft">{escaped(quiet)}</p>' if quiet else "",
            folded(f"figures of the load ({len(load)})", _figures(load)),
            folded(f"readings of the system ({len(readings)})", _figures(readings)),
        )
    )


def _figures(summaries: Iterable[Summary]) -> str:
    return table(
        ("metric", "count", "rate", *(label for _, label in _FIGURES)),
        map(_figures_row, summaries),
        numeric=frozenset(range(1, 3 + len(_FIGURES))),
    )


def _figures_row(summary: Summary) -> tuple[str, ...]:
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
    return table(("name", "value"), facts.items(), prose=frozenset({1}))
