"""Run a user's command with a time limit, without waiting for anything that it leaves behind.

Add here: what every such command needs. Keep out: when it is run (faults).
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from perf_pipeline.quoting import on_one_line
from perf_pipeline.secrecy.known import KNOWN

_POLL_S: Final = 0.02
_SHOWN: Final = 200
_NEVER: Final = threading.Event()
# A process that is killed before it has told who is at work leaves nobody: nothing can be read.
_WHEN_TOLD: Final = 'read -r _ && exec /bin/sh -c "$1" < /dev/null'


def run_command(
    text: str,
    limit_s: float,
    log: Path,
    cancel: threading.Event = _NEVER,
    on_start: Callable[[int], None] = lambda _: None,
) -> str | None:
    """Give a command to `sh -c` in a session of its own and wait for its end.

    Ctrl-C in the terminal does not reach it. Its output goes to a file, so that a server that it
    leaves behind holds nobody up.

    Args:
        text: the command.
        limit_s: after which it is killed, with all that it has started.
        log: where its output is added.
        cancel: set it to have it killed at once.
        on_start: is called with its pid, which also is its session, before the command begins.

    Returns:
        What went wrong, as the end of a sentence; None when it ended with exit code 0.
    """
    began_at = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WHEN_TOLD, "sh", text],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        with suppress(BrokenPipeError), process.stdin as waiting:
            on_start(process.pid)
            waiting.write(b"\n")
        trouble = _await(process, limit_s, cancel)
    except BaseException:
        _kill(process)
        raise
    if trouble is None:
        return None
    last = _last_line(log, began_at)
    return f"{trouble}{f', and said {last!r}' if last else ''}"


def _await(
    process: "subprocess.Popen[bytes]", limit_s: float, cancel: threading.Event
) -> str | None:
    give_up_at = time.monotonic() + limit_s
    while (code := process.poll()) is None:
        if cancel.is_set():
            _kill(process)
            return "was ended, because the run was stopped"
        if time.monotonic() > give_up_at:
            _kill(process)
            return f"did not end within {limit_s:g} s and was killed"
        time.sleep(_POLL_S)
    return None if code == 0 else f"ended with exit code {code}"


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path, began_at: int) -> str:
    with suppress(OSError), log.open("rb") as file:
        file.seek(began_at)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return on_one_line(KNOWN.mask(lines[-1]), _SHOWN) if lines else ""
    return ""
