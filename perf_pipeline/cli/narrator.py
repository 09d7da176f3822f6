"""Tell people at a terminal how a run goes: one moving line there, few plain lines in a log.

Add here: another way of telling. Keep out: what is told (loading/).
"""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console

from perf_pipeline.secrecy.known import KNOWN

if TYPE_CHECKING:
    from rich.status import Status

LOG_EVERY_S: Final = 5.0


class TerminalNarrator:
    """Print sentences and, below them, one line that says how far a load is.

    Where the output is not a terminal, such a line is printed at most every 5 s.

    Args:
        quiet: print nothing; what a reader must know stands in the report as well.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
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
        """Print a sentence."""
        if self._quiet:
            return
        self._clear()
        self._console.print(f"{self._elapsed} {KNOWN.mask(sentence)}", markup=False)

    def progress(self, line: str) -> None:
        """Show how far a load is, in place of what was shown before."""
        if self._quiet:
            return
        line = KNOWN.mask(line)
        if self._console.is_terminal:
            self._show(line)
        elif time.monotonic() - self._last_progress_s >= LOG_EVERY_S:
            self._last_progress_s = time.monotonic()
            print(f"{self._elapsed}   {line}", file=sys.stderr, flush=True)

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
