"""Show what the gate says beside a neighbour, and after the system became slower: whole runs.

An API alone, a small HTTP server here whose every answer takes a fixed piece of CPU work. Nine runs
are the history; each row goes on from a copy of it. Run by hand, for a quarter of an hour:
`python -m perf_pipeline_tests.benchmarks.bench_neighbour [runs of a row]`.
Add here: another thing that can happen to a machine or a system. Keep out: assertions; the machine
decides the figures.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from perf_pipeline.stack.service import free_port

HISTORY: Final = 9
ROWS: Final = (
    ("as before", 0, 1.0),
    ("beside a CPU hog", 1, 1.0),
    ("server 1.3x slower", 0, 1.3),
    ("server 1.5x slower", 0, 1.5),
)
TEXT: Final = hashlib.shake_128(b"server").hexdigest(4_096).encode()
COMPRESSIONS: Final = 10
PROFILE: Final = """
name = "gate"
workers = 1
[benchmarks.shop.scenarios.all]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 50
duration = "8s"
warmUp = "1s"
preAllocatedVUs = 20
[[benchmarks.shop.scenarios.all.parameters.steps]]
name = "visit"
method = "GET"
path = "/ok"
[benchmarks.shop.thresholds]
http_req_duration = ["p(95)<1000", "med<1000"]
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


def run(state: Path, profile: Path, hogs: int, factor: float) -> tuple[int, Counter[str]]:
    """Run the profile once; give the exit code, and the statuses of the newest comparison."""
    port = free_port()
    server = ["-m", __spec__.name, SERVE, str(port), str(factor)]
    command = ["-m", "perf_pipeline", "--state", str(state), "run", "--profile", str(profile)]
    with beside(server, *[["-c", HOG]] * hogs):
        done = subprocess.run(
            [sys.executable, *command],
            env={**os.environ, "PERF_BASE_URL": f"http://127.0.0.1:{port}"},
            capture_output=True,
            check=False,
        )
    newest = max(state.glob("reports/*/summary.json"), key=lambda path: path.stat().st_mtime)
    ours = json.loads(newest.read_text(encoding="utf-8"))["perf_pipeline"]
    return done.returncode, Counter(diff["status"] for diff in ours["diffs"])


def main(runs: int) -> None:
    """Print one line for each row."""
    with tempfile.TemporaryDirectory() as folder:
        profile, history = Path(folder) / "gate.toml", Path(folder) / "history"
        profile.write_text(PROFILE, encoding="utf-8")
        for _ in range(HISTORY):
            run(history, profile, 0, 1.0)
        print("| what | exit codes | series by status, all runs |\n| --- | --- | --- |")
        for number, (what, hogs, factor) in enumerate(ROWS):
            state = Path(folder) / str(number)
            shutil.copytree(history, state)
            ended = [run(state, profile, hogs, factor) for _ in range(runs)]
            codes = ", ".join(str(code) for code, _ in ended)
            told = sum((statuses for _, statuses in ended), Counter[str]())
            listed = ", ".join(f"{count} {status}" for status, count in told.most_common())
            print(f"| {what} | {codes} | {listed} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        asyncio.run(serve(int(sys.argv[2]), float(sys.argv[3])))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 4)
