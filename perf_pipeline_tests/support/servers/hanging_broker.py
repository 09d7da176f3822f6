"""A broker that tests let hang, one after the other: with a topic and a group for each of them.

Add here: what each of them needs. Keep out: signals that stop it; what clients make of that.
"""

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.engine.job import JSON
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.stack.parts import Stack
from perf_pipeline.workloads.kafka.topics import ensure_topic, fix_position

_BACK_S: Final = 60.0
_STOPPED_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class HangingBroker:
    """Hold a broker that a test may stop by a signal.

    Attributes:
        address: where it listens.
        servers: the same, with credentials.
        pid: of its process.
        topic: of one partition, and empty.
        group: has a position there, and no member.
    """

    address: str
    servers: str
    pid: int
    topic: str
    group: str

    @property
    def given(self) -> dict[str, JSON]:
        """Return parameters of a workload."""
        return {"brokers": self.servers, "topic": self.topic, "run": "r1", "group": self.group}

    def hang(self) -> None:
        """Stop all of its threads: the signal alone lets one that is at work answer once more."""
        os.kill(self.pid, signal.SIGSTOP)
        give_up_s = time.monotonic() + _STOPPED_S
        while any(map(_is_at_work, Path(f"/proc/{self.pid}/task").iterdir())):
            assert time.monotonic() < give_up_s, "it does not stop"


def _is_at_work(task: Path) -> bool:
    try:
        state = (task / "stat").read_text().rpartition(") ")[2][0]
    except OSError:  # it ended meanwhile
        return False
    return state not in "TtZX"


@contextmanager
def hanging_broker(stack: Stack) -> Iterator[HangingBroker]:
    """Give the broker of a stack to a test, and let it go on at the end, whatever held it.

    A group waits for members that went while the broker hung, so that no two tests share one.
    """
    (info,) = stack.services
    servers = stack.endpoints.brokers or ""
    name = f"gone-{secrets.token_hex(4)}"
    _prepare(servers, name)
    try:
        yield HangingBroker(info.address, servers, info.pids[0], topic=name, group=name)
    finally:
        os.kill(info.pids[0], signal.SIGCONT)


def _prepare(servers: str, name: str) -> None:
    """Make a topic and a position, as soon as the broker is back from the test before."""
    give_up_s = time.monotonic() + _BACK_S
    while True:
        try:
            ensure_topic(servers, name, 1)
            fix_position(servers, name, name)
        except PerfPipelineError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.2)
        else:
            return
