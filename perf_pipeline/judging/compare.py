"""Compare a run with the runs before it, with pinned releases and with fixed figures.

Add here: another baseline that a run is compared with. Keep out: which series (series.py) and
statistics (analysis/).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline import __version__
from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series, diff, pinned_diff
from perf_pipeline.analysis.environment import suspects_moved, withheld
from perf_pipeline.analysis.suspicion import WORSE
from perf_pipeline.config.profile import PinnedBaseline, Profile
from perf_pipeline.judging.history_pass import date_changes
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.judge import is_what_if
from perf_pipeline.judging.machine_change import levels_for_good
from perf_pipeline.judging.machines import machine_of
from perf_pipeline.judging.past import Past, past_of
from perf_pipeline.judging.releases import against_releases
from perf_pipeline.judging.reruns import TRIGGER, Reruns, reruns_of, settled
from perf_pipeline.judging.series import (
    Confirmed,
    MeasuredBenchmark,
    measured_of,
    pinned_series_of,
    policy_of,
    series_in,
    since_change,
)
from perf_pipeline.store.baselines import (
    BaselineRow,
    ChangePointRow,
    SeriesKey,
    confirmed_runs,
    diffs_with_history,
    previous_run,
    releases,
    store_changes,
)
from perf_pipeline.store.history import History
from perf_pipeline.store.lineage import Lineage, store_judged
from perf_pipeline.store.records import DiffRow, RunRecord
from perf_pipeline.store.state import State
from perf_pipeline.store.tags_text import tags_text

_QUIET: Final = frozenset(
    {DiffStatus.OK, DiffStatus.LEARNING, DiffStatus.NO_DATA, DiffStatus.INVALID}
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Hold one comparison with where it comes from.

    Attributes:
        measured: the benchmark.
        diff: the comparison.
        run_ids: runs of the baseline, oldest first; empty for a fixed figure.
        since: first run of a confirmed change; empty when there is none.
    """

    measured: MeasuredBenchmark
    diff: Diff
    run_ids: tuple[str, ...] = ()
    since: str = ""

    @property
    def benchmark(self) -> str:
        """Give the benchmark's name."""
        return self.measured.outcome.benchmark


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold what a run was compared with.

    Attributes:
        compared: every comparison.
        measured: the benchmarks of the run.
        past: their series over like runs.
    """

    compared: tuple[Compared, ...]
    measured: tuple[MeasuredBenchmark, ...]
    past: Past

    @property
    def told(self) -> tuple[tuple[str, Diff], ...]:
        """Give what a reader is told as (benchmark, diff): of pinned releases only what moved."""
        return tuple(
            (one.benchmark, one.diff)
            for one in self.compared
            if not one.diff.against or one.diff.status not in _QUIET
        )


def compare_run(
    state: State, run_id: str, *, profile: Profile | None = None
) -> list[tuple[str, Diff]]:
    """Compare every benchmark of a run, store the diffs and give them, as (benchmark, diff).

    A what-if, by another profile than the run's own, leaves no trace in the history.

    Confirmed changes are stored as change points, which later runs are compared since. Of the
    comparisons with pinned releases only those that moved are given; all are stored.

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
    unsettled = compare_unsettled(history, run_id, judged_by)
    reruns = reruns_of(history, run_id)
    compared = tuple(_settled(reruns, run_id, one) for one in unsettled.compared)
    comparison = replace(unsettled, compared=compared)
    if not is_what_if(history, run_id, profile):
        _store(history, run_id, judged_by, comparison.compared)
        if history.run(run_id).trigger != TRIGGER:  # the run that it confirms has the last word
            store_changes(history, _changes(comparison.compared))
            by_history = _by_history(comparison)
            store_changes(history, levels_for_good(history, run_id, by_history, comparison.past))
        date_changes(history, comparison.measured, comparison.past, judged_by)
    return comparison


def _by_history(comparison: Comparison) -> list[tuple[MeasuredBenchmark, Diff]]:
    return [
        (one.measured, one.diff)
        for one in comparison.compared
        if one.diff.pinned is None and not one.diff.against
    ]


