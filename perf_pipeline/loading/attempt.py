"""Try to measure a benchmark; if the target lacks something that it needs, say so and go on.

Add here: another reason why one benchmark can't begin although others can. Keep out: checks of the
target (needs.py), and measuring (measure.py).
"""

from collections.abc import Callable

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.benchmark_folder import fresh_folder, write_down
from perf_pipeline.loading.fault_driver import FOLDER
from perf_pipeline.loading.needs import in_one_sentence
from perf_pipeline.loading.session import Session
from perf_pipeline.narration import Say
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.undoing import still_broken, undo_left_over
from perf_pipeline.store.records import BenchmarkOutcome
from perf_pipeline.store.state import State


def measure_if_possible(
    session: Session, benchmark: str, how: Callable[[Session, str], BenchmarkOutcome]
) -> BenchmarkOutcome:
    """Run one benchmark; if it can't begin, its outcome says why, and it has no figures.

    It does not begin while a fault or a number of units of an earlier load is not undone.

    Args:
        session: the run.
        benchmark: its name.
        how: runs a benchmark.

    Raises:
        GeneratorLimitError: this machine can't send requests, or can't write samples.
        RuntimeError: a load worker failed in an unexpected way.
    """
    why = _why_not_as_usual(session.state) or session.unmet.get(benchmark, "")
    try:
        if not why:
            return how(session, benchmark)
    except TargetUnavailableError as error:
        why = in_one_sentence(error)
    session.say(f"{benchmark} could not begin: {why}")
    return _not_begun(session, benchmark, why)


def require_undone(state: State, say: Say) -> None:
    """Undo what killed runs left broken, and refuse to go on while any of it is not undone.

    Args:
        state: the state folder of these runs, whose lock is held.
        say: is told what was undone, and what could not be undone.

    Raises:
        TargetUnavailableError: something could not be undone; the message says what, and which
            folder to remove.
    """
    undo_left_over(state.folder.absolute() / FOLDER, say)
    if why := _why_not_as_usual(state):
        raise TargetUnavailableError(why)


def _why_not_as_usual(state: State) -> str:
    broken = still_broken(state.folder.absolute() / FOLDER)
    return (
        f"the target is not as usual, so its figures would be another system's: {broken}"
        if broken
        else ""
    )


def _not_begun(session: Session, benchmark: str, why: str) -> BenchmarkOutcome:
    outcome = BenchmarkOutcome(
        benchmark=benchmark,
        status="aborted",
        began_at=session.now().isoformat(),
        wall_s=0.0,
        measured_s=0.0,
        load_hash=session.profile.load_hash(benchmark),
        problems=(KNOWN.mask(why),),
    )
    write_down(fresh_folder(session, benchmark), outcome)
    return outcome
