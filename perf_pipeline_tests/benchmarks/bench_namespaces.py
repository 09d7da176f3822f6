"""A fleet whose hosts have networks of their own, against a target whose truth is known.

Run with, as root: python -m perf_pipeline_tests.benchmarks.bench_namespaces [ROUNDS]

Each host is a network namespace of this machine, with a cable to a bridge at which target,
scheduler and driver are (Linux, iproute2). The rows are load workers on this machine, and on 1, 2
and 4 hosts, in turns: what was measured less what the server held the answer for, in ms. Then a
cable is pulled under load, for 3 s and for longer than a host may be away. The namespaces and the
bridge are removed at the end.

Add here: another thing that only apart networks show. Keep out: assertions (test_fleet_runs.py).
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.timed_target import TimedTarget, timed_target

_BRIDGE: Final = "perfbridge"
_NET: Final = "10.91.7"
"""A private network (RFC 1918) that ends at the bridge."""
_HERE: Final = f"{_NET}.254"
_SCHEDULER: Final = f"tcp://{_HERE}:8786"
_RATE, _SECONDS = 100, 5
_PROFILE: Final = """
name = "namespaces"
calibration = false
target = "apart"
[targets.apart]
baseUrl = "http://{here}:{port}"
[benchmarks.held.scenarios.get]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = {rate}
duration = "{duration_us}us"
preAllocatedVUs = 80
parameters.steps = [ {{ name = "get", path = "/held/x" }} ]
[benchmarks.held.thresholds]
"http_req_duration{{operation:get}}" = ["p(99)<10000"]
dropped_iterations = ["count<1000"]
"""
_FIGURES: Final = (
    "select count, median, p95, p99 from summaries where benchmark = 'held' and "
    "metric = 'http_req_duration' and tags = 'operation:get' and run_id = '{run}'"
)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def namespaces(count: int) -> Iterator[list[str]]:
    """Make so many networks with a host each, `perfhost1` at 10.91.7.1 and so on."""
    names = [f"perfhost{n}" for n in range(1, count + 1)]
    with contextlib.ExitStack() as undo:
        _ip("link", "add", _BRIDGE, "type", "bridge")
        undo.callback(_ip, "link", "del", _BRIDGE)
        _ip("addr", "add", f"{_HERE}/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        for number, name in enumerate(names, 1):
            _ip("netns", "add", name)
            undo.callback(_ip, "netns", "del", name)
            _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            # Its other end goes with it; with its network it would stay as long as connections do.
            undo.callback(_ip, "link", "del", name)
            _ip("link", "set", name, "master", _BRIDGE, "up")
            _ip("-n", name, "addr", "add", f"{_NET}.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", name, "link", "set", device, "up")
        yield names


@contextlib.contextmanager
def fleet(names: list[str], home: Path) -> Iterator[None]:
    """Start a scheduler here and a worker of Dask in each network."""
    dask = str(Path(sys.executable).with_name("dask"))
    environment = {**os.environ, "PERF_ALLOWED_HOSTS": _HERE}
    scheduler = ["scheduler", "--host", _HERE, "--port", _SCHEDULER.rpartition(":")[2]]
    commands = [[dask, *scheduler, "--no-dashboard"]]
    for number, name in enumerate(names, 1):
        worker = ["worker", _SCHEDULER, "--host", f"{_NET}.{number}", "--nthreads", "1"]
        plain = ["--no-nanny", "--no-dashboard", "--local-directory", str(home / name)]
        commands.append(["ip", "netns", "exec", name, dask, *worker, *plain])
    with contextlib.ExitStack() as undo:
        for number, command in enumerate(commands):
            place = home / f"tmp{number}"
            place.mkdir()
            log = undo.enter_context((home / f"log{number}").open("wb"))
            variables = {**environment, "TMPDIR": str(place)}
            process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
            undo.callback(process.wait)
            undo.callback(process.terminate)
        time.sleep(6)
        yield


def run(command: CommandLine, target: TimedTarget, seconds: int, *more: str) -> Answer:
    """Run the profile once."""
    # Half a period before the end, so that no start is at the end.
    duration_us = seconds * 1_000_000 - 500_000 // _RATE
    text = _PROFILE.format(here=_HERE, port=target.port, rate=_RATE, duration_us=duration_us)
    profile = command.state.parent / "namespaces.toml"
    profile.write_text(text, encoding="utf-8")
    return command("run", str(profile), *more, PERF_ALLOWED_HOSTS=_HERE)


def above(command: CommandLine, target: TimedTarget, *more: str) -> tuple[str, list[float]]:
    """Run once; return how it ended, and by how much p50, p95 and p99 were above the truth, in ms.

    Raises:
        RuntimeError: not every start was counted once.
    """
    target.held_ms.clear()
    answer = run(command, target, _SECONDS, *more)
    held_ms = target.held_ms[b"/held/x"]
    rows = command.sql(_FIGURES.format(run=answer.run_id))
    if not rows:
        raise RuntimeError(str(answer))
    count, *found = rows[0]
    if not count == len(held_ms) == _RATE * _SECONDS:
        raise RuntimeError(f"{count} samples of {len(held_ms)} answers: {answer.err}")
    truth = np.percentile(held_ms, (50, 95, 99))
    return f"{answer.code}", [float(value - true) for value, true in zip(found, truth, strict=True)]


def cut_off(command: CommandLine, target: TimedTarget, name: str, back_after_s: float) -> str:
    """Pull a host's cable after 5 of 20 s, put it in again, and return what the run says of it."""
    target.held_ms.clear()
    pulling = threading.Thread(target=_pull, args=(target, name, back_after_s), daemon=True)
    pulling.start()
    began_s = time.monotonic()
    answer = run(command, target, 20, *_on_fleet(2))
    took_s = time.monotonic() - began_s
    pulling.join()
    [(kept,)] = command.sql(f"select count(*) from samples where run_id = '{answer.run_id}'")
    told = [line for line in answer.out.splitlines() if f"{_NET}." in line or "INVALID" in line]
    ended = f"exit code {answer.code} after {took_s:.0f} s, {kept} samples kept"
    return "\n".join([f"away for {back_after_s:.0f} s: {ended}", *told])


