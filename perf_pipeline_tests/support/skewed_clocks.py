"""A monotonic clock that goes too fast, for the processes of one host on this machine.

A `sitecustomize` on PYTHONPATH changes `time.monotonic_ns`, which agents and load workers go by,
and the timer that wakes at times of it. The machine's own clock stays what
`time.clock_gettime_ns(time.CLOCK_MONOTONIC)` tells. Add here: another way in which a clock is
wrong. Keep out: loads and assertions.
"""

import time
from pathlib import Path

_CODE = """
import time
from perf_pipeline.engine.timerfd import TimerFd
from_ns, fast, arm = {from_ns}, {ppm} / 1_000_000, TimerFd.arm
def ahead():
    now_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return now_ns + round((now_ns - from_ns) * fast)
def armed(timer, at_ns):
    arm(timer, from_ns + round((at_ns - from_ns) / (1 + fast)))
time.monotonic_ns, TimerFd.arm = ahead, armed
"""


def skewed_clock(folder: Path, ppm: int) -> dict[str, str]:
    """Return the variables of processes whose clock gets ahead by so much from now on."""
    code = _CODE.format(from_ns=time.monotonic_ns(), ppm=ppm)
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}
