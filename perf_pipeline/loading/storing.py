"""Store a benchmark while the next one is prepared, and finish before the next load.

Add here: nothing. Keep out: storing itself (judging/ingest.py), which this package does not know.
"""

from concurrent.futures import Future, wait
from dataclasses import dataclass, field


@dataclass(slots=True)
class Storing:
    """Hold the storing in progress, if there is any.

    Attributes:
        work: its future; None if there is nothing to wait for.
        told: sentences that have not been passed to the narrator yet.
    """

    work: Future[None] | None = None
    told: list[str] = field(default_factory=list)

    def await_end(self) -> None:
        """Wait until it has ended, successfully or not."""
        if self.work is not None:
            wait([self.work])

    def heard(self) -> list[str]:
        """Return the messages since the last call; call it only after the work has ended."""
        told, self.told = self.told, []
        return told

    def finish(self) -> None:
        """Wait until it has ended, and raise its exception, only once."""
        work, self.work = self.work, None
        if work is not None:
            work.result()
