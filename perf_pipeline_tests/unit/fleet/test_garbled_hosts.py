"""A host that sends what can't be read: its worker is lost, with a sentence, and nobody waits."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.engine.forked_worker import UNKNOWN_EXIT
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.fleet.agent_link import AgentLink
from perf_pipeline.fleet.distant_worker import DistantWorker
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.frames import FrameKind
from perf_pipeline.fleet.link import HostLink
from perf_pipeline_tests.support.direct_agents import Connecting

A_TIME = bytes(8)


def answered(agent: AgentLink, until: threading.Event) -> None:
    """Answer each question about the time until nobody asks, or somebody wants to send else."""
    while not until.is_set():
        try:
            frame = agent.receive(0.05)
        except (OSError, EOFError):
            return
        if frame is not None and frame[0] is FrameKind.PING:
            agent.send(FrameKind.PONG, frame[1] + A_TIME)


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[DistantWorker, AgentLink]]:
    """Give a worker of the driver, and the end of its host, which tells the time."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = DriverLink(Connecting(listener.getsockname()[1]), "t0ken")
        raw = HostLink(listener.accept()[0])
        raw.receive(20)
    agent = AgentLink(raw)
    agent.send(FrameKind.HOST, json.dumps({"folder": "/there"}).encode())
    answering = threading.Thread(target=answered, args=(agent, over))
    answering.start()
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    worker = DistantWorker("north", link, log)
    os.close(log)
    yield worker, agent
    over.set()
    worker.close()
    answering.join(20)
    agent.close()


@pytest.mark.parametrize(
    ("kind", "payload"),
    [  # A nan would pass every bound, and an exit code that is no number is no good end.
        (FrameKind.EXIT, b"{"),
        (FrameKind.EXIT, b"{}"),
        (FrameKind.EXIT, b"[0]"),
        (FrameKind.EXIT, b'{"machine": [], "clock_step_ms": 0, "code": 0}'),
        (FrameKind.EXIT, b'{"machine": {}, "clock_step_ms": 0, "code": null}'),
        (FrameKind.EXIT, b'{"machine": {}, "clock_step_ms": "soon", "code": 0}'),
        (FrameKind.EXIT, b'{"machine": {}, "clock_step_ms": 0, "code": Infinity}'),
        (FrameKind.EXIT, b'{"machine": {}, "clock_step_ms": NaN, "code": 0}'),
        (FrameKind.EXIT, b'{"machine": {"steal": NaN}, "clock_step_ms": 0, "code": 0}'),
        (FrameKind.EXIT, b'{"machine": {}, "clock_step_ms": 0, "code": 0.9}'),
        (FrameKind.EXIT, b'{"machine": {}, "clock_step_ms": 0, "code": "0"}'),
        (FrameKind.EXIT, b'{"machine": {}, "clock_step_ms": 0, "code": false}'),
        (FrameKind.EXIT, b"[" * 100_000),
        (FrameKind.PONG, b"now"),
        (FrameKind.CHUNK, b"of no worker that was started"),
        (FrameKind.HELLO, b""),
    ],
)
def test_a_host_that_sends_what_can_not_be_read_is_lost_and_never_a_worker_that_ended_well(
    ends: tuple[DistantWorker, AgentLink], kind: FrameKind, payload: bytes
) -> None:
    worker, agent = ends

    agent.send(kind, payload)

    assert worker.wait(20) == UNKNOWN_EXIT
    assert "north" in worker.account().incident


@pytest.mark.parametrize(
    ("lacks", "begun"),
    [(b'["unknown"]', b"{}"), (b"5", b"{}"), (b"[]", b"[]"), (b"[]", b"{}"), (b"[" * 9_000, b"")],
)
def test_a_host_whose_answers_to_a_start_can_not_be_read_could_not_start_a_worker(
    ends: tuple[DistantWorker, AgentLink], tmp_path: Path, lacks: bytes, begun: bytes
) -> None:
    worker, agent = ends
    agent.send(FrameKind.LACKS, lacks)
    agent.send(FrameKind.STARTED, begun)
    job = {"folder": str(tmp_path), "step": "s", "scenarios": [], "target": {}}

    with pytest.raises(GeneratorLimitError, match="the host north could not start a worker"):
        worker.fit({"job": job, "worker": 0, "origin_ns": 0})
