"""Compare what a request costs this tool and other load generators, on one target, in one run.

50 connections in a closed loop POST 150 bytes to a server process that answers a constant; the
rounds take turns, and the medians are printed: user and system time of the generator per request,
requests per second, and how much of a core the target used (near 100 % it was the limit).
wrk, h2load, bombardier, vegeta, Locust and Gatling take part when they are on PATH or in a folder
that is named: Locust as `locust`, Gatling as a folder `gatling` of its jars (with java and javac on
PATH). None of them is shipped. A second table has what each tells of 1,000 requests/s less what the
server knows of them (paced_generators.py).
Run by hand: `python perf_pipeline_tests/benchmarks/bench_generators.py [folder of tools]`.
Add here: another generator. Keep out: assertions; the machine decides the figures.
"""

import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil
import uvloop

from perf_pipeline_tests.benchmarks import bench_http_client, bench_http_steps
from perf_pipeline_tests.benchmarks.paced_generators import PACED, errors
from perf_pipeline_tests.benchmarks.paced_generators import ours as paced_ours
from perf_pipeline_tests.benchmarks.slow_starters import gatling, locust

ROUNDS: Final = 5
PACED_ROUNDS: Final = 3
CONNECTIONS: Final = bench_http_steps.VUS
SECONDS: Final = bench_http_steps.SECONDS
OURS: Final = {
    "HTTP transport alone": "bare connection",
    "HTTP steps, one per iteration": "step, status check",
    "HTTP steps, ten per iteration": "ten such steps",
    "Python scenario": "Python scenario",
}
_COUNT_OF_WRK: Final = re.compile(r"(\d+) requests in")
_COUNT_OF_H2LOAD: Final = re.compile(r"(\d+) done, (\d+) succeeded, (\d+) failed")
Measured = tuple[float, float]
Generator = Callable[[int, Path], Measured]


def ours(case: str) -> Generator:
    """Give the generator that runs a case of bench_http_steps in this process."""

    def run(port: int, _: Path) -> Measured:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(bench_http_steps.as_coroutine(bench_http_steps.CASES[case](port)))

    return run


