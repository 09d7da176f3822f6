"""Look back over the whole history of each series and date its changes; warns, never fails.

Add here: another question to whole histories. Keep out: the gate of the newest run (compare.py).
"""

from perf_pipeline.analysis.change_point import LEAST_SIDE, change_points
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.series import measured_of, points_of, policy_of, series_of
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.store.baselines import ChangePointRow, replace_dated
from perf_pipeline.store.history import History


def date_changes(history: History, run_id: str, profile: Profile) -> list[ChangePointRow]:
    """Date the changes of level of every series of a run, over all like runs, and store them.

    What an earlier pass had found in these runs is replaced. Rates are compared as they are and
    not by logarithm, like everywhere.

    Raises:
        RequestError: there is no such run.
    """
    found: list[ChangePointRow] = []
    for measured in measured_of(history, run_id):
        for series in series_of(profile, measured.outcome.benchmark):
            points = points_of(history, measured, series, before=None)
            if len(points) < 2 * LEAST_SIDE:
                continue
            values = [point.value for point in points]
            key = measured.key(series)
            rows = [
                ChangePointRow(
                    points[one.index].run_id, key, "history", one.before, one.after, one.p_value
                )
                for one in change_points(values, CATALOG[series.metric].kind, policy_of(profile))
            ]
            replace_dated(history, key, (point.run_id for point in points), rows)
            found += rows
    return found
