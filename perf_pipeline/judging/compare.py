"""Compare a run with earlier runs, with pinned releases and with fixed figures.

Add here: another kind of baseline. Keep out: choosing the series (series.py) and statistics
(analysis/).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series, diff, pinned_diff
from perf_pipeline.analysis.environment import suspects_moved, withheld
from perf_pipeline.analysis.family import agreed
from perf_pipeline.analysis.suspicion import WORSE
from perf_pipeline.config.baseline_policy import PinnedBaseline
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.judge import is_what_if
from perf_pipeline.judging.machines import machine_of
from perf_pipeline.judging.past import Past, past_of
from perf_pipeline.judging.releases import against_releases
from perf_pipeline.judging.reruns import Reruns, reruns_of, settled
from perf_pipeline.judging.series import (
    Confirmed,
    MeasuredBenchmark,
    measured_of,
    pinned_series_of,
    policy_of,
    series_in,
    since_change,
)
from perf_pipeline.judging.stored_comparison import store_comparison
from perf_pipeline.store.baselines import (
    BaselineRow,
    SeriesKey,
    confirmed_runs,
    diffs_with_history,
    previous_run,
    releases,
)
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State

_TOLD: Final = WORSE | {DiffStatus.IMPROVED, DiffStatus.ENVIRONMENT_CHANGED}


@dataclass(frozen=True, slots=True)
class Compared:
    """Hold one comparison together with its origin.

    Attributes:
        measured: the benchmark.
        diff: the comparison.
        run_ids: the ids of the baseline's runs, oldest first; empty for a fixed figure.
        since: the first run of a confirmed change; empty if there is none.
        revoked: the first run of a change that the re-runs took back; empty if there is none.
    """

    measured: MeasuredBenchmark
    diff: Diff
    run_ids: tuple[str, ...] = ()
    since: str = ""
    revoked: str = ""

    @property
    def benchmark(self) -> str:
        """Return the benchmark's name."""
        return self.measured.outcome.benchmark


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold what a run was compared with.

    Attributes:
        compared: every comparison.
        measured: the benchmarks of the run.
        past: their series over comparable runs.
    """

    compared: tuple[Compared, ...]
    measured: tuple[MeasuredBenchmark, ...]
    past: Past

    @property
    def told(self) -> tuple[tuple[str, Diff], ...]:
        """Return the shown diffs as (benchmark, diff); of pinned releases only what moved."""
        return tuple(
            (comparison.benchmark, comparison.diff)
            for comparison in self.compared
            if not comparison.diff.against or comparison.diff.status in _TOLD
        )


def compare_run(
    state: State, run_id: str, *, profile: Profile | None = None
) -> list[tuple[str, Diff]]:
    """Compare every benchmark of a run; store the diffs and return them as (benchmark, diff).

    A what-if, by a profile other than the run's own, leaves no trace in the history. Confirmed
    changes are stored as change points, which later runs are compared since. Of the comparisons
    with pinned releases only those that moved are given; all are stored.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        return list(compare_in(history, run_id, profile=profile).told)


def compare_in(history: History, run_id: str, *, profile: Profile | None = None) -> Comparison:
    """Compare as `compare_run` does, in a history that is open.

    Raises:
        RequestError: there is no such run.
    """
    judged_by = profile or profile_of(history, run_id)
    comparison = compare_settled(history, run_id, judged_by)
    if not is_what_if(history, run_id, profile):
        store_comparison(history, run_id, judged_by, comparison)
    return comparison


def compare_settled(history: History, run_id: str, profile: Profile) -> Comparison:
    """Compare every benchmark of a stored run, including its re-runs; store nothing.

    Raises:
        RequestError: there is no such run.
    """
    unsettled = compare_unsettled(history, run_id, profile)
    reruns = reruns_of(history, run_id)
    compared = tuple(_settled(reruns, run_id, single) for single in unsettled.compared)
    return replace(unsettled, compared=compared)


