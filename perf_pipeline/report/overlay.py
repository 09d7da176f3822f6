"""Make the page that lays two runs over one another: differences, figures, plots, distributions.

Add here: another part of the page. Keep out: comparing (judging/contrast.py), and drawing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.report.axis import Panel
from perf_pipeline.report.benchmark_section import plots_over_time, spread_plots, thinning
from perf_pipeline.report.diff_texts import DiffTexts
from perf_pipeline.report.distribution import Distribution
from perf_pipeline.report.embedded import embedded
from perf_pipeline.report.pages import html_escaped, page
from perf_pipeline.report.plot_data import as_script, panels_as_json
from perf_pipeline.report.svg import span_of
from perf_pipeline.report.tables import ColumnKind, Table
from perf_pipeline.report.wording import plural, words

_COLUMNS: Final[dict[str, ColumnKind]] = {
    "status": "status",
    "benchmark": "link",
    "series": "metric",
    "A": "number",
    "B": "number",
    "change": "number",
    "interval": "number",
    "would detect": "number",
}
_ORDER: Final = (DiffStatus.SUSPECT, DiffStatus.IMPROVED)


@dataclass(frozen=True, slots=True)
class OverlaidBenchmark:
    """Hold a benchmark that both runs have.

    Attributes:
        name: its name.
        panels: plots with a line of each run.
        distributions: `now` is the first run, `before` the second.
    """

    name: str
    panels: tuple[Panel, ...]
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True)
class Overlay:
    """Hold two runs, one over the other.

    Attributes:
        runs: a sentence for each: which run it is.
        notices: what differs beside the figures.
        diffs: (benchmark, diff); the figure of the first run is its `pinned`.
        benchmarks: that both have.
    """

    runs: tuple[str, str]
    notices: tuple[str, ...]
    diffs: tuple[tuple[str, Diff], ...]
    benchmarks: tuple[OverlaidBenchmark, ...]


def render_overlay(overlay: Overlay) -> str:
    """Return two runs as one HTML document; every value from outside is escaped."""
    return page(
        "overlay.html",
        html_escaped,
        title="two runs compared",
        runs=overlay.runs,
        summary=summary(overlay),
        notices=overlay.notices,
        moved=_table(overlay, _ORDER),
        others=_table(overlay, [status for status in DiffStatus if status not in _ORDER]),
        benchmarks=[
            {
                "name": benchmark.name,
                "spreads": list(spread_plots(benchmark.distributions)),
                "plots": list(_plots(number, benchmark)),
                "thinned": thinning(benchmark.panels),
            }
            for number, benchmark in enumerate(overlay.benchmarks)
        ],
        plot_data=as_script(
            [panels_as_json(_telling(benchmark), None) for benchmark in overlay.benchmarks]
        ),
        **embedded(),
    )


def summary(overlay: Overlay) -> str:
    """Say in a sentence how many series are worse or better in the second run."""
    statuses = [diff.status for _, diff in overlay.diffs]
    if not statuses:
        return "No series is in both runs, so that nothing can be compared."
    worse, better = (statuses.count(status) for status in _ORDER)
    few = statuses.count(DiffStatus.LEARNING)
    unknown = f"; {few} can't be judged, because too few runs are like A" if few else ""
    return (
        f"Of {plural(len(statuses), 'series', 'series')} that both runs have, {worse} "
        f"{'is' if worse == 1 else 'are'} worse and {better} {'is' if better == 1 else 'are'} "
        f"better in B than the spread of the runs like A explains{unknown}."
    )


def _table(overlay: Overlay, statuses: Sequence[DiffStatus]) -> Table:
    return Table.of(
        _COLUMNS,
        (
            _row(DiffTexts.of(benchmark, diff))
            for status in statuses
            for benchmark, diff in overlay.diffs
            if diff.status is status
        ),
    )


def _row(told: DiffTexts) -> tuple[str, ...]:
    return (
        words(told.status),
        told.benchmark,
        told.series,
        told.fixed,
        told.value,
        told.change,
        told.interval,
        told.detectable,
    )


def _telling(benchmark: OverlaidBenchmark) -> list[Panel]:
    return [panel for panel in benchmark.panels if panel.is_telling]


def _plots(number: int, benchmark: OverlaidBenchmark) -> Iterator[Markup]:
    drawn = _telling(benchmark)
    return plots_over_time(number, benchmark.name, drawn, span_of(drawn))
