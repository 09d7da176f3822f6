"""The storing of a benchmark while the next one is prepared, which ends before that one is loaded.

Add here: nothing. Keep out: what storing is (judging/ingest.py); a loading room does not know it.
"""

from concurrent.futures import Future, wait
from dataclasses import dataclass


@dataclass(slots=True)
class Storing:
    """Hold the work under way, if there is any.

    Attributes:
        work: its future; None when nobody has to wait for anything.
    """

    work: Future[None] | None = None

    def await_end(self) -> None:
        """Wait until it has ended, well or not."""
        if self.work is not None:
            wait([self.work])

    def finish(self) -> None:
        """Wait until it has ended, and raise what it raised, once."""
        work, self.work = self.work, None
        if work is not None:
            work.result()
