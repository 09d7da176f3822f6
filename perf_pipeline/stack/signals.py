"""Say which signals mean an end, and what happens to output to a closed terminal.

Add here: another signal. Keep out: what ending means (loading/stopping.py, webserver.py).
"""

import os
import signal
from collections.abc import Callable
from typing import Final

_OUTPUTS: Final = (1, 2)


def ending_signals() -> list[signal.Signals]:
    """Return the signals that mean an end; SIGHUP only where it is not ignored (nohup)."""
    always = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return always if is_ignored else [*always, signal.SIGHUP]


def terminal_leaver() -> Callable[[], None]:
    """Return a function that redirects to /dev/null each output that is a terminal now.

    Whoever writes to a closed terminal gets EIO, in the middle of storing what was measured.
    """
    terminals = [number for number in _OUTPUTS if os.isatty(number)]

    def leave() -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in terminals:
            os.dup2(nowhere, number)
        os.close(nowhere)

    return leave
