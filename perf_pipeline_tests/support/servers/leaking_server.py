"""A server that leaks memory and files at a known pace, and one that takes and gives back.

It is a process of its own with a name of its own, so that it is a tier. Pages come from `mmap`, so
that a leaked MiB is a MiB of resident memory.

Add here: another thing that may leak. Keep out: slow and wrong answers (failing_target.py).
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PACE_S: Final = 0.125  # a MiB is then eight pieces of whole pages
NAMES: Final = ("leaking", "steady")
_SERVER: Final = """
import ctypes, itertools, mmap, os, sys, threading, time
from perf_pipeline_tests.support.servers.fine_server import fine_server
name, pace_s, leaked_bytes = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)
def taken():
    block = mmap.mmap(-1, leaked_bytes)
    block.write(bytes(leaked_bytes - 1) + b"x")
    return block
def leak():
    begun, kept, files = time.monotonic(), [], []
    for number in itertools.count(1):
        kept.append(taken())
        if number % 8 == 0:
            files.append(os.open(os.devnull, os.O_RDONLY)) if name == "leaking" else kept.clear()
        time.sleep(max(0, begun + number * pace_s - time.monotonic()))
with fine_server() as url:
    threading.Thread(target=leak, daemon=True).start()
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def leaking_server(name: str, bytes_per_s: int) -> Iterator[str]:
    """Serve until the block ends; give the base URL.

    Args:
        name: of the process; `leaking` keeps what it takes, and a file for each eight times;
            `steady` gives all of it back after eight times.
        bytes_per_s: how much it takes, in eight pieces.
    """
    arguments = [name, str(PACE_S), str(round(bytes_per_s * PACE_S))]
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()
