"""Turn Ctrl-C and SIGTERM into the event that ends a run in good order.

Add here: another wish of the user to end. Keep out: what ending means (measure.py, pipeline.py).
"""

import os
import signal
import threading
from types import FrameType
from typing import Final

from perf_pipeline.errors import StoppedByUserError

_ANNOUNCEMENT: Final = b"stopping; what was measured is kept (again to stop at once)\n"


def stop_on_signals() -> threading.Event:
    """Give an event that Ctrl-C and SIGTERM set; a second one ends at once.

    To be called in the main thread. The second signal raises StoppedByUserError wherever the main
    thread is, so that workers and stack are still ended on the way out.
    """
    stop = threading.Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            raise StoppedByUserError(
                f"stopped twice ({signal.Signals(number).name}), so nothing was judged",
                hint="what was measured is in the spool: `perf-pipeline ingest` stores it",
            )
        stop.set()
        # Not through sys.stderr: the signal may have come in the middle of a write to it.
        os.write(2, _ANNOUNCEMENT)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