def wrk(tool: str) -> Generator:
    """Give the generator that runs wrk on one thread."""

    def run(port: int, folder: Path) -> Measured:
        script = folder / "post.lua"
        body = bench_http_client.BODY.decode()
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = "{body}"\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
        )
        load = ("-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script))
        cpu_s, wall_s, out = _child(tool, *load, f"http://127.0.0.1:{port}/user")
        found = _COUNT_OF_WRK.search(out)
        assert found, out
        assert "Non-2xx" not in out, out
        assert "Socket errors" not in out, out
        return cpu_s * 1e6 / int(found[1]), int(found[1]) / wall_s

    return run


def vegeta(tool: str) -> Generator:
    """Give the generator that runs vegeta without a pace; it records to a file, as we do."""

    def run(port: int, folder: Path) -> Measured:
        body, targets, results = (folder / name for name in ("body", "targets", "results"))
        body.write_bytes(bench_http_client.BODY)
        targets.write_text(
            f"POST http://127.0.0.1:{port}/user\nContent-Type: application/json\n@{body}\n"
        )
        cpu_s, wall_s, _ = _child(
            tool,
            "attack",
            "-rate=0",
            f"-max-workers={CONNECTIONS}",
            f"-workers={CONNECTIONS}",
            f"-connections={CONNECTIONS}",
            f"-duration={SECONDS}s",
            f"-targets={targets}",
            f"-output={results}",
        )
        report = json.loads(_child(tool, "report", "-type=json", str(results))[2])
        assert list(report["status_codes"]) == ["201"], report
        return cpu_s * 1e6 / report["requests"], report["requests"] / wall_s

    return run


def bombardier(tool: str) -> Generator:
    """Give the generator that runs bombardier (fasthttp), which keeps a histogram."""

    def run(port: int, _: Path) -> Measured:
        load = (f"--connections={CONNECTIONS}", f"--duration={SECONDS}s", "--method=POST")
        body = f"--body={bench_http_client.BODY.decode()}"
        said = ("--header=Content-Type: application/json", "--format=json", "--print=result")
        url = f"http://127.0.0.1:{port}/user"
        cpu_s, wall_s, out = _child(tool, *load, body, *said, url)
        result = json.loads(out)["result"]
        count = int(result["req2xx"])
        # Those that are under way at the end are cut, one for each connection at most.
        assert result["others"] <= CONNECTIONS, out
        assert not result["req4xx"] + result["req5xx"], out
        return cpu_s * 1e6 / count, count / wall_s

    return run


def h2load(tool: str) -> Generator:
    """Give the generator that runs h2load with HTTP/1.1 on one thread."""

    def run(port: int, folder: Path) -> Measured:
        body = folder / "body"
        body.write_bytes(bench_http_client.BODY)
        load = ("--h1", "-t1", f"-c{CONNECTIONS}", f"-D{SECONDS}", f"-d{body}")
        header = ("-H", "Content-Type: application/json")
        cpu_s, wall_s, out = _child(tool, *load, *header, f"http://127.0.0.1:{port}/user")
        found = _COUNT_OF_H2LOAD.search(out)
        assert found, out
        assert found[3] == "0", out
        return cpu_s * 1e6 / int(found[1]), int(found[1]) / wall_s

    return run


TOOLS: Final[dict[str, Callable[[str], Generator]]] = {
    "wrk": wrk,
    "h2load": h2load,
    "bombardier": bombardier,
    "vegeta": vegeta,
    "locust": locust,
    "gatling": gatling,
}


def _child(*command: str) -> tuple[float, float, str]:
    """Run a command; give its user and system seconds, its wall seconds and what it printed."""
    began_s = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - began_s
        out.seek(0)
        text = out.read()
    assert child.returncode == 0, text
    return usage.ru_utime + usage.ru_stime, wall_s, text


def _tools(folder: str) -> dict[str, str]:
    """Give the tools that are here, and where; say which are not."""
    path = os.pathsep.join((folder, os.environ.get("PATH", "")))
    found: dict[str, str] = {}
    for name in TOOLS:
        jars = Path(folder, name) if folder else None
        tool = str(jars) if jars and jars.is_dir() else shutil.which(name, path=path)
        if tool is None:
            print(f"{name} was not found, neither on PATH nor in {folder or 'a named folder'}")
        else:
            found[name] = tool
    return found


def _measured(
    server: psutil.Process, generator: Generator, port: int, folder: Path
) -> tuple[float, float, float]:
    """Give what a run gives, and the share of a core that the target used meanwhile."""
    before, began_s = server.cpu_times(), time.monotonic()
    cpu_us, per_s = generator(port, folder)
    after, wall_s = server.cpu_times(), time.monotonic() - began_s
    used_s = after.user + after.system - before.user - before.system
    return cpu_us, per_s, used_s / wall_s


def _print(rounds: dict[str, list[tuple[float, float, float]]]) -> None:
    print("generator                       µs CPU/request   lowest   requests/s   target's core")
    for name, figures in rounds.items():
        cpu_us, per_s, target = (statistics.median(column) for column in zip(*figures, strict=True))
        lowest_us = min(figure[0] for figure in figures)
        print(f"{name:31} {cpu_us:14.1f} {lowest_us:8.1f} {per_s:12,.0f} {target:15.0%}")


def _print_errors(tools: Mapping[str, str]) -> None:
    """Print by how much p50 and p99 are above the truth at 1,000/s, of each round."""
    paced = {name: (run, tools[name]) for name, run in PACED.items() if name in tools}
    found = errors({"perf-pipeline run": (paced_ours, ""), **paced}, PACED_ROUNDS)
    print("\nat 1,000 requests/s         error of p50, ms        error of p99, ms")
    for name, rounds in found.items():
        cells = (
            ", ".join(f"{value:.1f}" for value in column) for column in zip(*rounds, strict=True)
        )
        print(f"{name:27}", *(f"{cell:22}" for cell in cells))


def main(arguments: Sequence[str]) -> None:
    """Print two tables: medians of interleaved rounds, and each round's errors."""
    tools = _tools(arguments[0] if arguments else "")
    generators = {name: ours(case) for name, case in OURS.items()}
    generators |= {name: TOOLS[name](tool) for name, tool in tools.items()}
    command = [sys.executable, bench_http_client.__file__, "--serve"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        port = int(server.stdout.readline())
        process = psutil.Process(server.pid)
        rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in generators}
        for _ in range(ROUNDS):
            for name, generator in generators.items():
                rounds[name].append(_measured(process, generator, port, Path(folder)))
        server.kill()
    _print(rounds)
    _print_errors(tools)


if __name__ == "__main__":
    main(sys.argv[1:])
