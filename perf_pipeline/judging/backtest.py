"""Replay the gate over the stored history, without any load, before a team lets it fail runs.

Add here: another set of histories to replay. Keep out: counting (analysis/) and layout (report/).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from perf_pipeline.analysis.backtest import GateTally, ReplayedSeries, newest_level, planted, tally
from perf_pipeline.analysis.baseline import Series
from perf_pipeline.analysis.power import Outlook, outlook
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.errors import RequestError
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.machines import CALIBRATION, machines_over
from perf_pipeline.judging.past import read_past
from perf_pipeline.judging.replaying import shared_out
from perf_pipeline.judging.series import MeasuredBenchmark, measured_of, policy_of, series_of
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.rerun_ids import repeats_in
from perf_pipeline.store.state import State

PLANTED_FACTORS: Final = (1.1, 1.25, 1.5)
_MOST_RUNS: Final = 10_000


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Change the gate for a what-if; None keeps a value of the profile."""

    alpha: float | None = None
    minimum_effect: float | None = None

    def of(self, policy: BaselinePolicy) -> BaselinePolicy:
        """Return a policy in which these settings replace its own."""
        return BaselinePolicy(
            window=policy.window,
            minimum_runs=policy.minimum_runs,
            alpha=policy.alpha if self.alpha is None else self.alpha,
            minimum_effect=(
                policy.minimum_effect if self.minimum_effect is None else self.minimum_effect
            ),
            sd_floor=policy.sd_floor,
            minimum_points=policy.minimum_points,
        )


@dataclass(frozen=True, slots=True)
class Backtest:
    """Hold how the gate would have judged one profile in one environment.

    Attributes:
        profile: the name of the profile.
        environment_id: the id of the environment.
        policy: the gate that was tried.
        runs: the number of runs.
        series: the number of series that were replayed, without percentiles from 99 on.
        tally: the alarms, and what explains them.
        found: for each planted factor: (found, planted).
        outlook: which worsening one run shows; None if nothing can be judged yet.
    """

    profile: str
    environment_id: str
    policy: BaselinePolicy
    runs: int
    series: int
    tally: GateTally
    found: tuple[tuple[float, int, int], ...]
    outlook: Outlook | None


def backtest(state: State, settings: GateSettings, *, profile: str = "") -> list[Backtest]:
    """Replay every stored history, newest environment first.

    Args:
        state: folder of the history.
        settings: the settings of the gate that is tried.
        profile: only runs of this profile; all when empty.

    Raises:
        PerfPipelineError: there is no run (of this profile).
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        groups: dict[tuple[str, str], list[RunRecord]] = {}
        runs = history.runs(_MOST_RUNS, measured=True)
        for run in runs:
            if profile in {"", run.profile}:
                groups.setdefault((run.profile, run.environment_id), []).append(run)
        if not groups:
            of_profile = f" of profile {profile}" if profile else ""
            known = ", ".join(sorted({run.profile for run in runs})) or "none"
            raise RequestError(
                f"there is no run{of_profile} in {state.history_file}",
                hint=f"the history has runs of these profiles: {known}",
            )
        read = [_read(history, runs) for runs in groups.values()]
    # Replaying takes longest, and others may use the history in the meantime.
    return [_replayed(*group, settings) for group in read]


_Group = tuple[list[RunRecord], BaselinePolicy, list[ReplayedSeries]]


def _read(history: History, runs: list[RunRecord]) -> _Group:
    own = policy_of(profile_of(history, runs[0].run_id))
    return runs, own, list(_tracks(history, runs))


def _replayed(
    runs: list[RunRecord],
    own: BaselinePolicy,
    tracks: list[ReplayedSeries],
    settings: GateSettings,
) -> Backtest:
    newest, policy = runs[0], settings.of(own)
    levels = [newest_level(track, own) for track in tracks]
    oldest_first = [run.run_id for run in reversed(runs)]
    with shared_out(tracks) as each:
        return Backtest(
            newest.profile,
            newest.environment_id,
            policy,
            len(runs),
            len(tracks),
            tally(tracks, oldest_first, policy, own, each=each),
            tuple(_planted(levels, policy, factor, each) for factor in PLANTED_FACTORS),
            outlook([level.values for level in levels], policy),
        )


def _tracks(history: History, runs: list[RunRecord]) -> Iterator[ReplayedSeries]:
    """Return every series of these runs; each load of a benchmark has its own series."""
    wanted = [
        (measured, _judged_series(history, measured))
        for measured in _newest_of_each_load(history, runs)
    ]
    read = ((measured, series) for measured, own in wanted for series in (*own, *CALIBRATION))
    past = read_past(history, runs[0], read)
    for measured, own in wanted:
        known = machines_over(partial(past.whole, measured))
        for series in own:
            points = past.whole(measured, series)
            if points:
                run_ids = tuple(point.run_id for point in points)
                values = tuple(point.value for point in points)
                machines = tuple(known.get(run_id) for run_id in run_ids) if known else ()
                repeats, name = repeats_in(run_ids), measured.outcome.benchmark
                yield ReplayedSeries(name, series, run_ids, values, machines, repeats)


def _judged_series(history: History, measured: MeasuredBenchmark) -> list[Series]:
    profile = profile_of(history, measured.run.run_id)
    found = series_of(profile, measured.outcome.benchmark)
    return [series for series in found if not series.needs_many_requests]


def _newest_of_each_load(
    history: History, runs: Sequence[RunRecord]
) -> Iterator[MeasuredBenchmark]:
    known = {run.run_id for run in runs}
    newest: dict[tuple[str, str], str] = {}
    for run_id, benchmark, load_hash in history.loads():
        if run_id in known:
            newest.setdefault((benchmark, load_hash), run_id)
    for run_id in dict.fromkeys(newest.values()):
        for measured in measured_of(history, run_id):
            load = (measured.outcome.benchmark, measured.outcome.load_hash)
            if newest[load] == run_id:
                yield measured


def _planted(
    levels: Sequence[ReplayedSeries],
    policy: BaselinePolicy,
    factor: float,
    each: Callable[..., Iterable[list[bool]]],
) -> tuple[float, int, int]:
    slowed = each(partial(planted, policy=policy, factor=factor), levels)
    found = [was_found for level in slowed for was_found in level]
    return factor, sum(found), len(found)
