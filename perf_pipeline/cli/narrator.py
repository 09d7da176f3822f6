"""Tell people at a terminal how a run goes: one moving line there, few plain lines in a log.

Add here: another way of telling. Keep out: what is told (loading/).
"""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console

from perf_pipeline.narration import PROGRESS_PREFIX
from perf_pipeline.secrecy.known import KNOWN

if TYPE_CHECKING:
    from rich.status import Status

LOG_EVERY_S: Final = 5.0


class Narrator:
    """Print sentences; progress lines (they begin with two blanks) replace one another.

    Where the output is not a terminal, a progress line is printed at most every 5 s.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._began_s = time.monotonic()
        self._last_progress_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear()

    def say(self, sentence: str) -> None:
        """Print a sentence, or show how far a load is."""
        sentence = KNOWN.mask(sentence)
        if not sentence.startswith(PROGRESS_PREFIX):
            self._clear()
            self._console.print(f"{self._elapsed} {sentence}", markup=False)
        elif self._console.is_terminal:
            self._show(sentence.strip())
        elif time.monotonic() - self._last_progress_s >= LOG_EVERY_S:
            self._last_progress_s = time.monotonic()
            print(f"{self._elapsed} {sentence}", file=sys.stderr, flush=True)

    @property
    def _elapsed(self) -> str:
        return f"[{time.monotonic() - self._began_s:5.1f} s]"

    def _show(self, line: str) -> None:
        text = f"{self._elapsed} {line}"
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def _clear(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
