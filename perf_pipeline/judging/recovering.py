"""Store the runs that wait in the spool, one after the other; a bad run does not stop others.

Add here: another message about a recovered run. Keep out: storing one run (ingest.py) and judging
it (judge.py).
"""

from collections.abc import Sequence

from perf_pipeline.errors import (
    ProfileError,
    RequestError,
    SpoolDamagedError,
)
from perf_pipeline.judging.asked import begun_by
from perf_pipeline.judging.ingest import nameless_folders, spooled_runs
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.narration import Say
from perf_pipeline.store.records import Ingested, RunKey
from perf_pipeline.store.rerun_ids import rerun_of
from perf_pipeline.store.run_rows import LATEST
from perf_pipeline.store.state import State


def recover_runs(state: State, run_id: str | None, *, say: Say) -> None:
    """Store and judge one spooled run, or all; at the end, name what could not be stored.

    Args:
        state: the folder of spool and history.
        run_id: the id of a run, or the beginning of it; None for all runs in the spool.
        say: is told one line for each benchmark that was stored.

    Raises:
        RequestError: there is no such run in the spool.
        SpoolDamagedError: raised at the end if a part of a run is damaged; the rest is stored.
        StoreBusyError: the history is open elsewhere; the samples stay in the spool.
    """
    spooled = spooled_runs(state)
    runs = [_meant(run_id, spooled)] if run_id else spooled
    problems = [] if run_id else nameless_folders(state)
    if not runs and not problems:
        say("the spool is empty; `perf-pipeline run` will fill it")
    for waiting in runs:
        problems += _recover(state, waiting, say, is_asked_for=run_id is not None)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise SpoolDamagedError(
            f"some of {state.spool} could not be stored as it was measured:\n{lines}",
            hint="these files were left as they are; all other runs were stored and judged",
        )


def _meant(run_id: str, spooled: Sequence[str]) -> str:
    if run_id == LATEST and spooled:
        # A re-run is written after the run that it confirms and belongs to.
        return next(
            (spooled_id for spooled_id in reversed(spooled) if not rerun_of(spooled_id)),
            spooled[-1],
        )
    return begun_by(run_id, spooled) or run_id


def _recover(state: State, run_id: str, say: Say, *, is_asked_for: bool) -> list[str]:
    """Store and judge a run; return a sentence for each problem."""
    try:
        done = recover_run(state, run_id)
    except RequestError as error:
        if is_asked_for:
            raise
        return [f"{run_id}: {error.sentence}"]
    # Trouble with the history itself is passed on, because every other run would meet it as well.
    except (ProfileError, SpoolDamagedError) as error:
        return [f"{run_id}: {error.sentence}"]
    for key, ingested in done.stored:
        if not ingested.was_kept:
            say(_line(key, ingested))
            for notice in ingested.notices:
                say(f"  {notice}")
    if not (done.stored or done.problems):
        say(
            f"{run_id}: nothing was measured in this run; `perf-pipeline report {run_id}` shows "
            "its plan"
        )
    return done.problems


def _line(key: RunKey, count: Ingested) -> str:
    torn = f", {count.torn_lines} torn lines left out" if count.torn_lines else ""
    proof = (
        "" if count.is_proven else (" (there is no manifest, so nothing proves that these are all)")
    )
    return (
        f"{key.run_id} {key.benchmark}: {count.samples:,} samples, "
        f"{count.readings:,} readings, {count.ledger:,} ledger entries{torn}{proof}"
    )
