"""Show people the progress of a run: one moving line on a terminal, few plain lines in a log.

Programs get events instead, one JSON object a line (docs/run-events.schema.json).

Add here: another way to show it. Keep out: the messages themselves (loading/).
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.text import Text

from perf_pipeline.secrecy.known import KNOWN

if TYPE_CHECKING:
    from rich.status import Status

    from perf_pipeline.report.model import RunReport

LOG_EVERY_S: Final = 10.0


class TerminalNarrator:
    """Print sentences and, below them, one line with the progress of a load.

    If the output is not a terminal, such a line is printed at most every 10 s.

    Args:
        quiet: print nothing; the report has everything that a reader must know as well.
        now_s: a clock in s, with any starting point.
    """

    def __init__(self, *, quiet: bool = False, now_s: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._now_s = now_s
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._began_s = self._next_s = now_s()

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

    def progress(self, line: str, figures: Mapping[str, object]) -> None:  # noqa: ARG002 - for programs
        """Show the progress of a load, replacing the previous line."""
        if self._quiet:
            return
        line = KNOWN.mask(line)
        if self._console.is_terminal:
            self._show(line)
        elif self._now_s() >= self._next_s:
            self._next_s = self._now_s() + LOG_EVERY_S
            print(f"{self._elapsed}   {line}", file=sys.stderr, flush=True)

    @property
    def _elapsed(self) -> str:
        return f"[{self._now_s() - self._began_s:5.1f} s]"

    def _show(self, line: str) -> None:
        # The spinner takes two columns; a line that wraps would not be overwritten.
        text = Text(f"{self._elapsed} {line}")
        text.truncate(max(1, self._console.width - 2), overflow="ellipsis")
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def _clear(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


class EventNarrator:
    """Write what happens to stderr as events, one JSON object a line."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def say(self, sentence: str) -> None:
        """Write a sentence."""
        self._write("sentence", {"text": sentence})

    def progress(self, line: str, figures: Mapping[str, object]) -> None:
        """Write the progress of a load, once a second."""
        self._write("progress", {"text": line, **figures})

    def end(self, report: "RunReport") -> None:
        """Write how the run ended."""
        self._write("end", {"run_id": report.run_id, "exit_code": int(report.exit_code)})

    def _write(self, event: str, members: Mapping[str, object]) -> None:
        at_s = round(time.monotonic() - self._began_s, 3)
        text = json.dumps({"event": event, "at_s": at_s, **members}, ensure_ascii=False)
        print(KNOWN.mask(text), file=sys.stderr, flush=True)
