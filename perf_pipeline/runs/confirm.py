"""Run suspect benchmarks again in the same session, so that the majority of runs decides.

Several suspects take turns (A, B, A, B); a single suspect waits before each re-run, so that a short
disturbance of one run does not affect the next one, too. Each re-run has its own calibration.

A re-run is a separate run: `<run>-c1`, `<run>-c2`, started by `confirm`, stored and compared like
any other. Its effect on the first run is in judging/reruns.py.
Add here: another way of running again. Keep out: the decision (analysis/), and what must be run
again with a benchmark (benchmarks/).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import StoreBusyError, TargetUnavailableError
from perf_pipeline.judging.compare import compare_in, compare_settled, compare_unsettled
from perf_pipeline.judging.ingest import ingest_benchmark, profile_of
from perf_pipeline.judging.judge import judge_in
from perf_pipeline.judging.reruns import (
    TRIGGER,
    attempts,
    is_undecided,
    reruns_of,
    settled,
)
from perf_pipeline.judging.stored_comparison import store_comparison
from perf_pipeline.loading.prepare import begin_run
from perf_pipeline.loading.session import Session
from perf_pipeline.report.wording import plural
from perf_pipeline.runs.measuring import way_of
from perf_pipeline.store.baselines import most_like_runs
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.rerun_ids import rerun_id
from perf_pipeline.store.state import State
from perf_pipeline.units import US_PER_S, format_duration


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Hold the outcome of re-running one suspect series.

    Attributes:
        benchmark: the benchmark that was run again.
        suspect: the SUSPECT comparison of the run itself.
        attempts: the id of each re-run, oldest first, and its result.
        verdict: the verdict of the runs together: REGRESSED, OK, or SUSPECT where they did not
            decide.
    """

    benchmark: str
    suspect: Diff
    attempts: Mapping[str, DiffStatus]
    verdict: Diff


def confirm_run(
    session: Session | None, state: State, run_id: str, *, profile: Profile | None, at_most: int
) -> list[Confirmation]:
    """Confirm the suspects of a run, and return the outcome of each, including earlier tries.

    Args:
        session: the session of the run, still open; None when it is long over: then nothing is
            loaded.
        state: folder of the history.
        run_id: the id of an ingested run.
        profile: the profile that judges; None for the run's own.
        at_most: the largest number of re-runs of a benchmark.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    if session is not None:
        confirm_suspects(session, at_most=at_most)
    with state.history() as history:
        reruns = reruns_of(history, run_id)
        return [
            Confirmation(
                comparison.benchmark,
                comparison.diff,
                attempts(reruns, comparison.benchmark, comparison.diff),
                settled(reruns, comparison.benchmark, comparison.diff),
            )
            for comparison in compare_unsettled(
                history, run_id, profile or profile_of(history, run_id)
            ).compared
            if _is_suspect(comparison.diff)
        ]


def outcome_of(found: Sequence[Confirmation]) -> str:
    """Say in one sentence what happened to a run's suspects."""
    if not found:
        return "no series was suspect, so nothing was run again"
    if not any(confirmation.attempts for confirmation in found):
        return f"{plural(len(found), 'series', 'series')} suspect, and no re-run says more"
    regressed = sum(confirmation.verdict.status is DiffStatus.REGRESSED for confirmation in found)
    return f"{regressed} of {len(found)} suspect series regressed, in the majority of all runs"


def confirm_suspects(session: Session, *, at_most: int) -> list[str]:
    """Run the suspect benchmarks of a stored run again until each is settled.

    This happens inside the run's open session, so that stack, data and machine are the same. It
    ends if the target or the history can no longer be reached; suspect series then stay suspect.

    Args:
        session: the session of the run; all of its benchmarks are in the history.
        at_most: the largest number of re-runs; two make five runs together with the two earlier
            runs.

    Returns:
        The ids of the re-runs.

    Raises:
        GeneratorLimitError: a load worker could not do its work at all.
    """
    reruns: list[str] = []
    try:
        for number in range(1, at_most + 1):
            names = _undecided(session, at_most)
            if not names or session.stop.is_set():
                break
            _stand_apart(session, names)
            if session.stop.is_set():
                break
            session.say(
                f"{', '.join(names)}: differs from the baseline; running it again to confirm "
                f"({number} of {at_most})"
            )
            rerun = replace(
                session,
                run_id=rerun_id(session.run_id, number),
                trigger=TRIGGER,
                began_at=session.now(),
                began_ns=time.monotonic_ns(),
                planned=tuple(_with_needs(names)),
            )
            reruns.append(rerun.run_id)
            _run_again(rerun)
    except (TargetUnavailableError, StoreBusyError) as error:
        session.say(f"the suspect series stay suspect, because a re-run failed: {error.sentence}")
    return reruns


def _undecided(session: Session, at_most: int) -> list[str]:
    """Name the benchmarks to run again; the comparison is stored only then, for the re-run.

    Nothing is suspect beside fewer runs than the gate needs, so that nothing is compared then.
    """
    with session.state.history() as history:
        if most_like_runs(history, session.run_id) < session.profile.baseline.minimum_runs:
            return []
        found = compare_settled(history, session.run_id, session.profile)
        undecided = (name for name, diff in found.told if is_undecided(diff, at_most))
        names = list(dict.fromkeys(undecided))
        if names:
            store_comparison(history, session.run_id, session.profile, found, is_settled=False)
        return names


def _stand_apart(session: Session, names: Sequence[str]) -> None:
    """Wait before the re-run of a single benchmark; several benchmarks separate each other."""
    pause_us = session.profile.baseline.confirm_pause_us
    if len(names) == 1 and pause_us:
        session.say(
            f"waiting for {format_duration(pause_us)}, so that the re-run of {names[0]} does not "
            "share what disturbed the run before"
        )
        session.stop.wait(pause_us / US_PER_S)


def _is_suspect(diff: Diff) -> bool:
    return diff.status is DiffStatus.SUSPECT and diff.pinned is None


def _with_needs(names: Iterable[str]) -> list[str]:
    wanted = (benchmark for name in names for benchmark in (*record_of(name).again_with, name))
    return list(dict.fromkeys(wanted))


def _run_again(rerun: Session) -> None:
    begin_run(rerun)
    for name in rerun.planned:
        rerun.say(f"{name} …")
        way_of(rerun.profile, name)(rerun, name)
        ingest_benchmark(rerun.state, RunKey(rerun.run_id, name), profile=rerun.profile)
    with rerun.state.history() as history:
        judge_in(history, rerun.state, rerun.run_id, profile=rerun.profile)
        compare_in(history, rerun.run_id, profile=rerun.profile)
