"""What a load waits for: the storing of the benchmark before it."""

from concurrent.futures import Future

import pytest

from perf_pipeline.loading.storing import Storing


def test_a_failure_is_raised_once_and_never_to_whoever_only_waits() -> None:
    failed = Future[None]()
    failed.set_exception(OSError("no space left"))
    storing = Storing(failed)

    storing.await_end()
    with pytest.raises(OSError, match="no space left"):
        storing.finish()
    storing.finish()


def test_nobody_waits_where_nothing_is_stored() -> None:
    storing = Storing()

    storing.await_end()
    storing.finish()

    assert (storing.work, storing.heard()) == (None, [])


def test_what_was_told_is_heard_once() -> None:
    storing = Storing(told=["api waits in the spool"])

    assert storing.heard() == ["api waits in the spool"]
    assert storing.heard() == []
