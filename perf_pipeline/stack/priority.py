"""Put what we start behind the load generator, so that a busy server does not stop its clock.

A service is a session of its own, and Linux weighs sessions against one another before it looks at
the processes in them (sched(7), autogroup): a nice value alone changes nothing between a server and
the load. So the session's own value is set as well, where the system has one.

Add here: another scheduler. Keep out: starting processes (service.py).
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

# The kernel takes one value of a user in a tenth of a second, of all sessions together.
_TRIES: Final = 20
_PAUSE_S: Final = 0.11


def put_behind_us(pid: int, nice: int, proc: Path = Path("/proc")) -> None:
    """Lower a process's priority, and that of its session, below our own.

    Call it before the process has made a thread or a child: they inherit it. A process that has
    ended already, and a system without sessions' priorities, are passed over.

    Args:
        pid: the process id of the process, which leads its session.
        nice: how much lower (nice(2)); never above our own priority.
        proc: where the system shows processes.
    """
    with suppress(OSError):
        lowered = min(19, os.getpriority(os.PRIO_PROCESS, 0) + nice)
        os.setpriority(os.PRIO_PROCESS, pid, lowered)
        _set_session(proc / str(pid) / "autogroup", lowered)


def _set_session(file: Path, nice: int) -> None:
    if not file.exists():
        return
    for _ in range(_TRIES):
        try:
            file.write_text(str(nice))
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return