def compare_unsettled(history: History, run_id: str, profile: Profile) -> Comparison:
    """Compare every benchmark of a stored run as if nothing had been run again; store nothing.

    Raises:
        RequestError: there is no such run.
    """
    changes, pins = confirmed_runs(history), releases(history)
    measured = tuple(measured_of(history, run_id))
    past = past_of(history, measured, profile)
    found = [one for each in measured for one in _benchmark(past, each, profile, changes, pins)]
    # The environment shows itself over all benchmarks together.
    moved = suspects_moved(_suspects(found), _suspects_before(history, run_id))
    gated = withheld([one.diff for one in found], moved=moved)
    compared = tuple(
        replace(one, diff=gate, since="" if gate.changed_since is None else one.since)
        for one, gate in zip(found, gated, strict=True)
    )
    return Comparison(compared, measured, past)


def _settled(reruns: Reruns, run_id: str, one: Compared) -> Compared:
    """Settle a comparison by its re-runs; what they confirm began with this run, or before."""
    diff = settled(reruns, one.benchmark, one.diff)
    if diff is one.diff:
        return one
    since = (one.since or run_id) if diff.status is DiffStatus.REGRESSED else ""
    return replace(one, diff=diff, since=since)


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
        for one in against_releases(past, measured, series, policy, pins, changes):
            yield Compared(measured, one.diff, one.run_ids)
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
    one = diff(
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
    since = "" if one.changed_since is None else run_ids[one.changed_since]
    return Compared(measured, one, tuple(run_ids[index] for index in one.baseline), since)


def _with_figure(
    past: Past,
    measured: MeasuredBenchmark,
    pinned: PinnedBaseline,
    series: Series,
    profile: Profile,
) -> Diff:
    points = past.before(measured, series)
    return pinned_diff(
        series,
        measured.value(series),
        pinned.value,
        [point.value for point in points],
        policy=policy_of(profile),
        valid=measured.keeps_up_in(series.tags),
    )


def _suspects(found: Sequence[Compared]) -> frozenset[SeriesKey]:
    return frozenset(
        one.measured.key(one.diff.series)
        for one in found
        if one.diff.status in WORSE and one.diff.pinned is None
    )


def _suspects_before(history: History, run_id: str) -> frozenset[SeriesKey]:
    before: RunRecord | None = previous_run(history, run_id)
    if before is None or before.environment_id != history.run(run_id).environment_id:
        return frozenset()
    out_of_line = {*map(str, WORSE), str(DiffStatus.ENVIRONMENT_CHANGED)}
    return frozenset(
        key
        for key, row in diffs_with_history(history, before.run_id).items()
        if row.status in out_of_line
    )


def _changes(compared: Sequence[Compared]) -> Iterator[ChangePointRow]:
    for one in compared:
        if one.since:
            key = one.measured.key(one.diff.series)
            yield ChangePointRow(one.since, key, "gate", one.diff.noise.median, one.diff.value)


def _store(history: History, run_id: str, profile: Profile, compared: Sequence[Compared]) -> None:
    rows = [
        (
            one.benchmark,
            _row(one.diff),
            Lineage(
                one.diff.against,
                one.run_ids,
                one.diff.reason,
                profile.config_hash,
                __version__,
            ),
        )
        for one in compared
    ]
    store_judged(history, run_id, rows)


def _row(one: Diff) -> DiffRow:
    effect = one.effect
    kind = "history" if one.pinned is None else "pinned"
    return DiffRow(
        metric=one.series.metric,
        tags=tags_text(one.series.tags),
        statistic=one.series.statistic,
        value=one.value,
        baseline_kind="release" if one.against else kind,
        baseline_runs=one.noise.n,
        baseline_median=one.noise.median if one.pinned is None else one.pinned,
        change_ratio=effect.change if effect else None,
        change_low=effect.low if effect else None,
        change_high=effect.high if effect else None,
        minimum_detectable_ratio=one.minimum_detectable,
        status=one.status.value,
    )
