"""Start and stop every part of the reference system, and say why one could not run.

Exit codes: 0 done or stopped by SIGTERM/SIGINT, 1 failed, 2 wrong environment or arguments.
Add here: behaviour that all parts share. Keep out: anything that knows what a part does.
"""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from perf_pipeline.reference_system.settings import SettingsError


class PartError(Exception):
    """End a part with one sentence on standard error and exit code 1."""


def run_part(name: str, body: Callable[[threading.Event], int]) -> int:
    """Run one part until it ends, and return its exit code.

    Args:
        name: the part's name, put before every line that it logs.
        body: the part; the event is set by SIGTERM and SIGINT.
    """
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        format=f"%(asctime)sZ {name} %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
        level=logging.INFO,
    )
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    try:
        return body(stop)
    except SettingsError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 2
    except PartError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
