"""Load generators at 1,000 requests a second, against a server whose times are known.

Each puts the same load on a `TimedTarget`, which holds an answer for 20 to 119 ms and notes how
long it really did; what a generator tells as its p50 and p99, less what the server noted, is its
error. A generator that can't keep a pace (wrk) has none. Used by bench_generators.

Add here: another generator that keeps a pace. Keep out: what a request costs (bench_generators.py).
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.timed_target import TimedTarget, timed_target

RATE: Final = 1_000
SECONDS: Final = 8
CONNECTIONS: Final = 200
"""More than are busy at once: 1,000/s of 70 ms are 70."""
_PERCENTS: Final = (50, 99)
_PATH: Final = "/held/x"
_PROFILE: Final = """
name = "paced"
calibration = false
target = "timed"
[targets.timed]
baseUrl = "http://127.0.0.1:{port}"
[benchmarks.held.scenarios.get]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = {rate}
duration = "{seconds}s"
preAllocatedVUs = {connections}
parameters.steps = [ {{ name = "get", path = "{path}" }} ]
[benchmarks.held.thresholds]
http_req_duration = ["p(99)<10000"]
"""
_FIGURES: Final = (
    "select median, p99 from summaries where run_id = '{run}' and benchmark = 'held' "
    "and metric = 'http_req_duration' and tags = ''"
)
_LOCUSTFILE: Final = """
from locust import FastHttpUser, constant_throughput, task

class Held(FastHttpUser):
    wait_time = constant_throughput({each})

    @task
    def get(self):
        self.client.get("{path}")
"""
_SIMULATION: Final = """
import static io.gatling.javaapi.core.CoreDsl.*;
import static io.gatling.javaapi.http.HttpDsl.*;
import io.gatling.javaapi.core.Simulation;

