"""Find out how the gate would have judged a history: replays, counts, planted slowdowns.

The history pass shows afterwards which alarms a change of level explains.
Add here: another question about a replayed history. Keep out: reading histories (judging/).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.change_point import LEAST_SIDE, change_points
from perf_pipeline.analysis.environment import suspects_moved, withheld
from perf_pipeline.analysis.family import agreed
from perf_pipeline.analysis.machine import Machine
from perf_pipeline.analysis.scale import Scale, scale_of
from perf_pipeline.analysis.special import special
from perf_pipeline.analysis.suspicion import WORSE, BaselinePolicy
from perf_pipeline.analysis.window import anchor
from perf_pipeline.metrics.catalog import CATALOG

PLANTED_RUNS: Final = 3
"""A planted slowdown is found when one of its first three runs is REGRESSED."""

_DATING_RUNS: Final = 2
_CAUGHT_WITHIN_RUNS: Final = 5
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class ReplayedSeries:
    """Hold a series of a benchmark over comparable runs, the oldest first.

    Attributes:
        benchmark: its name.
        series: what was measured.
        run_ids: the ids of the runs.
        values: one finite figure for each run.
        machines: the calibration of each run; empty if none is known.
        repeats: the indices of the runs that confirm another one of these.
    """

    benchmark: str
    series: Series
    run_ids: tuple[str, ...]
    values: tuple[float, ...]
    machines: tuple[Machine | None, ...] = ()
    repeats: frozenset[int] = frozenset()

    def judge(self, n: int, first: int, policy: BaselinePolicy) -> Diff:
        """Judge a run by earlier runs, from the one with the index `first` on."""
        return diff(
            self.series,
            self.values[n],
            self.values[first:n],
            policy,
            machine=self.machines[n] if self.machines else None,
            machines=self.machines[first:n],
        )

    def since(self, start: int) -> "ReplayedSeries":
        """Return the series without the runs before this index."""
        return replace(
            self,
            run_ids=self.run_ids[start:],
            values=self.values[start:],
            machines=self.machines[start:],
            repeats=frozenset(index - start for index in self.repeats),
        )


@dataclass(frozen=True, slots=True)
class Alarm:
    """Record a regression that the gate reported in this run and not in the run before.

    Attributes:
        run_id: id of the run with the alarm.
        track: the series.
        diff: the comparison.
        explained: whether there is a change of level for the worse; None if that is too recent to
            know.
    """

    run_id: str
    track: ReplayedSeries
    diff: Diff
    explained: bool | None


@dataclass(frozen=True, slots=True)
class GateTally:
    """Count what the gate would have done.

    Attributes:
        judged_runs: the number of runs with at least one series that was not LEARNING.
        withheld_runs: the number of these that were withheld from the gate (ENVIRONMENT_CHANGED).
        alarms: the alarms in the order of runs.
        worse_changes: the changes of level for the worse, after learning, that the history pass
            dated.
        runs_until_caught: after how many runs each change raised its alarm; 1 is its first run.
    """

    judged_runs: int
    withheld_runs: int
    alarms: tuple[Alarm, ...]
    worse_changes: int
    runs_until_caught: tuple[int, ...]

    @property
    def false_alarm_runs(self) -> int:
        """Count the runs with an alarm that no change of level explains."""
        return len({alarm.run_id for alarm in self.alarms if alarm.explained is False})

    @property
    def false_alarms_per_100_runs(self) -> float | None:
        """Return the rate of false alarms; None if no run was judged."""
        return 100 * self.false_alarm_runs / self.judged_runs if self.judged_runs else None

    @property
    def false_alarms_at_most(self) -> float | None:
        """Return the upper 95 % confidence limit of the rate; None if no run was judged.

        Source: Clopper & Pearson (1934), the one-sided limit of a binomial share.
        """
        false, runs = self.false_alarm_runs, self.judged_runs
        if false >= runs:
            return 100.0 if runs else None
        return 100 * float(special().betaincinv(false + 1, runs - false, _CONFIDENCE))


def replay(track: ReplayedSeries, policy: BaselinePolicy) -> list[Diff]:
    """Judge each run of a series by earlier runs, as the gate would have judged it at the time."""
    scale = scale_of(CATALOG[track.series.metric].kind, track.values)
    found: list[Diff] = []
    confirmed: set[int] = set()
    start = 0
    for n in range(len(track.values)):
        first = max(start, n - 2 * policy.window)
        compared = track.judge(n, first, policy)
        found.append(compared)
        if compared.changed_since is not None:
            confirmed.add(first + compared.changed_since)
        later = [change - start for change in confirmed if change > start]
        repeats = {index - start for index in track.repeats}
        values = track.values[start : n + 1]
        start += anchor(values, later, policy, scale=scale, repeats=repeats)
    return found


def tally(
    tracks: Sequence[ReplayedSeries],
    run_ids: Sequence[str],
    policy: BaselinePolicy,
    truth: BaselinePolicy | None = None,
    *,
    each: Callable[..., Iterable[list[Diff]]] = map,
) -> GateTally:
    """Replay the histories of a profile in an environment, and count.

    Args:
        tracks: every series of the profile.
        run_ids: every run of the series, the oldest first.
        policy: the gate that is tried.
        truth: decides which changes of level matter, whatever gate is tried; None for `policy`.
        each: calls a function with each of several series, as `map` does.
    """
    truth = truth or policy
    replayed = _gated([*each(partial(replay, policy=policy), tracks)], tracks, run_ids)
    alarms: list[Alarm] = []
    caught: list[int] = []
    worse_changes = 0
    for track, diffs in zip(tracks, replayed, strict=True):
        worse, raised = _worse_changes(track, truth), _raised(diffs)
        learned = [change for change in worse if change >= truth.minimum_runs]
        worse_changes += len(learned)
        caught += _runs_until_caught(learned, raised)
        # A change while the gate was learning can be recognised only from the first judged run on.
        told = [max(change, truth.minimum_runs) for change in worse]
        alarms += [
            Alarm(track.run_ids[n], track, diffs[n], _explained(n, len(diffs), told))
            for n in raised
        ]
    said = set(_statuses(replayed, tracks))
    return GateTally(
        judged_runs=len({run for run, status in said if status is not DiffStatus.LEARNING}),
        withheld_runs=sum(status is DiffStatus.ENVIRONMENT_CHANGED for _, status in said),
        alarms=tuple(sorted(alarms, key=lambda alarm: run_ids.index(alarm.run_id))),
        worse_changes=worse_changes,
        runs_until_caught=tuple(caught),
    )


def newest_level(track: ReplayedSeries, truth: BaselinePolicy) -> ReplayedSeries:
    """Return the runs since the last change of level, at most twice the window.

    The result is empty for a series that is not judged by ratio.

    Args:
        track: the series.
        truth: decides which changes of level matter.
    """
    kind = CATALOG[track.series.metric].kind
    if scale_of(kind, track.values) is not Scale.RELATIVE:
        return track.since(len(track.values))
    points = change_points(track.values, kind, truth)
    newest = len(track.values) - 2 * truth.window
    return track.since(max(0, newest, points[-1].index if points else 0))


def planted(level: ReplayedSeries, policy: BaselinePolicy, factor: float) -> list[bool]:
    """Plant a slowdown at several places of a series, and return for each whether it was found.

    Each time, three runs are made worse by the factor. The result is empty for a level that is too
    short.

    Args:
        level: the runs of a series without a change of level among them.
        policy: the gate that is tried.
        factor: a factor above 1; if more is better, the values are divided by it.
    """
    worse = factor if level.series.better == "lower" else 1 / factor
    return [
        _found(level, end - PLANTED_RUNS, end, worse, policy)
        for end in range(len(level.values), policy.minimum_runs + PLANTED_RUNS - 1, -PLANTED_RUNS)
    ]


def _found(
    level: ReplayedSeries, start: int, end: int, worse: float, policy: BaselinePolicy
) -> bool:
    slowed = (value * worse for value in level.values[start:end])
    made = replace(level, values=(*level.values[:start], *slowed))
    return any(made.judge(n, 0, policy).status is DiffStatus.REGRESSED for n in range(start, end))


def _gated(
    replayed: list[list[Diff]], tracks: Sequence[ReplayedSeries], run_ids: Sequence[str]
) -> list[list[Diff]]:
    """Withhold runs from the gate in which many series moved together."""
    places: dict[str, list[tuple[int, int]]] = {run_id: [] for run_id in run_ids}
    for which, track in enumerate(tracks):
        for n, run_id in enumerate(track.run_ids):
            places[run_id].append((which, n))
    before: frozenset[tuple[str, str]] = frozenset()
    for where in places.values():
        diffs = agreed([(tracks[which].benchmark, replayed[which][n]) for which, n in where])
        now = frozenset(
            (tracks[which].benchmark, diff.series.label)
            for (which, _), diff in zip(where, diffs, strict=True)
            if diff.status in WORSE
        )
        result = withheld(diffs, moved=suspects_moved(now, before))
        for (which, n), judged in zip(where, result, strict=True):
            replayed[which][n] = judged
        before = now
    return replayed


def _statuses(
    replayed: Sequence[Sequence[Diff]], tracks: Sequence[ReplayedSeries]
) -> Iterator[tuple[str, DiffStatus]]:
    for track, diffs in zip(tracks, replayed, strict=True):
        yield from zip(track.run_ids, (diff.status for diff in diffs), strict=True)


def _worse_changes(track: ReplayedSeries, policy: BaselinePolicy) -> list[int]:
    kind, sign = CATALOG[track.series.metric].kind, 1 if track.series.better == "lower" else -1
    return [
        point.index
        for point in change_points(track.values, kind, policy)
        if sign * point.effect.change > 0
    ]


def _raised(diffs: Sequence[Diff]) -> list[int]:
    calls = [diff.status is DiffStatus.REGRESSED for diff in diffs]
    return [n for n, call in enumerate(calls) if call and not any(calls[max(0, n - 2) : n])]


def _explained(alarm: int, runs: int, worse: Sequence[int]) -> bool | None:
    if any(_near(change, alarm) for change in worse):
        return True
    # The second of two suspects raised the alarm; a level must have three runs to be dated.
    return None if runs - (alarm - 1) < LEAST_SIDE else False


def _runs_until_caught(worse: Sequence[int], raised: Sequence[int]) -> list[int]:
    first = (next((n for n in raised if _near(change, n)), None) for change in worse)
    return [max(1, n - change + 1) for change, n in zip(worse, first, strict=True) if n is not None]


def _near(change: int, alarm: int) -> bool:
    return change - _DATING_RUNS <= alarm < change + _CAUGHT_WITHIN_RUNS
