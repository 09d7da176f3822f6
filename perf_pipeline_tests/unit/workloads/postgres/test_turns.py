"""What takes an answer when it is its turn, on the event loop alone."""

import asyncio
import random
import socket
from functools import partial
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
from perf_pipeline.workloads.postgres.turns import Turns, turns_here


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
            runs.set_exception(TimeoutError())
            cut_off.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cut_off

            following = runs._expect_end()
            runs.set_result(begun.make_empty_result(pq.ExecStatus.TUPLES_OK))
            rows = await following
            await connection.close()
            return rows

    assert asyncio.run(main()) == 0


def test_all_answers_that_are_there_are_read_before_anybody_goes_on() -> None:
    async def main() -> list[str]:
        turns, told = turns_here(), list[str]()
        over = asyncio.get_running_loop().create_future()
        pairs = {name: socket.socketpair() for name in ("a", "b", "c")}

        def read(name: str) -> None:
            told.append(f"read {name}")
            pairs[name][0].recv(1)
            turns.add(lambda: told.append(f"go on {name}"))
            if len(told) == len(pairs):
                turns.add(lambda: over.set_result(None))

        for name, (ours, theirs) in pairs.items():
            turns.watch(ours.fileno(), partial(read, name))
            theirs.send(b"x")
        await over
        for ours, theirs in pairs.values():
            turns.forget(ours.fileno())
            ours.close()
            theirs.close()
        return told

    told = asyncio.run(main())
    assert sorted(told[:3]) == ["read a", "read b", "read c"]
    assert sorted(told[3:]) == ["go on a", "go on b", "go on c"]


def test_a_socket_that_another_ones_answer_closed_is_read_no_more() -> None:
    async def main() -> list[int]:
        turns, read, first = turns_here(), list[int](), asyncio.Event()
        pairs = [socket.socketpair() for _ in range(2)]

        def close_all(number: int) -> None:
            read.append(number)
            first.set()
            for ours, _ in pairs:
                turns.forget(ours.fileno())
                ours.close()

        for number, (ours, theirs) in enumerate(pairs):
            turns.watch(ours.fileno(), partial(close_all, number))
            theirs.send(b"x")
        await first.wait()
        await asyncio.sleep(0.01)
        for _, theirs in pairs:
            theirs.close()
        return read

    before = open_files()
    assert len(asyncio.run(main())) == 1
    assert open_files() == before  # the epoll is closed with its last socket


def open_files() -> int:
    """Count the descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
