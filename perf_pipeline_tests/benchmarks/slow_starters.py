"""Locust and Gatling, whose start costs more than a short load: what each more second costs.

Used by bench_generators. Add here: another generator on a runtime that has to warm up. Keep out:
those that load from their first millisecond (bench_generators.py).
"""

import json
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from perf_pipeline_tests.benchmarks import bench_http_client, bench_http_steps
from perf_pipeline_tests.benchmarks.paced_generators import gatling_log

CONNECTIONS: Final = bench_http_steps.VUS
SECONDS: Final = bench_http_steps.SECONDS
_TO_START_S: Final = 4
_LOCUSTFILE: Final = """
from locust import FastHttpUser, task

class Post(FastHttpUser):
    @task
    def post(self):
        self.client.post("/user", data={body!r}, headers={{"Content-Type": "application/json"}})
"""
_SIMULATION: Final = """
import static io.gatling.javaapi.core.CoreDsl.*;
import static io.gatling.javaapi.http.HttpDsl.*;
import io.gatling.javaapi.core.Simulation;

public class Post extends Simulation {{
  {{
    setUp(scenario("post").during({seconds}).on(exec(http("post").post("/user")
          .header("Content-Type", "application/json").body(StringBody("{body}"))
          .check(status().is(201))))
        .injectOpen(atOnceUsers({users})))
      .protocols(http.baseUrl("http://127.0.0.1:{port}"));
  }}
}}
"""
Measured = tuple[float, float]
"""µs of CPU per request, and requests per second."""
Generator = Callable[[int, Path], Measured]


def locust(tool: str) -> Generator:
    """Give the generator that runs Locust's FastHttpUser in one process, without its start."""

    def once(port: int, folder: Path, seconds: int) -> tuple[float, int]:
        script = folder / "post_locust.py"
        script.write_text(_LOCUSTFILE.format(body=bench_http_client.BODY.decode()))
        users = (f"--users={CONNECTIONS}", f"--spawn-rate={CONNECTIONS}", f"--run-time={seconds}s")
        said = ("--headless", "--json", "--only-summary", "--loglevel=ERROR")
        host = f"--host=http://127.0.0.1:{port}"
        before_s = _cpu_s()
        command = (tool, "-f", str(script), *users, *said, host)
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        cpu_s = _cpu_s() - before_s
        (told,) = json.loads(out[out.index("[") :])
        assert not told["num_failures"], out
        return cpu_s, told["num_requests"]

    return _without_start(once)


def gatling(libraries: str) -> Generator:
    """Give the generator that runs users of Gatling that repeat a POST, without its start."""

    def once(port: int, folder: Path, seconds: int) -> tuple[float, int]:
        body = bench_http_client.BODY.decode()
        source = _SIMULATION.format(port=port, body=body, users=CONNECTIONS, seconds=seconds)
        before_s = _cpu_s()
        requests = gatling_log(libraries, folder, "Post", source)
        return _cpu_s() - before_s, len(requests)

    return _without_start(once)


def _without_start(once: Callable[[int, Path, int], tuple[float, int]]) -> Generator:
    """Give what more seconds cost: two loads, of which one is longer by SECONDS."""

    def run(port: int, folder: Path) -> Measured:
        short_s, few = once(port, folder, _TO_START_S)
        long_s, many = once(port, folder, _TO_START_S + int(SECONDS))
        return (long_s - short_s) * 1e6 / (many - few), (many - few) / SECONDS

    return run


def _cpu_s() -> float:
    """Return what all children so far took, user and system."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
