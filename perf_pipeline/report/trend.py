"""A series over the runs: its history, the expected band, this run, dated changes of level.

Add here: another fact about a series over runs. Keep out: drawing (trend_plot.py) and statistics
(analysis/).
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.analysis.scale import Effect
from perf_pipeline.analysis.series import Series
from perf_pipeline.report import wording

_MOST_TOLD: Final = 5
_FOUND_BY: Final = {
    "history": "found looking back; by itself it fails no run",
    "gate": "confirmed by the gate",
    "accepted": "accepted as the new normal",
    "machine": "the load machine changed, and its level is the new normal",
    "regression": "found looking back",
}


@dataclass(frozen=True, slots=True)
class TrendRun:
    """Hold a run of a trend.

    Attributes:
        run_id: its id.
        began_at: UTC, ISO 8601; a label, as a clock can be set.
        value: in the metric's unit.
        place: among all runs, in the order in which they were made.
        version: the version of the target, or its commit; empty where nobody told.
    """

    run_id: str
    began_at: str
    value: float
    place: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class TrendChange:
    """Hold a change of level, and the run with which it began.

    Attributes:
        index: the index of the first run at the new level, in `Trend.runs`.
        effect: the effect of the new level against the old one; None when a level is unknown.
        before: in the metric's unit.
        after: in the metric's unit.
        found_by: gate, accepted or machine, which decide over baselines; otherwise history, or
            regression where the run fails by this series anyway.
    """

    index: int
    effect: Effect | None
    before: float | None
    after: float | None
    found_by: str


@dataclass(frozen=True, slots=True)
class Trend:
    """Hold a series of a benchmark over comparable runs.

    Attributes:
        benchmark: its name.
        series: what is drawn.
        runs: oldest first, with this run at the end when it has a value.
        has_newest: whether the last run is the reported one.
        band: where the reported run was expected, in the metric's unit; None without.
        changes: oldest first.
    """

    benchmark: str
    series: Series
    runs: tuple[TrendRun, ...]
    has_newest: bool = True
    band: tuple[float, float] | None = None
    changes: tuple[TrendChange, ...] = ()

    @property
    def is_telling(self) -> bool:
        """Say whether there are two runs to draw a line between."""
        return len(self.runs) > 1

    def above_zero(self, value: float) -> float:
        """Return a value, or zero for one that is below it where none of the runs is."""
        return value if any(run.value < 0 for run in self.runs) else max(value, 0.0)

    @property
    def unit(self) -> str:
        """Return the unit of the values."""
        return wording.statistic_unit(self.series.metric, self.series.statistic)


def by_interest(
    trends: Iterable[Trend], leading: Container[tuple[str, str]]
) -> tuple[list[Trend], list[Trend]]:
    """Split the series that have two runs into those that changed or lead, and the others.

    Args:
        trends: the trends of the reported run.
        leading: (benchmark, series label) of what the reader came for.
    """
    drawn = [trend for trend in trends if trend.is_telling]
    parted: dict[bool, list[Trend]] = {True: [], False: []}
    for trend in drawn:
        leads = (trend.benchmark, trend.series.label) in leading
        parted[bool(trend.changes) or leads].append(trend)
    return parted[True], parted[False]


def lines(trends: Iterable[Trend]) -> list[tuple[str, str, str]]:
    """List the dated changes of level, last run first, each as (status, subject, sentence)."""
    pairs = [(trend, change) for trend in trends for change in trend.changes]
    pairs.sort(key=lambda pair: pair[0].runs[pair[1].index].place, reverse=True)
    told = [
        ("CHANGED", f"{trend.benchmark} {trend.series.label}", _sentence(trend, change))
        for trend, change in pairs[:_MOST_TOLD]
    ]
    rest = len(pairs) - len(told)
    if rest:
        more = wording.plural(rest, "older change", "older changes")
        told.append(("CHANGED", "baseline", f"{more} of level; `perf-pipeline changes` lists all"))
    return told


def _sentence(trend: Trend, change: TrendChange) -> str:
    run = trend.runs[change.index]
    before, after = (wording.quantity(level, trend.unit) for level in (change.before, change.after))
    began = f"run {run.run_id} of {run.began_at[:10]}"
    if run.version:
        began = f"{run.version} ({began})"
    return (
        f"{change_text(trend, change)} since {began}, from {before} to {after} "
        f"({_FOUND_BY.get(change.found_by, change.found_by)})"
    )


def beside_regression(trend: Trend) -> Trend:
    """Return a trend whose changes found looking back are not said to fail no run by themselves."""
    changes = (
        replace(change, found_by="regression") if change.found_by == "history" else change
        for change in trend.changes
    )
    return replace(trend, changes=tuple(changes))


def change_text(trend: Trend, change: TrendChange) -> str:
    """Write how far a level moved."""
    if change.effect is None:
        return "another level"
    return wording.signed(change.effect.change, change.effect.scale, trend.unit)