public class Held extends Simulation {{
  {{
    setUp(scenario("held").exec(http("get").get("{path}"))
        .injectOpen(constantUsersPerSec({rate}).during({seconds})))
      .protocols(http.baseUrl("http://127.0.0.1:{port}").shareConnections());
  }}
}}
"""
Told = tuple[float, float]
"""What a generator says of p50 and p99, in ms."""
Paced = Callable[[str, int, Path], Told]


def ours(_: str, port: int, folder: Path) -> Told:
    """Run the command line, as its user does."""
    profile = folder / "paced.toml"
    filled = {"port": port, "rate": RATE, "seconds": SECONDS}
    profile.write_text(_PROFILE.format(**filled, connections=CONNECTIONS, path=_PATH))
    command = CommandLine(new_state(Path(tempfile.mkdtemp(dir=folder))))
    answer = command("run", str(profile))
    ((median, p99),) = command.sql(_FIGURES.format(run=answer.run_id))
    return float(median), float(p99)


def vegeta(tool: str, port: int, folder: Path) -> Told:
    """Attack at a rate; the report has nanoseconds."""
    targets, results = folder / "targets", folder / "results"
    targets.write_text(f"GET http://127.0.0.1:{port}{_PATH}\n")
    pace = (f"-rate={RATE}", f"-duration={SECONDS}s", f"-connections={CONNECTIONS}")
    _run(tool, "attack", *pace, f"-targets={targets}", f"-output={results}")
    told = json.loads(_run(tool, "report", "-type=json", str(results)))["latencies"]
    return told["50th"] / 1e6, told["99th"] / 1e6


def bombardier(tool: str, port: int, _: Path) -> Told:
    """Run at a rate; its histogram has microseconds."""
    pace = (f"--rate={RATE}", f"--duration={SECONDS}s", f"--connections={CONNECTIONS}")
    said = ("--latencies", "--format=json", "--print=result")
    out = _run(tool, *pace, *said, f"http://127.0.0.1:{port}{_PATH}")
    told = json.loads(out)["result"]["latency"]["percentiles"]
    return told["50"] / 1e3, told["99"] / 1e3


def h2load(tool: str, port: int, folder: Path) -> Told:
    """Run each connection at its share of the rate; the log has a row for each request."""
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    pace = (f"-c{CONNECTIONS}", f"--rps={RATE // CONNECTIONS}", f"-D{SECONDS}", "-t1")
    _run(tool, "--h1", *pace, f"--log-file={log}", f"http://127.0.0.1:{port}{_PATH}")
    return _told(int(row.split("\t")[2]) / 1e3 for row in log.read_text().splitlines())


def locust(tool: str, port: int, folder: Path) -> Told:
    """Run users of a constant throughput; its times are rounded to two digits."""
    script = folder / "held_locust.py"
    script.write_text(_LOCUSTFILE.format(each=RATE / CONNECTIONS, path=_PATH))
    users = (f"--users={CONNECTIONS}", f"--spawn-rate={CONNECTIONS}", f"--run-time={SECONDS}s")
    said = ("--headless", "--json", "--only-summary", "--loglevel=ERROR", "--stop-timeout=1")
    out = _run(tool, "-f", str(script), *users, *said, f"--host=http://127.0.0.1:{port}")
    counts = json.loads(out[out.index("[") :])[0]["response_times"]
    return _told(np.repeat([float(ms) for ms in counts], list(counts.values())))


def gatling(tool: str, port: int, folder: Path) -> Told:
    """Compile and run a simulation in its Java DSL; the log has the begin and end of each."""
    filled = {"port": port, "rate": RATE, "seconds": SECONDS, "path": _PATH}
    rows = gatling_log(tool, folder, "Held", _SIMULATION.format(**filled))
    return _told(float(end) - float(began) for began, end in rows)


def gatling_log(libraries: str, folder: Path, name: str, source: str) -> list[tuple[str, str]]:
    """Run a simulation by the jars of a folder; return when each request began and ended, in ms."""
    place = Path(tempfile.mkdtemp(dir=folder))
    (place / f"{name}.java").write_text(source)
    path = os.pathsep.join((f"{libraries}/*", str(place)))
    _run("javac", "-cp", path, "-d", str(place), str(place / f"{name}.java"))
    results = ("-rf", str(place / "results"), "-nr")
    _run("java", "-cp", path, "io.gatling.app.Gatling", "-s", name, *results)
    (log,) = place.glob("results/*/simulation.log")
    rows = (row.split("\t") for row in log.read_text().splitlines())
    found = [(row[3], row[4], row[5]) for row in rows if row[0] == "REQUEST"]
    assert all(status == "OK" for *_, status in found)
    return [(began, end) for began, end, _ in found]


PACED: Final[Mapping[str, Paced]] = {
    "h2load": h2load,
    "bombardier": bombardier,
    "vegeta": vegeta,
    "locust": locust,
    "gatling": gatling,
}


def errors(generators: Mapping[str, tuple[Paced, str]], rounds: int) -> dict[str, list[Told]]:
    """Return by how much p50 and p99 of each are above the truth, in ms, for each round."""
    found: dict[str, list[Told]] = {name: [] for name in generators}
    with tempfile.TemporaryDirectory() as folder, timed_target({}) as target:
        for _ in range(rounds):
            for name, (run, tool) in generators.items():
                found[name].append(_error(target, run, tool, Path(folder)))
    return found


def _error(target: TimedTarget, run: Paced, tool: str, folder: Path) -> Told:
    target.held_ms.clear()
    told = run(tool, target.port, folder)
    held_ms = target.held_ms[_PATH.encode()]
    assert len(held_ms) > RATE * SECONDS * 0.9, f"{len(held_ms)} requests arrived"
    p50, p99 = np.percentile(held_ms, _PERCENTS)
    return told[0] - float(p50), told[1] - float(p99)


def _told(times_ms: Iterable[float]) -> Told:
    p50, p99 = np.percentile(list(times_ms), _PERCENTS)
    return float(p50), float(p99)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
