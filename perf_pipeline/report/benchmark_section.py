"""The section of a benchmark: its requests, its failures, its plots, and all of its figures.

Add here: another part of the section. Keep out: layout (templates/), and sections of a whole run
(html.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report import headline, wording
from perf_pipeline.report.axis import Mark, Panel, panels
from perf_pipeline.report.bounds import with_bounds
from perf_pipeline.report.distribution import Distribution
from perf_pipeline.report.distribution_plot import histogram_plot, spectrum_plot
from perf_pipeline.report.failure_table import failure_table
from perf_pipeline.report.faults import fault_table
from perf_pipeline.report.growth import growth_table
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.pages import plot_id, trend_id
from perf_pipeline.report.plot_data import as_script, plots_of
from perf_pipeline.report.request_table import request_table
from perf_pipeline.report.searches import found_sentence, search_plots, search_tables
from perf_pipeline.report.svg import FigurePlace, Point, plot, span_of
from perf_pipeline.report.tables import Table
from perf_pipeline.report.trend import Trend, change_text

_ENDED_EARLY: Final = MappingProxyType(
    {
        BenchmarkStatus.STOPPED: "stopped by hand",
        BenchmarkStatus.ABORTED: "ended by a threshold",
        BenchmarkStatus.FAILED: "could not go on",
    }
)
_MOST_NOTES: Final = 2
_FIGURES: Final = (
    ("average", "average"),
    ("median", "median"),
    ("p95", "p95"),
    ("p99", "p99"),
    ("maximum", "max"),
)


def panels_of(benchmark: BenchmarkReport) -> list[Panel]:
    """Return the panels of a benchmark with their bounds and marks, including silent panels."""
    marks, troubled = tuple(_marks(benchmark)), tuple(_troubled(benchmark))
    return [
        replace(with_bounds(panel, benchmark.verdicts), marks=marks, troubled=troubled)
        for panel in panels(benchmark.series)
    ]


def _marks(benchmark: BenchmarkReport) -> Iterator[Mark]:
    """Yield when each fault began, and when and why a load ended early.

    The names of several faults would overlap, so each fault is drawn as its number in the table.
    """
    alone = len(benchmark.faults) == 1
    for number, fault in enumerate(benchmark.faults, 1):
        yield Mark(fault.fault, fault.began_s, fault.fault if alone else str(number))
    how = _ENDED_EARLY.get(benchmark.status)
    if how is not None and benchmark.measured_between_s is not None:
        yield Mark(how, benchmark.measured_between_s[1], how)


def _troubled(benchmark: BenchmarkReport) -> Iterator[tuple[float, float]]:
    """Yield the period from each fault to the recovery, or to the end of the load."""
    ends_s = (benchmark.measured_between_s or (0.0, 0.0))[1]
    for fault in benchmark.faults:
        until_s = ends_s if fault.recovered_s is None else fault.recovered_s
        yield fault.began_s, max(until_s, fault.undo_s)


def plot_data(report: RunReport, drawn: Sequence[Sequence[Panel]]) -> Markup:
    """Return the values of all plots of a run, for its page.

    Args:
        report: the report of the run.
        drawn: the panels of each of its benchmarks.
    """
    return as_script(
        [
            plots_of(benchmark, [panel for panel in members if panel.is_telling])
            for benchmark, members in zip(report.benchmarks, drawn, strict=True)
        ]
    )


def plots_over_time(
    number: int,
    benchmark: str,
    telling: Sequence[Panel],
    span: Point,
    measured: Point | None = None,
    trends: Sequence[Trend] = (),
    *,
    is_growing: bool = False,
) -> Iterator[Markup]:
    """Draw panels, each with an anchor and its place in the page's data.

    Args:
        number: the number of the benchmark in the page's data, from 0 on.
        benchmark: the name of the benchmark.
        telling: the panels that are worth drawing, in the order of the page's data.
        span: the first and last second of their time axis.
        measured: begin and end of the measured phase; None shades nothing.
        trends: the trends over runs; a plot links to those of its lines that changed their level.
        is_growing: whether more data will come.
    """
    changed = [trend for trend in trends if trend.benchmark == benchmark and trend.changes]
    for index, panel in enumerate(telling):
        notes = tuple(_changed_level(panel, changed))[:_MOST_NOTES]
        anchor = plot_id(benchmark, panel.title)
        place = FigurePlace(anchor, f"{number}.{index}", notes, is_growing)
        yield Markup(plot(panel, span, measured, place))  # noqa: S704 - drawn here


def _changed_level(panel: Panel, changed: Iterable[Trend]) -> Iterator[tuple[str, str]]:
    """Yield a link to the trend of each line of a panel, with its last change of level."""
    keys = {key for line in panel.lines for key in line.keys}
    for trend in changed:
        series, change = trend.series, trend.changes[-1]
        if trend.is_telling and metric_key(series.metric, written_filter(series.tags)) in keys:
            since = trend.runs[change.index]
            when = since.version or since.began_at[:10]
            told = f"{series.statistic} {change_text(trend, change)} since {when}"
            yield trend_id(trend.benchmark, series.label), told


def spread_plots(distributions: Iterable[Distribution]) -> Iterator[Markup]:
    """Draw the histogram and the percentiles of each distribution."""
    for found in distributions:
        yield Markup(histogram_plot(found))  # noqa: S704 - drawn here
        yield Markup(spectrum_plot(found))  # noqa: S704 - drawn here


def thinning(drawn: Sequence[Panel]) -> str:
    """Say how much time a point covers, if that is more than a second."""
    step_s = min((line.every_s for panel in drawn for line in panel.lines), default=0.0)
    step = wording.seconds(step_s)
    if step_s <= 1:
        return ""
    return (
        f"A point stands for {step}: rates are those of {step}, percentiles are of all operations "
        f"in it, and of readings the lowest and the highest of every two points are kept."
    )


def benchmark_section(
    number: int, report: RunReport, benchmark: BenchmarkReport, drawn: Sequence[Panel]
) -> Mapping[str, object]:
    """Return the content of a benchmark's section.

    Args:
        number: the number of the benchmark in the run, from 0 on.
        report: the report of the run.
        benchmark: the benchmark of the section.
        drawn: the panels of the benchmark.
    """
    span = span_of(drawn)
    telling = [panel for panel in drawn if panel.is_telling]
    zeros = [summary for summary in benchmark.summaries if _is_zero(summary)]
    summaries = [summary for summary in benchmark.summaries if not _is_zero(summary)]
    return {
        "status": headline.verdict_of(benchmark),
        "measured": wording.seconds(benchmark.measured_s) if benchmark.measured_s else "",
        "dropped": _dropped(benchmark),
        "found": found_sentence(benchmark),
        "knee": [Markup(drawn) for drawn in search_plots(benchmark)],  # noqa: S704 - drawn here
        "searched": [(name.capitalize(), made) for name, made in search_tables(benchmark)],
        "requests": request_table(report.diffs, benchmark),
        "faults": fault_table(benchmark.faults),
        "growth": growth_table(benchmark.growth),
        "failures": failure_table(benchmark),
        "spreads": list(spread_plots(benchmark.distributions)),
        "plots": list(
            plots_over_time(
                number,
                benchmark.name,
                telling,
                span,
                benchmark.measured_between_s,
                report.trends,
            )
        ),
        "thinned": thinning(telling),
        "quiet": "; ".join(panel.silence for panel in drawn if not panel.is_telling),
        "load": _figures([summary for summary in summaries if "source" not in summary.tags]),
        "readings": _figures([summary for summary in summaries if "source" in summary.tags]),
        "zeros": _figures(zeros),
    }


def _dropped(benchmark: BenchmarkReport) -> str:
    """Say how many planned starts found no free VU; empty if all found one."""
    whole = (
        summary
        for summary in benchmark.summaries
        if summary.metric == "dropped_iterations" and not summary.tags
    )
    count = round(next((summary.count for summary in whole), 0))
    found = "start" if count == 1 else "starts"
    return f"{count:,} planned {found} dropped, because no VU was free" if count else ""


def _is_zero(summary: Summary) -> bool:
    """Say whether a metric was never above zero."""
    if CATALOG[summary.metric].kind is Kind.RATE:
        return not summary.rate
    if summary.maximum is None:
        return not summary.count
    return summary.maximum == 0 and summary.minimum == 0


def _figures(summaries: Sequence[Summary]) -> Table:
    columns = ("count", "rate", *(label for _, label in _FIGURES))
    return Table.of(
        {"metric": "metric", **dict.fromkeys(columns, "number")},
        map(_figures_row, summaries),
    )


def _figures_row(summary: Summary) -> tuple[str, ...]:
    unit = wording.statistic_unit(summary.metric, "value")
    return (
        wording.summary_key(summary),
        wording.number(summary.count),
        wording.quantity(summary.rate, wording.statistic_unit(summary.metric, "rate")),
        *(wording.quantity(summary.carried(field), unit) for field, _ in _FIGURES),
    )
