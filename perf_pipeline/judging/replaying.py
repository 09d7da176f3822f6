"""Replay the gate in this process, or in several processes if it takes long.

Series are independent of one another, so the figures are the same to the last bit.
Add here: another way to share such work out. Keep out: what is worked out (analysis/backtest.py).
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
    """Yield a `map` that works on several series at once where these are long.

    Args:
        tracks: what is replayed.
        long: fewer runs than these, of all series together, are replayed in this process.
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
        # Once only: a second call without it would take the wish to cancel back.
        pool.shutdown(cancel_futures=True)


def _pool(processes: int) -> ProcessPoolExecutor | None:
    """Return processes that begin with their first work; None where the system has no semaphores.

    A fork would have the threads of DuckDB and of OpenBLAS, or rather not have them.
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
    """Let the pool do the work, or this process where the system lets none begin, or live."""
    known = list(items)
    try:
        with _without_ctrl_c():
            done = pool.map(work, known)
        return list(done)
    except (BrokenProcessPool, OSError):
        return [work(item) for item in known]


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Leave Ctrl-C to the command: processes that begin meanwhile never get it, nor their imports.

    The command gets it right afterwards, and ends them with their present series.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_the_command() -> None:
    """End this process as soon as the command is gone, also where that was killed.

    It would wait for its next series for ever, because it holds both ends of its queues.
    """
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    command = parent_process()
    if command is not None:
        command.join()
        os._exit(1)
