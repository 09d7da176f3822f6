"""The signals that commands listen to, when a command runs in the test's own process.

Add here: nothing. Keep out: sending them.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LISTENED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


@contextmanager
def signals_as_they_were() -> Iterator[None]:
    """Give back every handler that the block put in the place of another."""
    before = {number: signal.getsignal(number) for number in LISTENED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
