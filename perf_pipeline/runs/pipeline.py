"""Do a whole run in order for the command line: seed, measure, judge, compare, publish.

Dagster walks the same use cases as assets. Add here: a use case between measuring and reporting.
Keep out: printing.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.needed_parts import draws_users
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import (
    PerfPipelineError,
    ProfileError,
    StoppedByUserError,
    StoreBusyError,
    TargetUnavailableError,
)
from perf_pipeline.judging.ingest import ingest_benchmark
from perf_pipeline.judging.publish import publish
from perf_pipeline.loading.prepare import open_session, write_run
from perf_pipeline.loading.seeding import seed_users
from perf_pipeline.loading.session import Session
from perf_pipeline.narration import Narrator
from perf_pipeline.report.model import RunReport
from perf_pipeline.runs.beside import begun
from perf_pipeline.runs.confirm import confirm_suspects
from perf_pipeline.runs.measuring import measured
from perf_pipeline.runs.outputs import with_outputs
from perf_pipeline.runs.sending import send_measured
from perf_pipeline.runs.sharing import share_measured
from perf_pipeline.spelling import meant
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.state import State
from perf_pipeline.store.waiting import register

# The wait for a history that is open elsewhere; it is tried after every load, and once at the end.
BETWEEN_LOADS_WAIT_S: Final = 5.0
AT_THE_END_WAIT_S: Final = 10.0
_SWITCH_ON: Final = "set `enabled = true` for a benchmark, or run it anyway with `--only BENCHMARK`"


@dataclass(slots=True)
class _Progress:
    """Remember what happened before the report.

    Attributes:
        measured: the benchmarks with files in the spool.
        waiting: the measured benchmarks that are not in the history yet, because it is open
            elsewhere.
        problems: the problems of the run as a whole.
        trouble: what ended the run before anything was measured.
        doing: the step that is under way, in words.
    """

    measured: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    trouble: TargetUnavailableError | None = None
    doing: str = "seeding"


def run_pipeline(
    profile: Profile,
    *,
    state: State,
    narrator: Narrator,
    stop: threading.Event,
    only: Sequence[str] = (),
    trigger: str = "cli",
    confirm: int = 0,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> RunReport:
    """Run a profile's benchmarks and return the report; what could be measured is always judged.

    Args:
        profile: a checked profile.
        state: folder that all runs of this machine share.
        narrator: receives the progress of the run.
        stop: set it to end early; measurements are kept and marked.
        only: benchmarks to run; all enabled ones when empty.
        trigger: who started it.
        confirm: how often a suspect benchmark is run again at most, in the same session.
        tags: the names that people give the run.

    Raises:
        ProfileError: `only` names something that is not a benchmark of the profile, or all are
            switched off; nothing was sent.
        StoreBusyError: the history is open elsewhere; the samples are safe in the spool.
        TargetUnavailableError: nothing was measured, because the target does not answer.
    """
    names = chosen(profile, only)
    progress = _Progress()
    with with_outputs(
        profile,
        narrator,
        lambda told: open_session(
            profile,
            state=state,
            trigger=trigger,
            narrator=told,
            stop=stop,
            planned=names,
            by_name=bool(only),
            tags=tags,
        ),
    ) as session:
        names = list(session.planned)
        session.say(f"run {session.run_id}: profile {profile.name}, {session.target.masked}")
        try:
            _measure_all(session, names, progress)
        finally:
            _write_down(session, progress)
        if not (progress.waiting or progress.problems):
            confirm_suspects(session, at_most=confirm)
        # Nothing is loaded any more: it is judged while the stack stops.
        report = begun(lambda: _concluded(session, progress))
    return report.result()


def _concluded(session: Session, progress: _Progress) -> RunReport:
    """Store what waits, judge the run and return its report."""
    if progress.trouble is not None and not progress.measured:
        raise progress.trouble
    profile, run_id = session.profile, session.run_id
    try:
        _ingest_waiting(session, progress, AT_THE_END_WAIT_S)
        _tell(session)
        report = publish(
            session.state, run_id, profile=profile, expected=session.planned, judges=True
        )
    except StoreBusyError as error:
        raise _kept_in_spool(error, session) from error
    send_measured(session)
    share_measured(session)
    return report


def chosen(profile: Profile, only: Sequence[str]) -> list[str]:
    """Return the benchmarks to run, in the order of the graph, own ones last.

    Raises:
        ProfileError: a name is not a benchmark of the profile, or there is nothing to run.
    """
    known = profile.benchmark_names
    if not (only or profile.enabled_names):
        problems = ["every benchmark is switched off (enabled = false), so there is nothing to run"]
        raise ProfileError(profile.name, problems, hint=_SWITCH_ON)
    wrong = [name for name in only if name not in known]
    if wrong:
        problems = [f"it has no benchmark {name!r}{meant(name, known)}" for name in wrong]
        raise ProfileError(profile.name, problems, hint=f"its benchmarks are {', '.join(known)}")
    wanted = set(only or profile.enabled_names)
    return [name for name in known if name in wanted]


def _measure_all(session: Session, names: list[str], progress: _Progress) -> None:
    try:
        if any(draws_users(session.profile, name) for name in names if name not in session.unmet):
            with suppress(TargetUnavailableError):  # reported when users are drawn
                seed_users(session)
        try:
            _measure_each(session, names, progress)
        finally:
            _finish_storing(session)
    except TargetUnavailableError as error:
        progress.trouble = error
        progress.problems.append(error.sentence)
        session.say(str(error))
    except StoppedByUserError:
        progress.problems.append(f"the user stopped the run at once, during {progress.doing}")
        raise
    except PerfPipelineError as error:
        progress.problems.append(error.sentence)
        raise


def _measure_each(session: Session, names: list[str], progress: _Progress) -> None:
    """Measure one after the other; each is stored while the next one is prepared."""
    for name in names:
        progress.doing = name
        session.say(f"{name} …")
        outcome = measured(session, name)
        progress.measured.append(name)
        _finish_storing(session)
        session.storing.work = begun(partial(_ingest, session, name, progress))
        if outcome.status == "stopped":
            progress.problems.append(f"the user stopped the run during {name}")
            return
        if outcome.is_cut_off_here:
            progress.problems.append(f"the run ended early, because {name} could not go on")
            return


def _write_down(session: Session, progress: _Progress) -> None:
    """Keep what ended the run early: a later report must say it, too."""
    if not progress.problems:
        return
    wait_s = 0.0 if progress.waiting else BETWEEN_LOADS_WAIT_S
    with suppress(OSError, PerfPipelineError):  # it is on the screen; that must not hide it
        record = write_run(session, progress.problems)
        register(session.state, record, wait_s=wait_s, say=session.say)


def _finish_storing(session: Session) -> None:
    """Wait until the previous benchmark is stored, and pass its messages on."""
    try:
        session.storing.finish()
    finally:
        _tell(session)


def _tell(session: Session) -> None:
    for sentence in session.storing.heard():
        session.say(sentence)


def _ingest(session: Session, name: str, progress: _Progress) -> None:
    """Store a benchmark in the history; if that is busy, the load goes on: the spool has it all."""
    known_as_busy = bool(progress.waiting)
    progress.waiting.append(name)
    try:
        _ingest_waiting(session, progress, 0.0 if known_as_busy else BETWEEN_LOADS_WAIT_S)
    except StoreBusyError as error:
        session.storing.told.append(f"{error.sentence}; {name} waits in the spool")


def _ingest_waiting(session: Session, progress: _Progress, wait_s: float) -> None:
    for name in list(progress.waiting):
        key = RunKey(session.run_id, name)
        ingested, _ = ingest_benchmark(session.state, key, profile=session.profile, wait_s=wait_s)
        session.storing.told += [
            f"{name}: {told}" for told in (*ingested.damage, *ingested.notices)
        ]
        progress.waiting.remove(name)


def _kept_in_spool(error: StoreBusyError, session: Session) -> StoreBusyError:
    return StoreBusyError(
        f"{error.sentence}; all that was measured is safe in {session.folder}",
        hint=(
            f"close it there, then run `perf-pipeline ingest {session.run_id}` and `perf-pipeline "
            f"report {session.run_id}`"
        ),
    )
