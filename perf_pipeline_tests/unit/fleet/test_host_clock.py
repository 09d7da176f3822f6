"""How a host's clock is asked after a load, over a real connection."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from perf_pipeline.fleet import host_clock
from perf_pipeline.fleet.agent_link import AgentLink
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.frames import FrameKind
from perf_pipeline.fleet.host_clock import HostClock
from perf_pipeline.fleet.link import HostLink
from perf_pipeline_tests.support.direct_agents import Connecting


class TellingHost:
    """Tell the time as an agent does, as slowly as it is told to, and count the questions."""

    def __init__(self, raw: HostLink) -> None:
        self._link = AgentLink(raw)
        self.asked = 0
        self.takes_s = 0.0

    def serve(self) -> None:
        """Answer until the driver leaves."""
        with contextlib.closing(self._link), contextlib.suppress(EOFError, OSError):
            while (frame := self._link.receive(20)) is not None:
                self.asked += 1
                time.sleep(self.takes_s)
                now = struct.pack("<q", time.monotonic_ns())
                self._link.send(FrameKind.PONG, frame[1] + now)


@pytest.fixture
def ends() -> Iterator[tuple[DriverLink, TellingHost]]:
    """Give a driver's connection, and the host at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        driver = DriverLink(Connecting(listener.getsockname()[1]), "t0ken")
        raw = HostLink(listener.accept()[0])
        assert raw.receive(20) == (FrameKind.HELLO, b"t0ken")
        host = TellingHost(raw)
        thread = threading.Thread(target=host.serve)
        thread.start()
        yield driver, host
        driver.close()
        thread.join()


def test_a_host_whose_answers_take_long_is_asked_with_pauses(
    ends: tuple[DriverLink, TellingHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    # 20 questions of 5 ms, then one each 0.1 s until a second is over: 30. It is 200 without pauses
    # and fewer where the clock was known as badly before, by a busy machine.
    monkeypatch.setattr(host_clock, "_GOOD_LIMIT_S", 1.0)
    driver, host = ends
    clock = HostClock(driver)
    host.asked, host.takes_s = 0, 0.005

    clock.ask_again()

    assert 20 <= host.asked <= 31
    (last,) = clock.track.readings()
    assert last.error_ns >= 2_500_000  # half of 5 ms
