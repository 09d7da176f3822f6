"""The messages that a step promises, written into the ledger, so that they are followed.

Add here: another station that a step knows of. Keep out: where deliveries show (loading/).
"""

from collections.abc import Callable, Sequence

from perf_pipeline.engine.ports import Recorder
from perf_pipeline.metrics.message_ids import text_of_id
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent
from perf_pipeline.workloads.steps.values import Scope, Surroundings
from perf_pipeline.workloads.steps.writing import value_reader

ReadIds = Callable[[Scope], Sequence[str]]


def ids_reader(text: str, around: Surroundings) -> ReadIds:
    """Give the function that reads the ids of promised messages; of a list each value is one.

    A value that is no short printable text or number is left out.
    """
    read, _ = value_reader(text, around)

    def ids(scope: Scope) -> Sequence[str]:
        value = read(scope)
        values = value if isinstance(value, list) else [value]
        return [message_id for message_id in map(text_of_id, values) if message_id]

    return ids


def promise(
    recorder: Recorder, ids: Sequence[str], intended_us: int, started_us: int, ended_us: int
) -> None:
    """Write down that messages were promised; note where an answer named none that can be followed.

    Args:
        recorder: the recorder of the worker.
        ids: the ids of the messages.
        intended_us: when the plan wanted the request.
        started_us: when it was sent.
        ended_us: when its answer was there.
    """
    if not ids:
        recorder.note("a right answer named no message id that is a short printable text or number")
    for message_id in ids:
        for event, at_us in (
            (LedgerEvent.INTENDED, intended_us),
            (LedgerEvent.STARTED, started_us),
            (LedgerEvent.ACKNOWLEDGED, ended_us),
        ):
            recorder.ledger(LedgerEntry(message_id, event, at_us))