def _pull(target: TimedTarget, name: str, back_after_s: float) -> None:
    while len(target.held_ms[b"/held/x"]) < 5 * _RATE:
        time.sleep(0.1)
    _ip("link", "set", name, "down")
    time.sleep(back_after_s)
    _ip("link", "set", name, "up")


def _on_fleet(generators: int) -> tuple[str, ...]:
    more = {"generators": generators, "encrypted": "false"}
    sets = [word for key, value in more.items() for word in ("--set", f"fleet.{key}={value}")]
    return ("--fleet", _SCHEDULER, *sets)


def main() -> None:
    """Print the table, and what became of the load whose host was cut off."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3  # 0: the cable only
    rows: dict[str, list[list[float]]] = defaultdict(list)
    codes: dict[str, list[str]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        names = stack.enter_context(namespaces(4))
        target = stack.enter_context(timed_target({}, _HERE))
        stack.enter_context(fleet(names, Path(folder)))
        command = CommandLine(new_state(Path(folder, "state")))
        for _ in range(rounds):
            for workers in (1, 2, 4):
                for where, more in (
                    ("here", ("--set", f"workers={workers}")),
                    ("on as many hosts", _on_fleet(workers)),
                ):
                    row = f"{workers} {where}"
                    code, above_ms = above(command, target, *more)
                    rows[row].append(above_ms)
                    codes[row].append(code)
        print("| load workers | p50 | p95 | p99 | exit codes |\n| --- | --- | --- | --- | --- |")
        for row, values in rows.items():
            cells = [
                ", ".join(f"{value:.1f}" for value in column)
                for column in zip(*values, strict=True)
            ]
            print(f"| {row} | {' | '.join(cells)} | {', '.join(codes[row])} |")
        both = {where: _medians(rows, where) for where in ("here", "hosts")}
        print(f"medians of all: {both}")
        for back_after_s in (3, 30):
            print(cut_off(command, target, names[1], back_after_s))


def _medians(rows: dict[str, list[list[float]]], where: str) -> list[float]:
    found = [values for row, runs in rows.items() if row.endswith(where) for values in runs]
    return [round(median(column), 2) for column in zip(*found, strict=True)]


if __name__ == "__main__":
    main()
