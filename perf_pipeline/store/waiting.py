"""Register runs of the spool that the history does not know yet, with their plans.

A run registers itself when it begins. If the history was open elsewhere at that moment, or has been
moved away since, this has to happen later, or an older run would be taken for the last one. Add
here: another way to find such a run. Keep out: samples (judging/ingest.py).
"""

from collections.abc import Iterator
from contextlib import suppress

from perf_pipeline.errors import PerfPipelineError, StoreBusyError
from perf_pipeline.narration import Say
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.spool_records import RUN_FILE, read_run
from perf_pipeline.store.state import State


def register(state: State, record: RunRecord, *, wait_s: float, say: Say) -> None:
    """Store the plan of a run in the history; if that is busy, later."""
    try:
        with state.history(wait_s=wait_s) as history:
            history.register(record, begins_now=True)
    except StoreBusyError as error:
        say(f"{error.sentence}; what this run is to do is in its run.json")


def take_up(history: History, state: State) -> None:
    """Register every run of the spool that the history does not know, oldest first.

    A run.json that nobody can read is left to `ingest`, which says so.
    """
    for record in sorted(
        _unknown(history, state), key=lambda record: (record.began_at, record.run_id)
    ):
        history.register(record)


def _unknown(history: History, state: State) -> Iterator[RunRecord]:
    known = history.run_ids()
    for path in state.spool.glob(f"*/{RUN_FILE}"):
        if path.parent.name in known:
            continue
        with suppress(PerfPipelineError):
            record = read_run(path.parent)
            if record.planned or state.spooled_benchmarks(record.run_id):
                yield record
