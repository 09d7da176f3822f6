"""Where a replay of the gate is worked out: here, or where it is long in a process for each core.

Series do not know of one another, so that the figures are the same to the last bit.
Add here: another way to share such work out. Keep out: what is worked out (analysis/backtest.py).
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any, Final, TypeVar

from perf_pipeline.analysis.backtest import ReplayedSeries

_R = TypeVar("_R")
Each = Callable[..., Iterable[Any]]
LONG: Final = 3_000
"""As many judged runs take some two seconds of CPU, and another process half a second to begin."""


@contextmanager
def shared_out(tracks: Sequence[ReplayedSeries], *, long: int = LONG) -> Iterator[Each]:
    """Yield a `map` that works on several series at once where these are long.

    Args:
        tracks: what is replayed.
        long: fewer runs than these, of all series together, are replayed in this process.
    """
    processes = min(_cores(), len(tracks))
    if processes < 2 or sum(len(track.values) for track in tracks) < long:
        yield map
        return
    # A fork would have the threads of DuckDB and of OpenBLAS, or rather not have them.
    spawned = get_context("spawn")
    with ProcessPoolExecutor(processes, spawned, initializer=_leave_stopping) as pool:
        try:
            yield partial(_each, pool)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _each(
    pool: ProcessPoolExecutor, work: Callable[[Any], _R], items: Iterable[Any]
) -> Iterable[_R]:
    """Let the pool do the work, or this process where the system lets none begin, or live."""
    known = list(items)
    try:
        return list(pool.map(work, known))
    except (BrokenProcessPool, OSError):
        return [work(item) for item in known]


def _leave_stopping() -> None:
    """Leave Ctrl-C to the command, which ends its processes with their present series."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
