"""Turn Ctrl-C, SIGTERM and a closed terminal into an orderly end.

Add here: another way for the user to end a run. Keep out: how a run ends (measure.py,
runs/pipeline.py).
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from perf_pipeline.errors import StoppedByUserError
from perf_pipeline.stack.signals import ending_signals, terminal_leaver

_ANNOUNCEMENT: Final = b"stopping; what was measured is kept (again to stop at once)\n"
_Handler = Callable[[int, FrameType | None], None]


def stop_on_signals() -> threading.Event:
    """Return an event that ending signals and a closed terminal set; a second signal ends at once.

    Call it in the main thread. The second signal raises StoppedByUserError wherever the main thread
    is, so that workers and stack are still ended on the way out. Under `nohup` a closed terminal is
    ignored, as the user intends.
    """
    stop = threading.Event()
    leave_terminal = terminal_leaver()

    def on_signal(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            raise StoppedByUserError(
                f"stopped twice ({signal.Signals(number).name}), so nothing was judged",
                hint="what was measured is in the spool: `perf-pipeline ingest` stores it; "
                "`perf-pipeline report` then ends with 97, as the rest was not measured",
            )
        stop.set()
        # Not through sys.stderr, because the signal may have arrived in the middle of a write to
        # it.
        with suppress(OSError):
            os.write(2, _ANNOUNCEMENT)
        if number == signal.SIGHUP:
            leave_terminal()

    _listen(on_signal)
    return stop


def stop_at_once_on_signals() -> None:
    """Let the first of these signals raise StoppedByUserError in the main thread.

    Further signals are ignored. This is for work that has nothing to keep, such as starting a
    stack, which cleans up on its way out.
    """
    leave_terminal = terminal_leaver()

    def on_signal(number: int, _: FrameType | None) -> None:
        for ending in ending_signals():
            signal.signal(ending, signal.SIG_IGN)  # cleaning up must not be interrupted
        if number == signal.SIGHUP:
            leave_terminal()
        raise StoppedByUserError(
            f"stopped ({signal.Signals(number).name}); nothing was left running"
        )

    _listen(on_signal)


@contextmanager
def hangup_as_termination() -> Iterator[None]:
    """Treat a closed terminal as SIGTERM inside the block; outside the main thread, do nothing.

    This is for a driver whose own signal handlers do not know SIGHUP.
    """
    before = signal.getsignal(signal.SIGHUP)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before is not signal.SIG_DFL:
        yield
        return
    leave_terminal = terminal_leaver()

    def on_hangup(_: int, frame: FrameType | None) -> None:
        leave_terminal()
        terminate = signal.getsignal(signal.SIGTERM)
        if not callable(terminate):
            raise KeyboardInterrupt
        terminate(signal.SIGTERM, frame)

    signal.signal(signal.SIGHUP, on_hangup)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _listen(on_signal: _Handler) -> None:
    for number in ending_signals():
        signal.signal(number, on_signal)
