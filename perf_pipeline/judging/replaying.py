"""Replay the gate in this process, or in several processes if it takes long.

Series are independent of one another, so the figures are the same to the last bit. Add here:
another way to divide such work. Keep out: what is worked out (analysis/backtest.py).
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Final, TypeVar

from perf_pipeline.analysis.backtest import ReplayedSeries
from perf_pipeline.engine.control_group import usable_cores

_R = TypeVar("_R")
Each = Callable[..., Iterable[Any]]
LONG: Final = 3_000
"""As many judged runs take some two seconds of CPU, and another process half a second to begin."""

MOST_PROCESSES: Final = 8
"""Each has a NumPy of its own, and what a command does by itself takes longer than an eighth."""


@contextmanager
def shared_out(tracks: Sequence[ReplayedSeries], *, long: int = LONG) -> Iterator[Each]:
    """Yield a `map` that works on several series at the same time if there is much to do.

    Args:
        tracks: the series to replay.
        long: if all series together have fewer runs than this, they are replayed in this process.
    """
    processes = min(usable_cores(), len(tracks), MOST_PROCESSES)
    is_long = sum(len(track.values) for track in tracks) >= long
    pool = _pool(processes) if processes > 1 and is_long else None
    if pool is None:
        yield map
        return
    try:
        yield partial(_each, pool)
    finally:
        # Only once: a second call without the argument would revoke the cancellation.
        pool.shutdown(cancel_futures=True)


def _pool(processes: int) -> ProcessPoolExecutor | None:
    """Return processes that start with their first work; None if the system has no semaphores.

    A fork would lack the threads of DuckDB and OpenBLAS that it expects.
    """
    try:
        return ProcessPoolExecutor(
            processes, get_context("spawn"), initializer=_end_with_the_command
        )
    except (OSError, ImportError, NotImplementedError):
        return None


def _each(
    pool: ProcessPoolExecutor, work: Callable[[Any], _R], items: Iterable[Any]
) -> Iterable[_R]:
    """Let the pool do the work, or this process if others can't be started or are killed."""
    known = list(items)
    try:
        with _without_ctrl_c():
            done = pool.map(work, known)
        return list(done)
    except (BrokenProcessPool, OSError):
        return [work(item) for item in known]


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Leave Ctrl-C to the command: processes that start inside the block never receive it.

    The command receives it right afterwards, and ends them after their present series.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_the_command() -> None:
    """End this process as soon as the command is gone, even if that was killed.

    Otherwise it would wait forever for its next series, because it holds both ends of its queues.
    """
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    command = parent_process()
    if command is not None:
        command.join()
        os._exit(1)
