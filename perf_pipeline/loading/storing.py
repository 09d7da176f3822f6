"""Store a benchmark while the next one is prepared, and finish before that one is loaded.

Add here: nothing. Keep out: what storing is (judging/ingest.py); a loading room does not know it.
"""

from concurrent.futures import Future, wait
from dataclasses import dataclass, field


@dataclass(slots=True)
class Storing:
    """Hold the work under way, if there is any.

    Attributes:
        work: its future; None when nobody has to wait for anything.
        told: its sentences that have not been passed to the narrator yet.
    """

    work: Future[None] | None = None
    told: list[str] = field(default_factory=list)

    def await_end(self) -> None:
        """Wait until it has ended, well or not."""
        if self.work is not None:
            wait([self.work])

    def heard(self) -> list[str]:
        """Return the messages since the last call; call this only when the work has ended."""
        told, self.told = self.told, []
        return told

    def finish(self) -> None:
        """Wait until it has ended, and raise what it raised, once."""
        work, self.work = self.work, None
        if work is not None:
            work.result()
