"""Compare a run with the releases that people pinned.

Add here: another question to pinned releases. Keep out: pinning (baselines.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from perf_pipeline.analysis.baseline import Diff, Series, in_line, release_diff
from perf_pipeline.analysis.scale import scale_of
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.judging.past import Past
from perf_pipeline.judging.series import Confirmed, MeasuredBenchmark, since_change
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.store.baselines import BaselineRow
from perf_pipeline.store.records import SeriesPoint


@dataclass(frozen=True, slots=True)
class Against:
    """Hold the comparison with one release and the runs that it was made of."""

    diff: Diff
    run_ids: tuple[str, ...]


def against_releases(
    past: Past,
    measured: MeasuredBenchmark,
    series: Series,
    policy: BaselinePolicy,
    pins: list[BaselineRow],
    changes: Confirmed,
) -> Iterator[Against]:
    """Compare a series with each pinned release that has it, in the same environment and load.

    Args:
        past: the series over like runs.
        measured: the run's benchmark.
        series: which figure.
        policy: the gate.
        pins: the releases that hold.
        changes: first runs of confirmed changes, by series.
    """
    if not pins:
        return
    points = past.before(measured, series)
    place = {point.run_id: index for index, point in enumerate(points)}
    for pin in pins:
        if pin.run_id not in place:
            continue
        index = place[pin.run_id]
        earlier = since_change(
            points[:index], pin.run_id, changes.get(measured.key(series), ()), series, policy
        )
        release = [*_in_line(earlier, series, policy), points[index]]
        compared = release_diff(
            series,
            measured.value(series),
            [point.value for point in release],
            [point.value for point in points[index + 1 :]],
            against=pin.name,
            policy=policy,
            requests=measured.requests(series),
            valid=measured.keeps_up_in(series.tags),
        )
        yield Against(compared, tuple(point.run_id for point in release))


def _in_line(
    points: list[SeriesPoint], series: Series, policy: BaselinePolicy
) -> list[SeriesPoint]:
    values = [point.value for point in points]
    kept = in_line(values, policy, scale=scale_of(CATALOG[series.metric].kind, values))
    return [points[index] for index in kept][-(policy.window - 1) :]