def compare_unsettled(history: History, run_id: str, profile: Profile) -> Comparison:
    """Compare every benchmark of a stored run as if nothing had been run again; store nothing.

    Raises:
        RequestError: there is no such run.
    """
    changes, pins = confirmed_runs(history), releases(history)
    measured = tuple(measured_of(history, run_id))
    past = past_of(history, measured, profile)
    by_benchmark = (_benchmark(past, single, profile, changes, pins) for single in measured)
    alone = list(chain.from_iterable(by_benchmark))
    agreeing = agreed([(compared.benchmark, compared.diff) for compared in alone])
    found = [replace(compared, diff=diff) for compared, diff in zip(alone, agreeing, strict=True)]
    # A change of the environment shows only over all benchmarks together.
    moved = suspects_moved(_suspects(found), _suspects_before(history, run_id))
    gated = withheld([comparison.diff for comparison in found], moved=moved)
    compared = tuple(
        replace(comparison, diff=gate, since="" if gate.changed_since is None else comparison.since)
        for comparison, gate in zip(found, gated, strict=True)
    )
    return Comparison(compared, measured, past)


def _settled(reruns: Reruns, run_id: str, comparison: Compared) -> Compared:
    """Settle a comparison by its re-runs; a confirmed change began with this run or earlier."""
    diff = settled(reruns, comparison.benchmark, comparison.diff)
    if diff is comparison.diff:
        return comparison
    if diff.status is DiffStatus.REGRESSED:
        return replace(comparison, diff=diff, since=comparison.since or run_id)
    return replace(comparison, diff=diff, since="", revoked=comparison.since)


def _benchmark(
    past: Past,
    measured: MeasuredBenchmark,
    profile: Profile,
    changes: Confirmed,
    pins: list[BaselineRow],
) -> Iterator[Compared]:
    policy = policy_of(profile)
    for series in series_in(profile, measured):
        if measured.summary(series) is None:
            continue
        yield _with_history(past, measured, series, profile, changes)
        for release in against_releases(past, measured, series, policy, pins, changes):
            yield Compared(measured, release.diff, release.run_ids)
    for pinned, series in pinned_series_of(profile, measured.outcome.benchmark):
        yield Compared(measured, _with_figure(past, measured, pinned, series, profile))


def _with_history(
    past: Past, measured: MeasuredBenchmark, series: Series, profile: Profile, changes: Confirmed
) -> Compared:
    policy, run_id = policy_of(profile), measured.run.run_id
    machines = past.machines.get(measured.outcome.benchmark, {})
    points = since_change(
        past.before(measured, series),
        run_id,
        changes.get(measured.key(series), ()),
        series,
        policy,
    )
    found = diff(
        series,
        measured.value(series),
        [point.value for point in points],
        policy,
        requests=measured.requests(series),
        valid=measured.keeps_up_in(series.tags),
        machine=machine_of(measured),
        machines=[machines.get(point.run_id) for point in points],
    )
    run_ids = [*(point.run_id for point in points), run_id]
    since = "" if found.changed_since is None else run_ids[found.changed_since]
    return Compared(measured, found, tuple(run_ids[index] for index in found.baseline), since)


def _with_figure(
    past: Past,
    measured: MeasuredBenchmark,
    pinned: PinnedBaseline,
    series: Series,
    profile: Profile,
) -> Diff:
    return pinned_diff(
        series,
        measured.value(series),
        pinned.value,
        [point.value for point in past.before(measured, series)],
        policy=policy_of(profile),
        valid=measured.keeps_up_in(series.tags),
    )


def _suspects(found: Sequence[Compared]) -> frozenset[SeriesKey]:
    return frozenset(
        comparison.measured.key(comparison.diff.series)
        for comparison in found
        if comparison.diff.status in WORSE and comparison.diff.pinned is None
    )


def _suspects_before(history: History, run_id: str) -> frozenset[SeriesKey]:
    before = previous_run(history, run_id)
    if before is None or before.environment_id != history.run(run_id).environment_id:
        return frozenset()
    out_of_line = {*map(str, WORSE), str(DiffStatus.ENVIRONMENT_CHANGED)}
    return frozenset(
        key
        for key, row in diffs_with_history(history, before.run_id).items()
        if row.status in out_of_line
    )
