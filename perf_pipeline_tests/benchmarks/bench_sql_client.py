"""Measure what a SQL transaction costs a worker beside the server, the kernel and libpq.

A session that answers at once takes the place of the network; virtual user, script, samples and
spool are real. So the figures hold on a busy machine, too: the least of many short rounds. Run by
hand: `python -m perf_pipeline_tests.benchmarks.bench_sql_client DSN`, with pgbench's tables (scale
10) in that database. Add here: another script. Keep out: assertions, and rates (bench_scripts.py).
"""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from unittest import mock

import psycopg
import uvloop
from psycopg import pq

from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.engine.clock import MonotonicClock
from perf_pipeline.engine.loading import load_workload
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.engine.vus import VirtualUser
from perf_pipeline.plan.phases import measured_window
from perf_pipeline.plan.stripes import stripe_of
from perf_pipeline.workloads.postgres.sql_session import SqlSession
from perf_pipeline_tests.benchmarks.bench_scripts import SQL_ALONE, job_parameters, workload_of

ROUNDS: Final = 100
ITERATIONS: Final = 300
CASES: Final = (
    ("select-only", "prepared"),
    ("select-only", SQL_ALONE),
    ("tpcb-like", "prepared"),
    ("tpcb-like", SQL_ALONE),
)


def answering(result: pq.abc.PGresult) -> Callable[..., None]:
    """Return what answers a request at once, with what a server once said."""

    def send(session: SqlSession, *_: object) -> None:
        session.answered_ns = time.monotonic_ns()
        taker, session._answer = session._answer, None
        assert taker is not None
        taker.take(result, 1)

    return send


async def cost_us(dsn: str, script: str, protocol: str) -> float:
    """Run a script with one virtual user; give the least µs of CPU an iteration."""
    executor = ConstantVUs.model_validate({"executor": "constant-vus", "vus": 1, "duration": "9h"})
    stripe = stripe_of(executor, 0, 1)
    assert stripe is not None
    clock = MonotonicClock(time.monotonic_ns())
    with tempfile.TemporaryDirectory() as folder:
        recorder = SpoolRecorder(Path(folder), "main", 0, ("bench",), print)
        workload = load_workload(workload_of(protocol))
        parameters = job_parameters(script, protocol, Path(folder))
        secrets = {"postgres_dsn": dsn}
        await workload.open(WorkerContext(0, 1, 1, 1, parameters, secrets, clock, recorder))
        window = measured_window(executor, 0)
        part = ScenarioPart("bench", executor, stripe, 0, window, workload, clock, recorder, seed=1)
        user = VirtualUser(1, part)
        tally, until = part.tally, 1
        user.loop_while(lambda: tally.iterations + 1 < until)
        await user.iterate(0)
        gc.collect()
        gc.freeze()  # as a worker does
        rounds = []
        for _ in range(ROUNDS):
            until = tally.iterations + ITERATIONS
            began_s = time.thread_time()
            while tally.iterations < until:
                await user.iterate(0)
            rounds.append((time.thread_time() - began_s) / ITERATIONS * 1e6)
        await workload.close()
        recorder.close()
        assert not recorder.counts["bench"].failed
    return min(rounds)


async def measured(dsn: str) -> None:
    """Print a line for each case."""
    with psycopg.connect(dsn) as connection:
        result = connection.pgconn.exec_(b"select 1")
        send = answering(result)
        with mock.patch.multiple(SqlSession, send_text=send, send_with=send, send_prepared=send):
            for script, protocol in CASES:
                cost = await cost_us(dsn, script, protocol)
                print(f"{script:12}{protocol:10}{cost:7.1f} µs a transaction")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measured(sys.argv[1]))
