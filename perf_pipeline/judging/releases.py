"""Compare a run with the releases that people pinned.

Add here: another question about pinned releases. Keep out: pinning (baselines.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.baseline import Diff, Series, release_diff
from perf_pipeline.analysis.judged import judged_runs
from perf_pipeline.analysis.machine import Machine, slowdowns
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus
from perf_pipeline.analysis.tiers import parts_of
from perf_pipeline.analysis.window import episode
from perf_pipeline.judging.baselines import comparable_benchmarks
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.machines import machine_of
from perf_pipeline.judging.past import Past, past_of
from perf_pipeline.judging.series import (
    Confirmed,
    MeasuredBenchmark,
    policy_of,
    series_in,
    since_change,
)
from perf_pipeline.store.baselines import BaselineRow, confirmed_runs
from perf_pipeline.store.comparison_rows import SeriesPoint
from perf_pipeline.store.state import State

_MOVED: Final = frozenset({DiffStatus.SUSPECT, DiffStatus.IMPROVED})


@dataclass(frozen=True, slots=True)
class Against:
    """Hold the comparison with one release, and the runs that it is based on."""

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
    """Compare a series with each pinned release that has it under the same environment and load.

    Args:
        past: the series over comparable runs.
        measured: the run's benchmark.
        series: the series.
        policy: the gate.
        pins: the current pins.
        changes: the first runs of confirmed changes by series.
    """
    if not pins:
        return
    points = past.before(measured, series)
    machines = past.machines.get(measured.outcome.benchmark, {})
    place = {point.run_id: index for index, point in enumerate(points)}
    for pin in pins:
        if pin.run_id not in place:
            continue
        index = place[pin.run_id]
        earlier = since_change(
            points[:index], pin.run_id, changes.get(measured.key(series), ()), series, policy
        )
        likes, release = _in_line(earlier, points[index], series, policy, machines)
        recent = points[index + 1 :]
        compared = release_diff(
            series,
            measured.value(series),
            [point.value for point in release],
            [point.value for point in recent],
            against=pin.name,
            policy=policy,
            likes=[point.value for point in likes],
            requests=measured.requests(series),
            valid=measured.keeps_up_in(series.tags),
            machine=machine_of(measured),
            machines=[machines.get(point.run_id) for point in (*likes, *release, *recent)],
        )
        yield Against(compared, tuple(point.run_id for point in release))


def lone_series(state: State, run_id: str) -> dict[int, list[str]]:
    """Name each series of which a release is one run alone, being out of line with those before.

    Returns:
        The labels of these series, by the number of runs that they are out of line with.

    Raises:
        RequestError: there is no such run, or none of it may be part of a baseline.
        StoreBusyError: the history is open elsewhere.
    """
    found: dict[int, list[str]] = {}
    with state.history() as history:
        profile, measured = profile_of(history, run_id), comparable_benchmarks(history, run_id)
        past, changes = past_of(history, measured, profile), confirmed_runs(history)
    for benchmark in measured:
        for series in series_in(profile, benchmark):
            if runs := _runs_left(past, benchmark, series, policy_of(profile), changes):
                label = f"{benchmark.outcome.benchmark} {series.label}"
                found.setdefault(runs, []).append(label)
    return found


def _runs_left(
    past: Past,
    measured: MeasuredBenchmark,
    series: Series,
    policy: BaselinePolicy,
    changes: Confirmed,
) -> int:
    """Count the runs with which a run is out of line by itself; 0 if it is not, or is not alone."""
    run, value, machine = measured.run, measured.value(series), machine_of(measured)
    if value is None:
        return 0
    machines = dict(past.machines.get(measured.outcome.benchmark, {}))
    if machine is not None:
        machines[run.run_id] = machine
    earlier = since_change(
        past.before(measured, series),
        run.run_id,
        changes.get(measured.key(series), ()),
        series,
        policy,
    )
    pinned = SeriesPoint(run.run_id, run.began_at, value)
    likes, release = _in_line(earlier, pinned, series, policy, machines)
    return len(likes) if release == [pinned] else 0


def _in_line(
    points: list[SeriesPoint],
    pinned: SeriesPoint,
    series: Series,
    policy: BaselinePolicy,
    machines: Mapping[str, Machine],
) -> tuple[list[SeriesPoint], list[SeriesPoint]]:
    """Return the runs of a release, the pinned one last, after those of another level before it.

    The runs before the pinned one that were in line, each as on the usual machine, belong to the
    release. Where the pinned run is out of line with them, its level is another one: then only
    those of its own change do, and the others say how far runs scatter.
    """
    slow = slowdowns(
        [machines.get(point.run_id) for point in points],
        machines.get(pinned.run_id),
        parts_of(series.metric),
    )
    values = [point.value for point in (*points, pinned)]
    judged = judged_runs(series, values, policy, slow)
    kept = [points[index] for index in judged.kept][-(policy.window - 1) :]
    if judged.suspicion(len(points)).status not in _MOVED:
        return [], [*kept, pinned]
    statuses = judged.statuses()
    moved = range(episode(statuses), len(points))
    alike = [points[index] for index in moved if statuses[index] is statuses[-1]]
    return kept, [*alike, pinned][-policy.window :]
