"""Run work concurrently with the main thread.

The thread is not a daemon: at the end of the process DuckDB would be cut off in the middle of a
call, which aborts the process. Add here: nothing. Keep out: work that does not end by itself.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def begun(work: Callable[[], T]) -> Future[T]:
    """Start work in a separate thread; the future has its result or exception."""
    future: Future[T] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    Thread(target=do, name="beside").start()
    return future
