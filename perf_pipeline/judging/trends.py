"""Each compared series over the like runs before, for the reports.

Add here: another fact about a series over runs. Keep out: drawing (report/) and SQL (store/).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.scale import Effect, change_between, prediction_band
from perf_pipeline.judging.series import MeasuredBenchmark, measured_of, points_of
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.report.trend import Trend, TrendChange, TrendRun
from perf_pipeline.store.baselines import ChangePointRow, changes
from perf_pipeline.store.history import History
from perf_pipeline.store.order import places_of

MOST_RUNS: Final = 60
"""So many runs are drawn at most."""


def trends_of(history: History, run_id: str, diffs: Iterable[tuple[str, Diff]]) -> list[Trend]:
    """Give the trend of each series that was compared with history, as drawn in reports.

    An aborted or invalid run is not comparable: its trend ends with the run before it.

    Raises:
        RequestError: there is no such run.
    """
    by_name = {one.outcome.benchmark: one for one in measured_of(history, run_id)}
    dated, places = changes(history), places_of(history)
    return [
        _trend(history, by_name[benchmark], diff, dated, places)
        for benchmark, diff in diffs
        if diff.pinned is None and benchmark in by_name
    ]


def _trend(
    history: History,
    measured: MeasuredBenchmark,
    diff: Diff,
    dated: Sequence[ChangePointRow],
    places: Mapping[str, int],
) -> Trend:
    points = points_of(history, measured, diff.series, before=measured.run.run_id)
    made = [(one.run_id, one.began_at, one.value) for one in points]
    has_newest = diff.value is not None and measured.keeps_up_in(diff.series.tags)
    if diff.value is not None and has_newest:
        made.append((measured.run.run_id, measured.run.began_at, diff.value))
    runs = [TrendRun(*one, place=places[one[0]]) for one in made[-MOST_RUNS:]]
    band = None
    if diff.effect is not None and diff.value is not None:
        band = prediction_band(diff.value, diff.effect)
    key = measured.key(diff.series)
    found = [row for row in dated if row.series == key]
    name = measured.outcome.benchmark
    return Trend(name, diff.series, tuple(runs), has_newest, band, tuple(_marks(runs, found)))


def _marks(runs: Sequence[TrendRun], rows: Iterable[ChangePointRow]) -> list[TrendChange]:
    """Place the dated changes; one run that several ways found is marked once.

    Looking back knows both levels best and comes before what the gate and people knew at the time.
    """
    place = {run.run_id: index for index, run in enumerate(runs)}
    best: dict[int, ChangePointRow] = {}
    for row in rows:
        index = place.get(row.run_id)
        if index is not None and (index not in best or row.found_by == "history"):
            best[index] = row
    return [
        TrendChange(index, _effect(row), row.before, row.after, row.found_by)
        for index, row in sorted(best.items())
    ]


def _effect(row: ChangePointRow) -> Effect | None:
    if row.before is None or row.after is None:
        return None
    return change_between(row.before, row.after, CATALOG[row.series.metric].kind)
