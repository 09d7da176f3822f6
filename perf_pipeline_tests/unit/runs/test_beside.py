"""What goes on beside the main thread gives its result, or raises, where it is asked for."""

import threading

import pytest

from perf_pipeline.runs.beside import begun


def test_work_goes_on_while_the_main_thread_does_something_else() -> None:
    may_end = threading.Event()

    future = begun(lambda: may_end.wait(30))
    was_done = future.done()
    may_end.set()

    assert not was_done
    assert future.result(30) is True


def test_what_it_raises_is_raised_where_its_result_is_asked_for() -> None:
    def fail() -> None:
        raise ProcessLookupError("nobody")

    future = begun(fail)

    with pytest.raises(ProcessLookupError, match="nobody"):
        future.result(30)
