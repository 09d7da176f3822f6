"""Render the report as one HTML file without external resources, for light, dark and paper.

The layout of its parts is in templates/. Add here: a section. Keep out: anything that needs a
network.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from perf_pipeline.report import comparison, costs, findings, first_screen, headline, trend, wording
from perf_pipeline.report.axis import Panel
from perf_pipeline.report.benchmark_section import benchmark_section, panels_of, plot_data
from perf_pipeline.report.diff_texts import diff_table
from perf_pipeline.report.embedded import embedded
from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.origins import origin_table
from perf_pipeline.report.pages import html_escaped, page
from perf_pipeline.report.revisions import (
    revision_rows,
    revision_text,
    tag_rows,
    tags_of_run,
)
from perf_pipeline.report.slow_requests import slow_table
from perf_pipeline.report.stages import stage_bars
from perf_pipeline.report.tables import Table
from perf_pipeline.report.trend_plot import trend_plot


@dataclass(frozen=True, slots=True)
class _Section:
    """Hold a section.

    Attributes:
        title: the title of the section, and in the contents.
        layout: the name of its template in templates/sections, without the ending.
        shown: the values for the template.
    """

    title: str
    layout: str
    shown: Table | Mapping[str, object] | None


def render_html(report: RunReport) -> str:
    """Return the report as one HTML document in which every external value is escaped."""
    began = wording.moment(report.began_at)
    took, target = f"took {wording.seconds(report.wall_s)}", f"target {report.target}"
    tagged = f"tagged {tags_of_run(report.tags)}" if report.tags else ""
    drawn = [panels_of(benchmark) for benchmark in report.benchmarks]
    facts = (began, took, target, revision_text(report.revision), tagged)
    return page(
        "report.html",
        html_escaped,
        title=f"{report.profile} {report.run_id}: {headline.ended(report)}",
        heading=headline.ended(report),
        run=f"run {report.run_id}, profile {report.profile}",
        verdict=first_screen.verdict_sentence(report),
        answer=first_screen.asked_answer(report),
        told=first_screen.lines(report),
        glance=_glance(report),
        subtitle=", ".join(filter(None, facts)),
        sections=list(_sections(report, drawn)),
        footer=headline.counts(report),
        plot_data=plot_data(report, drawn),
        **embedded(),
    )


def _sections(report: RunReport, drawn: Sequence[Sequence[Panel]]) -> Iterator[_Section]:
    """Yield the sections that have something to show."""
    verdicts, facts = _verdicts(report), _environment(report)
    if verdicts.rows:
        yield _Section("Thresholds", "table", verdicts)
    if report.findings or report.attributions:
        yield _Section("Bottlenecks", "bottlenecks", _findings(report))
    yield _Section("Against the baseline", "baseline", _baseline(report) if report.diffs else None)
    if report.trends:
        yield _Section("Over the runs", "trends", _trends(report))
    for number, benchmark in enumerate(report.benchmarks):
        shown = benchmark_section(number, report, benchmark, drawn[number])
        yield _Section(benchmark.name, "benchmark", shown)
    if report.costs:
        yield _Section(costs.TITLE, "table", costs.cost_table(report.costs))
    if report.slow_requests:
        slowest = slow_table(report.slow_requests)
        yield _Section("Slowest traced requests", "table", slowest)
    if facts.rows:
        yield _Section("Environment", "table", facts)


def _glance(report: RunReport) -> Table:
    return Table.of(
        {
            "benchmark": "link",
            "status": "status",
            "p95": "number",
            "throughput": "number",
            "error rate": "number",
            "p95 against baseline": "prose",
        },
        (_glance_row(report, benchmark) for benchmark in report.benchmarks),
    )


def _glance_row(report: RunReport, benchmark: BenchmarkReport) -> tuple[str, ...]:
    lead = headline.headline(benchmark)
    return (
        benchmark.name,
        headline.verdict_of(benchmark),
        lead.p95,
        wording.quantity(lead.per_s, f"{lead.unit}/s"),
        wording.quantity(lead.error_ratio, "ratio"),
        comparison.against(headline.p95_diff(report, benchmark)),
    )


def _verdicts(report: RunReport) -> Table:
    return Table.of(
        {"status": "status", "threshold": "metric", "observed": "number", "bound": "text"},
        (row for benchmark in report.benchmarks for row in _verdict_rows(benchmark)),
    )


def _verdict_rows(benchmark: BenchmarkReport) -> Iterator[tuple[str, ...]]:
    if benchmark.verdicts:
        yield (benchmark.name,)
    for verdict in benchmark.verdicts:
        yield (
            str(verdict.status),
            verdict.threshold.key,
            wording.observed(verdict),
            verdict.threshold.source,
        )


def _findings(report: RunReport) -> Mapping[str, object]:
    rules = Table.of(
        {
            "rule": "prose",
            "tier": "text",
            "where": "metric",
            "evidence": "metric",
            "observed": "number",
            "bound": "number",
            "status": "status",
        },
        (
            (
                finding.rule,
                finding.tier,
                benchmark or "whole run",
                finding.evidence,
                wording.quantity(finding.observed, finding.unit),
                wording.quantity(finding.bound, finding.unit),
                str(finding.status),
            )
            for benchmark, finding in report.findings
        ),
    )
    return {
        "sentences": findings.lines(report),
        "drawings": [Markup(stage_bars(*attribution)) for attribution in report.attributions],  # noqa: S704 - drawn here
        "tally": findings.tally(report),
        "rules": rules,
    }


def _baseline(report: RunReport) -> Mapping[str, object]:
    compared = [pair for pair in report.diffs if pair[1].effect is not None]
    return {
        "first": diff_table(comparison.shown_first(report)),
        "others": diff_table(comparison.below_findings(report)),
        "sentences": comparison.remarks(report),
        "compared": diff_table(compared),
        "origins": origin_table(report.origins),
    }


def _trends(report: RunReport) -> Mapping[str, object]:
    leading = {(name, diff.series.label) for name, diff in comparison.shown_first(report)}
    first, others = trend.by_interest(report.trends, leading)
    more = "more " if first else ""
    return {
        "sentences": comparison.dated(report),
        "first": [Markup(trend_plot(drawn)) for drawn in first],  # noqa: S704 - drawn here
        "others": [Markup(trend_plot(drawn)) for drawn in others],  # noqa: S704 - drawn here
        "others_title": wording.plural(len(others), f"{more}trend", f"{more}trends"),
    }


def _environment(report: RunReport) -> Table:
    facts = {
        **revision_rows(report.revision),
        **tag_rows(report.tags),
        **report.environment,
        **{f"report {kind}": path for kind, path in report.paths.items()},
    }
    if report.history_path:
        facts["history"] = report.history_path
    return Table.of({"name": "text", "value": "prose"}, facts.items())
