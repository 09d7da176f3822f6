"""Try to measure a benchmark; where the target has not what it needs, say so and go on.

Add here: another reason why a benchmark can't begin that leaves the others alone. Keep out: what is
asked of the target (needs.py), and measuring (measure.py).
"""

from collections.abc import Callable

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.benchmark_folder import fresh_folder, write_down
from perf_pipeline.loading.fault_driver import FOLDER
from perf_pipeline.loading.needs import in_one_sentence
from perf_pipeline.loading.session import Session
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.undoing import still_broken
from perf_pipeline.store.records import BenchmarkOutcome


def measure_if_possible(
    session: Session, benchmark: str, how: Callable[[Session, str], BenchmarkOutcome]
) -> BenchmarkOutcome:
    """Run one benchmark; one that can't begin leaves an outcome that says why, and no figure.

    None begins while a fault or a number of units of an earlier load is not undone.

    Args:
        session: the run.
        benchmark: its name.
        how: a benchmark is run.

    Raises:
        GeneratorLimitError: this machine can't ask, or can't write what was measured.
        RuntimeError: a load worker failed in a way that nobody foresaw.
    """
    broken = still_broken(session.state.folder.absolute() / FOLDER)
    try:
        if broken:
            why = f"the target is not as usual, so its figures would be another system's: {broken}"
        elif (why := session.unmet.get(benchmark, "")) == "":
            return how(session, benchmark)
    except TargetUnavailableError as error:
        why = in_one_sentence(error)
    session.say(f"{benchmark} could not begin: {why}")
    return _not_begun(session, benchmark, why)


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
