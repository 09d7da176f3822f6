"""Steps that follow one another as the answers come: what breaks that off, and their stamps."""

import asyncio
import socket
from itertools import pairwise
from typing import Final

from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.driven import driven
from perf_pipeline_tests.support.loads.http_worker import an_iteration
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.loads.own_steps import own, summary
from perf_pipeline_tests.support.servers.http_target import HttpTarget

# What http_routes.py does, and what that is to a client that resends over a new connection what an
# idle one took with it: a connection that answered before is idle, one that is new is not.
DONE: Final = (
    ("ok", Outcome.OK, 200, ""),
    ("ok", Outcome.OK, 200, ""),
    ("stale", Outcome.OK, 200, "resent"),
    ("ok", Outcome.OK, 200, ""),
    ("reset", Outcome.FAILED, 0, "reset"),
    ("truncated", Outcome.FAILED, 200, "truncated"),
    ("slow-body", Outcome.OK, 200, ""),
    ("close-header", Outcome.OK, 200, ""),
    ("status/302", Outcome.OK, 302, ""),
    ("status/500", Outcome.FAILED, 500, "status"),
    ("garbage", Outcome.FAILED, 0, "protocol"),
    ("stall", Outcome.TIMEOUT, 0, "timeout"),
    ("ok", Outcome.OK, 200, ""),
)
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_whatever_an_answer_does_the_step_after_it_is_done(target: HttpTarget) -> None:
    steps = [
        {"name": f"{number} {path}", "path": f"/{path}", "timeout": "300ms"}
        for number, (path, *_) in enumerate(DONE)
    ]
    plan = {"executor": "per-vu-iterations", "vus": 2, "iterations": 2}

    recorder = driven(HttpSteps(), dict(own(target.base_url, *steps).parameters), "", plan=plan)

    expected = [(f"{number} {path}", *what) for number, (path, *what) in enumerate(DONE)]
    assert len(recorder.samples) == 4 * len(DONE)
    for record in recorder.iterations:
        mark = (record.vu, record.iteration)
        samples = [s for s in recorder.samples if (s.vu, s.iteration) == mark]
        assert [(s.operation, s.outcome, s.status, s.error) for s in samples] == expected
        assert record.outcome is Outcome.OK
        for before, after in pairwise(samples):
            assert after.intended_us == before.ended_us <= after.started_us <= after.ended_us
        for sample in samples:
            if sample.blocked_us == 0 and sample.error != "resent":
                spans_us = sample.sending_us + sample.waiting_us + sample.receiving_us
                assert spans_us == sample.ended_us - sample.started_us


async def _request(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += await loop.sock_recv(connection, 4_096)


def test_answers_that_came_together_are_all_stamped_before_anybody_goes_on() -> None:
    """Answers of the same moment lie ready for both users, before the loop looks for any."""
    names = ("a", "b", "c")

    async def main() -> MemoryRecorder:
        loop, workload = asyncio.get_running_loop(), HttpSteps()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0)
            base_url = f"http://127.0.0.1:{server.getsockname()[1]}"
            given = own(base_url, *({"name": name, "path": "/"} for name in names))
            await workload.open(given)
            looked, _ = await loop.sock_accept(server)
            looked.close()
            users = [loop.create_task(workload.iterate(an_iteration(vu))) for vu in (1, 2)]
            taken = [(await loop.sock_accept(server))[0] for _ in users]
            for _ in names:
                for connection in taken:
                    await _request(connection)
                for connection in taken:
                    connection.sendall(ANSWER)
            await asyncio.gather(*users)
            await workload.close()
            for connection in taken:
                connection.close()
        assert isinstance(given.recorder, MemoryRecorder)
        return given.recorder

    samples = asyncio.run(main()).samples

    done = [(name, Outcome.OK, 200) for name in names for _ in range(2)]
    assert summary(samples) == done
    for first, second in (("a", "b"), ("b", "c")):
        last_end_us = max(s.ended_us for s in samples if s.operation == first)
        assert last_end_us <= min(s.started_us for s in samples if s.operation == second)
