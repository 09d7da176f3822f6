"""The whole of a run in order, for the command line: seed, measure, judge, compare, publish.

Dagster walks the same use cases as assets. Add here: a use case between measuring and reporting.
Keep out: printing.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perf_pipeline.config.profile import BENCHMARKS, Profile
from perf_pipeline.errors import (
    PerfPipelineError,
    StoreBusyError,
    TargetUnavailableError,
)
from perf_pipeline.report.model import RunReport
from perf_pipeline.runs.ingest import ingest_benchmark
from perf_pipeline.runs.judge import judge_run
from perf_pipeline.runs.measure import measure
from perf_pipeline.runs.prepare import open_session
from perf_pipeline.runs.publish import publish
from perf_pipeline.runs.seeding import remove_seeded, seed_users
from perf_pipeline.runs.session import Say, Session
from perf_pipeline.store.records import RunKey


@dataclass(slots=True)
class _Progress:
    """Remember what happened on the way to the report."""

    problems: list[str] = field(default_factory=list)
    busy: StoreBusyError | None = None


def run_pipeline(
    profile: Profile,
    *,
    state: Path,
    say: Say,
    stop: threading.Event,
    only: Sequence[str] = (),
    trigger: str = "cli",
) -> RunReport:
    """Run a profile's benchmarks and give the report; what could be measured is always judged.

    Args:
        profile: checked.
        state: folder that all runs of this machine share.
        say: gets one sentence at a time.
        stop: set it to end early; what was measured is kept and marked.
        only: benchmarks to run; all enabled ones when empty.
        trigger: who started it.

    Raises:
        StoreBusyError: the history is open elsewhere; the samples are safe in the spool.
        TargetUnavailableError: nothing was measured, because the target does not answer.
    """
    names = chosen(profile, only)
    progress = _Progress()
    with open_session(profile, state=state, trigger=trigger, say=say, stop=stop) as session:
        say(f"run {session.run_id}: profile {profile.name}, {session.target.masked}")
        _measure_all(session, names, progress)
        if session.target.postgres_dsn is not None:
            _try(lambda: remove_seeded(session), progress)
    if progress.busy is not None:
        raise progress.busy
    judge_run(state, session.run_id, profile=profile)
    problems = tuple(progress.problems)
    return publish(state, session.run_id, profile=profile, expected=names, problems=problems)


def chosen(profile: Profile, only: Sequence[str]) -> list[str]:
    """Give the benchmarks to run, in the order of the graph.

    Raises:
        PerfPipelineError: a name is not a benchmark of the profile.
    """
    for name in only:
        if name not in profile.benchmarks:
            known = ", ".join(one for one in BENCHMARKS if one in profile.benchmarks)
            raise PerfPipelineError(f"{name} is not a benchmark of this profile", hint=known)
    wanted = set(only) or {name for name, one in profile.benchmarks.items() if one.enabled}
    return [name for name in BENCHMARKS if name in wanted]


def _measure_all(session: Session, names: list[str], progress: _Progress) -> None:
    try:
        if session.target.postgres_dsn is not None:
            seed_users(session)
        for name in names:
            session.say(f"{name} …")
            measure(session, name)
            _ingest(session, name, progress)
            if session.stop.is_set():
                progress.problems.append(f"the user stopped the run during {name}")
                return
    except TargetUnavailableError as error:
        progress.problems.append(error.sentence)
        session.say(str(error))


def _ingest(session: Session, name: str, progress: _Progress) -> None:
    """Bring it into the history; a busy one must not end the load: the samples are in the spool."""
    try:
        ingest_benchmark(session.state, RunKey(session.run_id, name), profile=session.profile)
    except StoreBusyError as error:
        progress.busy = error
        session.say(error.sentence)


def _try(action: Callable[[], object], progress: _Progress) -> None:
    try:
        action()
    except PerfPipelineError as error:
        progress.problems.append(error.sentence)
