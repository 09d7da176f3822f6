"""Import the modules of commands on stored runs while the history is already being read.

Importing the modules that compare and report takes half a second, and so does verifying the rows of
a long history, during which DuckDB does not hold Python's lock. Add here: the modules of another
command. Keep out: reading (judging/ahead.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from sys import modules
from threading import Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from perf_pipeline.store.history import History
    from perf_pipeline.store.state import State

# What finds changes of level in a series; runs of fewer than these bytes have none of six points.
_ARRAYS: Final = ("numpy", "scipy")
_LONG_BYTES: Final = 4 << 20


@contextmanager
def run_ahead(state: "State", run_id: str | None, *needed: str) -> "Iterator[tuple[History, str]]":
    """Open the history, import the needed modules, and yield the history with the named run.

    Args:
        state: folder of the history.
        run_id: as of `asked_run`.
        needed: the modules; if one cannot be imported, a later import reports why.

    Raises:
        RequestError: there is no such run, or no run at all, or several ids begin with the text.
        StoreBusyError: the history is open elsewhere.
        StoreError: a row differs from what was written.
    """
    # No module may be imported by two threads that each wait for the other: first all that is
    # asked here, then the rest in the other thread, for which this one waits before it imports.
    from perf_pipeline.judging.ahead import read_ahead
    from perf_pipeline.judging.asked import asked_in, require_runs

    require_runs(state)
    with state.history() as history:
        with imported(*needed, *(_ARRAYS if _is_long(state) else ())):
            chosen = asked_in(history, state, run_id)
            read_ahead(history, chosen)
        yield history, chosen


def _is_long(state: "State") -> bool:
    return state.history_file.stat().st_size >= _LONG_BYTES


@contextmanager
def imported(*needed: str) -> Iterator[None]:
    """Import modules in a thread during the block, and wait for them at its end."""
    missing = [name for name in needed if name not in modules]
    thread = Thread(target=_import, args=missing, daemon=True) if missing else None
    if thread is not None:
        with suppress(RuntimeError):  # no thread: modules are imported when needed
            thread.start()
    try:
        yield
    finally:
        if thread is not None and thread.ident is not None:
            thread.join()


def _import(*names: str) -> None:
    for name in names:
        with suppress(Exception):
            import_module(name)
