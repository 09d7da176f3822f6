"""Show what the gate says beside a neighbour, and after the system became slower: whole runs.

An API alone, a small HTTP server here whose every answer takes a fixed piece of CPU work. Twelve
runs are the history, every second one of them beside a CPU hog; each row goes on from a copy of it.
Run by hand, for a quarter of an hour on a machine that does nothing else:
`python -m perf_pipeline_tests.benchmarks.bench_neighbour [runs of a row] [runs of the history]`.
Add here: another thing that can happen to a machine or a system. Keep out: assertions; the machine
decides the figures.
"""

import asyncio
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from perf_pipeline.stack.service import free_port

ROWS: Final = (
    ("as before", 0, 1.0),
    ("beside a CPU hog", 1, 1.0),
    ("API 1.3x slower", 0, 1.3),
    ("API 1.3x slower, beside a CPU hog", 1, 1.3),
    ("API 1.5x slower", 0, 1.5),
)
LONGEST_RUN_S: Final = 240
READY_S: Final = 20
TEXT: Final = hashlib.shake_128(b"server").hexdigest(4_096).encode()
COMPRESSIONS: Final = 10
PROFILE: Final = """
name = "gate"
workers = 1
[benchmarks.shop.scenarios.all]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 50
duration = "6s"
warmUp = "1s"
preAllocatedVUs = 20
[[benchmarks.shop.scenarios.all.parameters.steps]]
name = "visit"
method = "GET"
path = "/ok"
[benchmarks.shop.thresholds]
http_req_duration = ["p(95)<5000", "med<5000"]
[baseline]
confirmPause = "3s"
"""
HOG: Final = "while True: pass"
SERVE: Final = "serve"


async def serve(port: int, factor: float) -> None:
    """Answer every request after a fixed piece of work, times the factor."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            for _ in range(round(COMPRESSIONS * factor)):
                zlib.compress(TEXT, 6)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


@contextmanager
def beside(*commands: list[str]) -> Iterator[None]:
    """Run commands, and end them at the end."""
    begun = [subprocess.Popen([sys.executable, *command]) for command in commands]
    try:
        yield
    finally:
        for process in begun:
            process.kill()
            process.wait()


def wait_for(port: int) -> None:
    """Wait until something listens there, for a machine that is busy takes its time.

    Raises:
        TimeoutError: nothing does after 20 s.
    """
    deadline = monotonic() + READY_S
    while monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        sleep(0.1)
    raise TimeoutError(f"the server does not listen on port {port} after {READY_S} s")


def run(state: Path, profile: Path, hogs: int, factor: float) -> tuple[str, Counter[str]]:
    """Run the profile once; give the exit code, and the statuses of its comparison."""
    port = free_port()
    server = ["-m", __spec__.name, SERVE, str(port), str(factor)]
    command = ["-m", "perf_pipeline", "--state", str(state), "run", "--json"]
    with beside(server, *[["-c", HOG]] * hogs):
        wait_for(port)
        done = subprocess.run(
            [sys.executable, *command, "--profile", str(profile)],
            env={**os.environ, "PERF_BASE_URL": f"http://127.0.0.1:{port}"},
            capture_output=True,
            check=False,
            text=True,
            timeout=LONGEST_RUN_S,
        )
    try:
        ours = json.loads(done.stdout)["perf_pipeline"]
    except (ValueError, KeyError):
        print(f"no report, exit code {done.returncode}: {done.stderr[-500:]}", file=sys.stderr)
        return str(done.returncode), Counter()
    told = Counter(diff["status"] for diff in ours["diffs"])
    return str(done.returncode), told + Counter({"causes": len(ours["causes"])})


def row(what: str, ended: Sequence[tuple[str, Counter[str]]]) -> None:
    """Print the exit codes of some runs, and what became of their series."""
    told = sum((statuses for _, statuses in ended), Counter[str]())
    causes = told.pop("causes", 0)
    listed = ", ".join(f"{count} {status}" for status, count in told.most_common())
    codes = " ".join(code for code, _ in ended)
    print(f"| {what} | {codes} | {listed or '-'} | {causes} |", flush=True)


def main(runs: int = 3, history_runs: int = 12) -> None:
    """Print one line for each row."""
    began = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        profile, history = Path(folder) / "gate.toml", Path(folder) / "history"
        profile.write_text(PROFILE, encoding="utf-8")
        print("| what | exit codes | series by status | findings |\n| --- | --- | --- | --- |")
        row(
            "history, every second run beside a CPU hog",
            [run(history, profile, number % 2, 1.0) for number in range(history_runs)],
        )
        for number, (title, hogs, factor) in enumerate(ROWS):
            state = Path(folder) / str(number)
            shutil.copytree(history, state)
            row(title, [run(state, profile, hogs, factor) for _ in range(runs)])
    print(f"{(monotonic() - began) / 60:.0f} minutes")


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        asyncio.run(serve(int(sys.argv[2]), float(sys.argv[3])))
    else:
        main(*map(int, sys.argv[1:3]))
