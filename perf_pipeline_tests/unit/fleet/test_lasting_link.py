"""Connections that are lost and taken up again: every frame arrives once, and in order."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from perf_pipeline.fleet.agent_link import AgentLink, asked_to_resume
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.frames import FrameKind
from perf_pipeline.fleet.link import HostLink
from perf_pipeline_tests.support.cables import Cable, cable
from perf_pipeline_tests.support.direct_agents import Connecting

TOKEN = "t0ken"


@dataclass
class Ends:
    """Hold both ends of a lasting connection, and what it goes over."""

    driver: DriverLink
    agent: AgentLink
    cable: Cable
    listener: socket.socket


def offered(listener: socket.socket, agent: AgentLink) -> None:
    """Accept connections as an agent does."""
    with contextlib.suppress(OSError):
        while True:
            raw = HostLink(listener.accept()[0])
            try:
                count = asked_to_resume(raw.receive(20), TOKEN)
            except (OSError, EOFError):
                count = None
            if count is None:
                raw.close()
            else:
                agent.offer(raw, count)


@pytest.fixture
def ends() -> Iterator[Ends]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with cable(listener.getsockname()[1]) as way:
            driver = DriverLink(Connecting(way.port), TOKEN)
            raw = HostLink(listener.accept()[0])
            assert raw.receive(20) == (FrameKind.HELLO, TOKEN.encode())
            agent = AgentLink(raw)
            threading.Thread(target=offered, args=(listener, agent), daemon=True).start()
            yield Ends(driver, agent, way, listener)
        driver.close()
        agent.close()


def frames(link: DriverLink | AgentLink, count: int) -> list[bytes]:
    """Receive so many frames."""
    got: list[bytes] = []
    while len(got) < count:
        if (frame := link.receive(20)) is not None and frame[0] is not FrameKind.PING:
            got.append(frame[1])
    return got


def test_every_frame_arrives_once_and_in_order_whatever_is_cut(ends: Ends) -> None:
    expected = [b"%d" % n for n in range(400)]
    there: list[bytes] = []
    heard = threading.Thread(target=lambda: there.extend(frames(ends.agent, len(expected))))

    def say(link: DriverLink | AgentLink, kind: FrameKind) -> None:
        for payload in expected:
            link.send(kind, payload)
            time.sleep(0.001)

    def cut() -> None:
        rng = random.Random(3)
        for _ in range(8):
            time.sleep(rng.uniform(0.01, 0.06))
            ends.cable.cut()

    work = [
        heard,
        threading.Thread(target=say, args=(ends.agent, FrameKind.OUTPUT)),
        threading.Thread(target=say, args=(ends.driver, FrameKind.INPUT)),
        threading.Thread(target=cut),
    ]
    for thread in work:
        thread.start()
    here = frames(ends.driver, len(expected))
    # The agent's end notices a cut only while it receives, and it is done when all are there.
    for thread in work:
        thread.join(20)

    assert here == expected
    assert there == expected
    assert ends.driver.away_s > 0


def test_a_cable_that_is_back_in_time_is_no_end(ends: Ends) -> None:
    def listen() -> None:  # an end takes its connection up again only while it receives
        with contextlib.suppress(EOFError, OSError):  # of the end of the test
            frames(ends.agent, 1)

    threading.Thread(target=listen, daemon=True).start()
    ends.cable.pull()
    ends.agent.send(FrameKind.OUTPUT, b"while it was out")
    threading.Timer(3.5, ends.cable.put_in).start()  # it is stale after 3 s

    assert frames(ends.driver, 1) == [b"while it was out"]
    assert 3 < ends.driver.away_s < 10


def test_an_agent_that_is_gone_is_told_at_once(ends: Ends) -> None:
    began_s = time.monotonic()
    ends.listener.close()
    ends.cable.close()  # whoever connects is refused

    with pytest.raises(EOFError):
        frames(ends.driver, 1)
    assert time.monotonic() - began_s < 5  # and not after the 10 s that a cable may be out


def test_who_leaves_says_so_and_is_not_waited_for(ends: Ends) -> None:
    began_s = time.monotonic()
    ends.driver.close()

    with pytest.raises(EOFError):
        ends.agent.receive(20)
    assert time.monotonic() - began_s < 5
    with pytest.raises(BrokenPipeError):
        ends.driver.send(FrameKind.INPUT, b"x")


@pytest.mark.parametrize("token", [b"", b"another", b"t0ken1"])
def test_nobody_else_can_go_on_with_a_load(token: bytes) -> None:
    count = (7).to_bytes(8, "little")

    assert asked_to_resume((FrameKind.RESUME, count + TOKEN.encode()), TOKEN) == 7
    assert asked_to_resume((FrameKind.RESUME, count + token), TOKEN) is None
    assert asked_to_resume((FrameKind.HELLO, count + TOKEN.encode()), TOKEN) is None
    assert asked_to_resume((FrameKind.RESUME, b"7"), TOKEN) is None
    assert asked_to_resume(None, TOKEN) is None


def test_what_was_acknowledged_is_forgotten_and_nothing_else_can_be(ends: Ends) -> None:
    ends.driver.send(FrameKind.INPUT, b"one")
    ends.driver.send(FrameKind.PING, b"now")
    assert ends.agent.receive(20) == (FrameKind.INPUT, b"one")
    assert ends.agent.receive(20) == (FrameKind.PING, b"now")
    ends.agent.send(FrameKind.PONG, b"then")

    assert ends.driver.receive(20) == (FrameKind.PONG, b"then")
    with socket.socket() as nowhere, pytest.raises(ValueError, match="has 2 of 1 frames"):
        ends.driver._goes_on_with(HostLink(nowhere), 2)
