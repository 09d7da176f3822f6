"""What takes an answer when it is its turn, on the event loop alone."""

import asyncio

import pytest
from psycopg import pq

from perf_pipeline.workloads.postgres.turns import TakesTurns, Turns


class _OneAnswer(TakesTurns[str]):
    """Tell what came of one answer."""

    __slots__ = ()

    async def run(self) -> str:
        return await self._expect_end()

    def _answered(self) -> None:
        self._over.set_result("answered")

    def _fail(self, error: Exception) -> None:
        self._over.set_exception(error)


def test_an_error_that_comes_as_a_run_is_cut_off_does_not_fail_the_next_one() -> None:
    async def main() -> str:
        runs = _OneAnswer(Turns())
        cut_off = asyncio.ensure_future(runs.run())
        await asyncio.sleep(0)
        runs.set_exception(TimeoutError())
        cut_off.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut_off

        following = asyncio.ensure_future(runs.run())
        await asyncio.sleep(0)
        connection = pq.PGconn.connect_start(b"")
        runs.set_result(connection.make_empty_result(pq.ExecStatus.TUPLES_OK))
        return await following

    assert asyncio.run(main()) == "answered"
