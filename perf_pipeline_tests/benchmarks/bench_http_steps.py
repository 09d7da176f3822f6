"""Measure what a request of an own scenario costs a worker: µs of its CPU, everything included.

50 looping VUs against a server process on the other core that answers a constant: scheduling,
checks and recording into a spool are in the figures. Beside them the bare connection. Run by hand:
`python perf_pipeline_tests/benchmarks/bench_http_steps.py`. Add here: another kind of scenario to
compare. Keep out: assertions; the machine decides the figures.
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import uvloop

from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.engine.clock import MonotonicClock
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.ports import WorkerContext, Workload
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.engine.runner import StopSwitch, run_scenario
from perf_pipeline.plan.phases import measured_window
from perf_pipeline.plan.stripes import stripe_of
from perf_pipeline.scenario import VU, scenario
from perf_pipeline.workloads.python.scenario import PythonScenario
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.benchmarks import bench_http_client

VUS: Final = 50
SECONDS: Final = 3
ROUNDS: Final = 3
TEXT: Final = "x" * 140
STATIC: Final = {"name": "post", "method": "POST", "path": "/user", "json": {"text": TEXT}}
CHECKED: Final = {**STATIC, "expect": {"status": 201}}
TEN: Final = [{**CHECKED, "name": f"post {number}"} for number in range(10)]
FILLED: Final = {
    **CHECKED,
    "json": {"text": TEXT, "email": "${uuid}@example.org", "vu": "${vu}", "n": "${iteration}"},
}
Measured = tuple[float, float]


@scenario(checks=("created",))
async def post(vu: VU) -> None:
    """POST 150 bytes and check the status."""
    response = await vu.client.post("/user", json={"text": TEXT}, extensions={"name": "post"})
    vu.check("created", response.status_code == 201)


def steps(port: int, *several: dict[str, Any]) -> Awaitable[Measured]:
    """Measure the requests of steps."""
    return load(port, HttpSteps(), {"own": {"steps": list(several)}})


def python(port: int) -> Awaitable[Measured]:
    """Measure `post`."""
    return load(port, PythonScenario(), {"own": {}, "exec": f"{Path(__file__).stem}:post"})


async def load(port: int, workload: Workload, parameters: dict[str, Any]) -> Measured:
    """Run a scenario in this process as a worker does; give µs of CPU and requests per second."""
    plan = {"executor": "constant-vus", "vus": VUS, "duration": f"{SECONDS}s"}
    executor = ConstantVUs.model_validate(plan)
    stripe = stripe_of(executor, 0, 1)
    assert stripe is not None
    clock = MonotonicClock(time.monotonic_ns())
    with tempfile.TemporaryDirectory() as folder:
        recorder = SpoolRecorder(Path(folder), "main", 0, ("bench",), print)
        fixed = {
            "base_url": f"http://127.0.0.1:{port}",
            "folder": str(Path(__file__).parent),
            "run": "bench",
        }
        context = WorkerContext(0, 1, VUS, 1, {**fixed, **parameters}, {}, clock, recorder)
        await workload.open(context)
        gc.collect()
        gc.freeze()  # as a worker does
        cpu_s, began_s = time.process_time(), time.monotonic()
        now_us = clock.now_us()
        part = ScenarioPart(
            name="bench",
            executor=executor,
            stripe=stripe,
            start_us=now_us,
            window=measured_window(executor, 0).moved(now_us),
            workload=workload,
            clock=clock,
            recorder=recorder,
            seed=1,
        )
        await run_scenario(part, StopSwitch())
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - began_s
        count = recorder.counts["bench"]
        assert not count.failed, count.failed
        await workload.close()
        recorder.close()
    return cpu_s * 1e6 / count.ok, count.ok / wall_s


CASES: Final[dict[str, Callable[[int], Awaitable[Measured]]]] = {
    "bare connection": bench_http_client.load,
    "step, no check": lambda port: steps(port, STATIC),
    "step, status check": lambda port: steps(port, CHECKED),
    "ten such steps": lambda port: steps(port, *TEN),
    "step, variables": lambda port: steps(port, FILLED),
    "Python scenario": python,
}


def main() -> None:
    """Print a table: medians of interleaved rounds."""
    command = [sys.executable, bench_http_client.__file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        rounds: dict[str, list[Measured]] = {name: [] for name in CASES}
        for _ in range(ROUNDS):
            for name, case in CASES.items():
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    rounds[name].append(runner.run(as_coroutine(case(port))))
        server.kill()
    print("scenario             µs CPU/request   requests/s")
    for name, figures in rounds.items():
        cpu_us, per_s = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"{name:20} {cpu_us:14.1f} {per_s:12,.0f}")


async def as_coroutine(work: Awaitable[Measured]) -> Measured:
    """Await a case: what a runner takes is a coroutine."""
    return await work


if __name__ == "__main__":
    main()
