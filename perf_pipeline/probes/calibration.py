"""Measure how fast the load machine is by timing fixed pieces of work while no load runs.

If a series got slower on an equally fast machine, the system is the cause; on a slower machine
nobody can tell (docs/statistics.md). The machine is always the one that generates the load, even if
the target is on another one.

Add here: another piece of work that stands for a part of the machine. Keep out: when it is done
(loading/), gauges that are read during the load (host.py), and conclusions (analysis/).
"""

import hashlib
import math
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from statistics import fmean, median
from typing import Final, NamedTuple

from perf_pipeline.engine.control_group import allowed_cpus, read_limits
from perf_pipeline.metrics.sample import Reading

CPU: Final = "calibration_cpu_ms"
LOOPBACK: Final = "calibration_loopback_ms"
DISK: Final = "calibration_disk_ms"

ROUND_TRIPS: Final = 100
_CPU_S: Final = 0.12
_LOOPBACK_S: Final = 0.05
_DISK_S: Final = 0.05
_FEWEST: Final = 3
_MESSAGE: Final = b"perf" * 16
_BLOCK: Final = bytes(4_096)
_ANSWER_WITHIN_S: Final = 1.0
_WRITTEN_WITHIN_S: Final = 10.0


class Calibrated(NamedTuple):
    """Hold what could be timed, and a sentence for each part that could not be."""

    readings: list[Reading]
    problems: list[str]


def calibrate(folder: Path, side: str, origin_ns: int) -> Calibrated:
    """Time a fixed piece of work on CPU, loopback and disk; this takes a quarter of a second.

    Args:
        folder: an existing folder on the disk that is timed.
        side: the source of the readings: `before` or `after` the load.
        origin_ns: `time.monotonic_ns()` of the benchmark's origin.
    """
    done = Calibrated([], [])
    parts: tuple[tuple[str, str, Callable[[], float]], ...] = (
        (CPU, "the CPUs", cpu_ms),
        (LOOPBACK, "loopback", loopback_ms),
        (DISK, f"the disk of {folder}", lambda: disk_ms(folder)),
    )
    for metric, part, timed in parts:
        at_us = (time.monotonic_ns() - origin_ns) // 1_000
        try:
            done.readings.append(Reading(at_us, side, metric, timed()))
        except (OSError, RuntimeError, MemoryError) as error:  # RuntimeError: no more threads
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            done.problems.append(
                f"the speed of {part} {side} the load is not known ({why}), so a slower machine "
                "can't be told from a slower system by it"
            )
    return done


def cpu_ms() -> float:
    """Time how long it takes to compress a fixed text on all our CPUs at once, in ms.

    It uses all CPUs, because a neighbour that takes one of two CPUs does not slow a single thread
    down. The result is the mean of each CPU's median, so that a short interruption does not count
    and a lasting neighbour does. The text does not depend on hash seeds. zlib does the work,
    because it releases the interpreter's lock.

    Raises:
        RuntimeError: the machine has no more threads.
    """
    text = hashlib.shake_128(b"perf_pipeline").hexdigest(1 << 16).encode()
    threads = usable_cpus()
    times: list[list[float]] = [[] for _ in range(threads)]
    start = threading.Event()

    def work(mine: list[float]) -> None:
        start.wait()
        _compress(text)  # warm up the caches and the CPU's clock
        mine += _repeated(lambda: _compress(text), _CPU_S)

    workers = [threading.Thread(target=work, args=(mine,), daemon=True) for mine in times]
    begun: list[threading.Thread] = []
    try:
        for worker in workers:
            worker.start()
            begun.append(worker)
    finally:
        start.set()
        for worker in begun:
            worker.join()
    return fmean(median(mine) for mine in times)


def _compress(text: bytes) -> None:
    zlib.compress(text, 6)


def usable_cpus() -> int:
    """Count the CPUs that this process may use, by its affinity and its control groups."""
    known, quota = allowed_cpus(), read_limits().cpu_cores
    return min(known, math.ceil(quota)) if quota else known


def loopback_ms() -> float:
    """Return the median time of `ROUND_TRIPS` round trips of 64 bytes over TCP on 127.0.0.1, in ms.

    Raises:
        OSError: there is no loopback, no port, or no answer within a second.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_ANSWER_WITHIN_S)
        echo = threading.Thread(target=_echo, args=(server,), daemon=True)
        echo.start()
        try:
            with socket.create_connection(server.getsockname(), _ANSWER_WITHIN_S) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _trips(connection)  # both threads are awake
                return median(_repeated(lambda: _trips(connection), _LOOPBACK_S))
        finally:
            server.close()
            echo.join(_ANSWER_WITHIN_S)


def _echo(server: socket.socket) -> None:
    with suppress(OSError):  # the other end reports it
        connection, _ = server.accept()
        with connection:
            connection.settimeout(_ANSWER_WITHIN_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while received := connection.recv(len(_MESSAGE)):
                connection.sendall(received)


def _trips(connection: socket.socket) -> None:
    for _ in range(ROUND_TRIPS):
        connection.sendall(_MESSAGE)
        missing = len(_MESSAGE)
        while missing:
            received = len(connection.recv(missing))
            if not received:
                raise ConnectionResetError("the connection over loopback was closed")
            missing -= received


def disk_ms(folder: Path) -> float:
    """Return the median time of a 4 KiB write with fsync into a folder, in ms; leave no file there.

    A system call on a disk that hangs does not end; then a thread is left behind in it.

    Raises:
        OSError: the disk does not accept the write, or not within ten seconds.
        RuntimeError: the machine has no more threads.
    """
    path = folder / f"calibration-{os.getpid()}.tmp"
    timed: Future[float] = Future()

    def work() -> None:
        try:
            timed.set_result(_written_ms(path))
        except (OSError, MemoryError) as error:
            timed.set_exception(error)

    # Not a thread of a pool: Python waits for those when it ends.
    writer = threading.Thread(target=work, daemon=True)
    writer.start()
    writer.join(_WRITTEN_WITHIN_S)
    if not timed.done():
        raise TimeoutError(f"no answer within {_WRITTEN_WITHIN_S:g} s")
    return timed.result()


def _written_ms(path: Path) -> float:
    try:
        with path.open("wb", buffering=0) as file:

            def write() -> None:
                file.seek(0)
                file.write(_BLOCK)
                os.fsync(file.fileno())

            write()  # the first write creates the file, and with it an entry of the folder
            return median(_repeated(write, _DISK_S))
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _repeated(work: Callable[[], None], for_s: float) -> list[float]:
    """Time the same work repeatedly, at least `_FEWEST` times; return each time in ms."""
    found: list[float] = []
    until_ns = time.monotonic_ns() + round(for_s * 1e9)
    while len(found) < _FEWEST or time.monotonic_ns() < until_ns:
        began_ns = time.monotonic_ns()
        work()
        found.append((time.monotonic_ns() - began_ns) / 1e6)
    return found
