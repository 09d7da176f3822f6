"""Work out the trend of each compared series over earlier comparable runs, for reports.

Add here: another fact about a series over runs. Keep out: drawing (report/) and SQL (store/).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.scale import Effect, change_between, prediction_band
from perf_pipeline.judging.compare import Comparison
from perf_pipeline.judging.past import Past
from perf_pipeline.judging.series import MeasuredBenchmark
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.report.revisions import revision_name
from perf_pipeline.report.trend import Trend, TrendChange, TrendRun
from perf_pipeline.store.baselines import ChangePointRow, SeriesKey, changes
from perf_pipeline.store.history import History
from perf_pipeline.store.order import places_of
from perf_pipeline.store.run_rows import revisions

MOST_RUNS: Final = 60
"""So many runs are drawn at most."""


def trends_of(history: History, comparison: Comparison) -> list[Trend]:
    """Return the trend of each series that was compared with the history, as reports draw it.

    An aborted or invalid run is not comparable: its trend ends with the run before it.
    """
    by_name = {measured.outcome.benchmark: measured for measured in comparison.measured}
    dated: dict[SeriesKey, list[ChangePointRow]] = {}
    places = places_of(history)
    versions = {
        run_id: revision_name(facts) for run_id, facts in revisions(history.connection).items()
    }
    for row in changes(history):
        dated.setdefault(row.series, []).append(row)
    return [
        _named(_trend(comparison.past, by_name[benchmark], diff, dated, places), versions)
        for benchmark, diff in comparison.told
        if diff.pinned is None and benchmark in by_name
    ]


def _named(trend: Trend, versions: Mapping[str, str]) -> Trend:
    """Add the version of the target that each run measured, if known."""
    named = (replace(run, version=versions.get(run.run_id, "")) for run in trend.runs)
    return replace(trend, runs=tuple(named))


def _trend(
    past: Past,
    measured: MeasuredBenchmark,
    diff: Diff,
    dated: Mapping[SeriesKey, Sequence[ChangePointRow]],
    places: Mapping[str, int],
) -> Trend:
    points = past.before(measured, diff.series)[-MOST_RUNS:]
    made = [(point.run_id, point.began_at, point.value) for point in points]
    has_newest = diff.value is not None and measured.keeps_up_in(diff.series.tags)
    if diff.value is not None and has_newest:
        made.append((measured.run.run_id, measured.run.began_at, diff.value))
    runs = [TrendRun(*run, place=places[run[0]]) for run in made[-MOST_RUNS:]]
    band = None
    if diff.effect is not None and diff.value is not None:
        band = prediction_band(diff.value, diff.effect)
    found = dated.get(measured.key(diff.series), ())
    name = measured.outcome.benchmark
    return Trend(name, diff.series, tuple(runs), has_newest, band, tuple(_marks(runs, found)))


def _marks(runs: Sequence[TrendRun], rows: Iterable[ChangePointRow]) -> list[TrendChange]:
    """Place the dated changes; a run that was found in several ways is marked once.

    Looking back knows both levels best, but whoever confirmed the change determines its effect.
    """
    place = {run.run_id: index for index, run in enumerate(runs)}
    best: dict[int, ChangePointRow] = {}
    confirmed: dict[int, str] = {}
    for row in rows:
        index = place.get(row.run_id)
        if index is not None and (index not in best or row.found_by == "history"):
            best[index] = row
        if index is not None and row.found_by != "history":
            confirmed[index] = row.found_by
    return [
        TrendChange(index, _effect(row), row.before, row.after, confirmed.get(index, row.found_by))
        for index, row in sorted(best.items())
    ]


def _effect(row: ChangePointRow) -> Effect | None:
    if row.before is None or row.after is None:
        return None
    return change_between(row.before, row.after, CATALOG[row.series.metric].kind)
