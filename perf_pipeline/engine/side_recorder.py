"""Record one of two sides that take turns, with a separate ledger for the messages of each side.

Both sides may promise messages with the same id, which a single ledger could not tell apart.
Add here: another file that each side needs for itself. Keep out: samples and iterations, whose
scenario names the side.
"""

from pathlib import Path

from perf_pipeline.engine.ports import Recorder
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import LedgerEntry


class SideRecorder:
    """Implement `ports.Recorder` for the scenarios of one side.

    Everything but the ledger calls the worker's own recorder directly.

    Args:
        whole: the recorder of the worker.
        side: 0 or 1.
    """

    def __init__(self, whole: SpoolRecorder, side: int) -> None:
        self.sample = whole.sample
        self.series, self.answers = whole.series, whole.answers
        self.iteration = whole.iteration
        self.note = whole.note
        self._whole = whole
        self._ledger = whole.ledger_in(_name(side))

    def ledger(self, entry: LedgerEntry) -> None:
        """Record that a message of this side passed a station."""
        self._whole.enter(self._ledger, entry)


def recorder_of(whole: SpoolRecorder, side: int | None) -> Recorder:
    """Return the recorder of a scenario: the worker's own, or that of its side."""
    return whole if side is None else SideRecorder(whole, side)


def side_folder(folder: Path, side: int) -> Path:
    """Return the folder for the messages of a side, below the folder of a load."""
    return folder / _name(side)


def _name(side: int) -> str:
    return f"side-{side}"
