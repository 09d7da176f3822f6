"""What takes an answer when it is its turn, on the event loop alone."""

import asyncio
import random
import socket
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from perf_pipeline.engine.clock import MonotonicClock
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Phase
from perf_pipeline.workloads.postgres.statement import PreparedConnection
from perf_pipeline.workloads.postgres.statement_runs import RepeatedStatement, StatementRuns
from perf_pipeline.workloads.postgres.turns import Turns


def runs_on(connection: PreparedConnection, folder: Path) -> StatementRuns:
    """Make runs of a statement for which no number of rows is as it should be."""
    recorder = SpoolRecorder(folder, "main", 0, ("reads",), print)
    series = recorder.series("reads", "postgres", "select")
    recorder.close()
    clock = MonotonicClock(0)
    clock.close()
    repeated = RepeatedStatement(clock, Turns(), series, lambda _: (), lambda _: None)
    runs = StatementRuns(repeated, connection, 0)
    runs._iteration = Iteration("reads", "postgres", 1, 0, 0, Phase.MEASURED, random.Random(1))
    return runs


def test_an_error_that_comes_as_a_run_is_cut_off_does_not_fail_the_next_one(tmp_path: Path) -> None:
    async def main() -> int:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            where = f"host=127.0.0.1 port={deaf.getsockname()[1]}"
            begun = pq.PGconn.connect_start(where.encode())
            connection = PreparedConnection(psycopg.AsyncConnection(begun))
            runs = runs_on(connection, tmp_path)
            cut_off = runs._expect_end()
            runs.refuse(TimeoutError())
            cut_off.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cut_off

            following = runs._expect_end()
            runs.take(begun.make_empty_result(pq.ExecStatus.TUPLES_OK), 0)
            rows = await following
            await connection.close()
            return rows

    assert asyncio.run(main()) == 0
