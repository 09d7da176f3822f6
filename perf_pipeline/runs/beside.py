"""Run work beside the main thread.

No daemon thread: at the end of the process DuckDB would be cut off in the middle of a call, which
aborts the process. Add here: nothing. Keep out: work without an end of its own.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def begun(work: Callable[[], T]) -> Future[T]:
    """Begin work in a thread of its own; the future has its result, or what it raised."""
    future: Future[T] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    Thread(target=do, name="beside").start()
    return future
