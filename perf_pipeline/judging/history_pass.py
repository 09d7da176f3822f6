"""Look back over the whole history of each series and date its changes; this warns and never fails.

Add here: another question about whole histories. Keep out: the gate of the newest run (compare.py).
"""

from collections.abc import Iterable

from perf_pipeline.analysis.change_point import LEAST_SIDE, change_points
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.past import Past
from perf_pipeline.judging.series import MeasuredBenchmark, policy_of, series_in
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.store.baselines import ChangePointRow, SeriesKey, replace_dated
from perf_pipeline.store.history import History


def date_changes(
    history: History, measured: Iterable[MeasuredBenchmark], past: Past, profile: Profile
) -> list[ChangePointRow]:
    """Date the changes of level of every series of a run, over all comparable runs, and store them.

    The results of earlier passes over these runs are replaced. As everywhere, rates are compared
    directly and not by logarithm.

    Args:
        history: the open history.
        measured: the benchmarks of the run.
        past: their series over comparable runs.
        profile: the profile that judges.
    """
    looked_at: dict[SeriesKey, frozenset[str]] = {}
    found: list[ChangePointRow] = []
    for benchmark in measured:
        for series in series_in(profile, benchmark):
            points = past.whole(benchmark, series)
            if len(points) < 2 * LEAST_SIDE:
                continue
            values = [point.value for point in points]
            key = benchmark.key(series)
            looked_at[key] = frozenset(point.run_id for point in points)
            found += [
                ChangePointRow(
                    points[change.index].run_id,
                    key,
                    "history",
                    change.before,
                    change.after,
                    change.p_value,
                )
                for change in change_points(values, CATALOG[series.metric].kind, policy_of(profile))
            ]
    replace_dated(history, looked_at, found)
    return found
