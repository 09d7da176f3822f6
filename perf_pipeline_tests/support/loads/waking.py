"""How late this machine wakes a process that only sleeps: whether it has time for anybody else.

Add here: another question about how busy the machine was. Keep out: what a product's run says of
itself.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

_EVERY_S: Final = 0.005
# In an interpreter of its own: a thread of this one would wait for whoever else runs Python here.
_SLEEPER: Final = f"""
import signal, sys, time
class Ended(BaseException): pass
def end(*_): raise Ended
signal.signal(signal.SIGTERM, end)
late_ms = []
print("ready", flush=True)
try:
    while True:
        due_s = time.monotonic() + {_EVERY_S}
        time.sleep({_EVERY_S})
        late_ms.append((time.monotonic() - due_s) * 1_000)
except Ended:
    print(*late_ms)
"""


@contextlib.contextmanager
def noted_wakes() -> Iterator[list[float]]:
    """Sleep 5 ms at a time beside the block; how late each sleep ended (ms) is there after it."""
    late_ms: list[float] = []
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _SLEEPER], stdout=subprocess.PIPE, text=True
    ) as sleeper:
        assert sleeper.stdout is not None
        try:
            assert sleeper.stdout.readline() == "ready\n"
            yield late_ms
        finally:
            sleeper.terminate()
            late_ms.extend(float(word) for word in sleeper.stdout.read().split())
