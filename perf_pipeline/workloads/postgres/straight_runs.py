"""Runs whose every statement follows from the answer to the one before: no branch, pause or retry.

While all goes well, nothing but the answers of the server drives it: no coroutine ends and begins
between two statements or two runs, which costs more than all the rest (docs/performance.md). What
fails ends the run and is reported as for any other.
Add here: another way for a run to go on. Keep out: where values come from (script_runs.py,
sql_runs.py), and what becomes of a run that failed (own_script.py, own_sql.py).
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

import psycopg

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.catalog import TRANSACTIONS
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.postgres.client import Request, SqlAnswer, SqlClient
from perf_pipeline.workloads.postgres.exchange import Values, now_ns
from perf_pipeline.workloads.postgres.sql_session import SqlSession
from perf_pipeline.workloads.postgres.turns import TakesTurns, Turns

_NS_PER_US: Final = 1_000
Answered = Callable[[Iteration, int, int, int, int, int], None]


class Leg:
    """Hold a request of a run, and what records its samples that went well.

    Args:
        request: what is asked for.
        answered: takes them (`ports.SampleSeries`).

    Attributes:
        send: sends it; with `text` where that is the same each time, and `timeout_s`.
    """

    __slots__ = ("answered", "operation", "send", "text", "timeout_s")

    def __init__(self, request: Request, answered: Answered) -> None:
        self.operation, self.send = request.operation, request.send
        self.text, self.timeout_s = request.text, request.timeout_s
        self.answered = answered


class StraightPlan:
    """Hold what all runs of a scenario's clients have in common.

    Args:
        context: the context of the worker.
        iteration: one of the scenario whose samples the runs write.
        whole: names the samples of whole runs; None where there are none.

    Attributes:
        turns: the turns of the scenario in this worker.
    """

    __slots__ = ("iteration", "origin_ns", "recorder", "turns", "whole")

    def __init__(self, context: WorkerContext, iteration: Iteration, whole: str | None) -> None:
        self.origin_ns = context.clock.origin_ns
        self.recorder, self.iteration = context.recorder, iteration
        self.turns = Turns()
        self.whole: Answered | None = None
        if whole is not None:
            series = context.recorder.series(iteration.scenario, TRANSACTIONS, whole)
            self.whole = series.answered

    def answered(self, operation: str) -> Answered:
        """Return what records the samples of an operation that went well."""
        iteration = self.iteration
        return self.recorder.series(iteration.scenario, iteration.protocol, operation).answered


class StraightRuns(TakesTurns[SqlAnswer | None]):
    """Run the same requests for one client, again and again while the engine lets it.

    Args:
        plan: the plan of the scenario.
        client: whose connection is used.
        legs: the requests.

    Attributes:
        begun_us: when the run under way began its first statement, once that is answered.
        started_us: when the latest request was sent.
    """

    __slots__ = (
        "_at",
        "_client",
        "_from_us",
        "_iteration",
        "_leg",
        "_legs",
        "_number",
        "_origin_ns",
        "_session",
        "_text",
        "_whole",
        "begun_us",
        "started_us",
    )

    def __init__(self, plan: StraightPlan, client: SqlClient, legs: list[Leg]) -> None:
        super().__init__(plan.turns)
        self._client, self._legs, self._number = client, legs, len(legs)
        self._whole, self._leg, self._text = plan.whole, legs[0], b""
        self._origin_ns = plan.origin_ns
        self._at = self.started_us = self._from_us = 0
        self.begun_us: int | None = None

    async def run(self, iteration: Iteration, session: SqlSession) -> SqlAnswer | None:
        """Run them; give what ended a run, or None where the last one is written down.

        Raises:
            UnworkableError: an expression of a script has no value.
        """
        self._iteration, self._session = iteration, session
        over = self._expect_end()
        self._begin()
        try:
            return await over
        except asyncio.CancelledError:
            if over.cancelled():  # else the answer came first, and all is written down
                self._cut_off(iteration)
            raise

    @abstractmethod
    def _values(self) -> Values | None:
        """Return the values of the leg at `_at`, or None where that has ended the run.

        What is sent is `_text`, which is the text of the leg before this is asked.
        """

    @abstractmethod
    def _take(self, ended_us: int) -> bool:
        """Write down the sample of the leg; False where the run has ended with it."""

    @abstractmethod
    def _ends_well(self) -> bool:
        """Say whether a run may end here."""

    def _cut_off(self, iteration: Iteration) -> None:
        """Write down the request whose answer nobody awaits any more."""
        self._client.cut_off(iteration, self._leg.operation, self._from_us, self.started_us)

    def _begin(self) -> None:
        self._at, self._from_us, self.begun_us = 0, self._iteration.intended_us, None
        self._ask()

    def _ask(self) -> None:
        """Send the request of a leg."""
        leg = self._leg = self._legs[self._at]
        self._text = leg.text
        values = self._values()
        if values is None:
            return
        session = self._session
        session.expect(self)
        self.started_us = (now_ns() - self._origin_ns) // _NS_PER_US
        try:
            leg.send(session, self._text, values, leg.timeout_s)
        except psycopg.Error as error:
            self.refuse(error)

    def _answered(self) -> None:
        """Write down what was answered, and ask for the next."""
        ended_us = (self._session.answered_ns - self._origin_ns) // _NS_PER_US
        if not self._take(ended_us):
            return
        if self._at == 0:
            self.begun_us = self.started_us
        self._from_us = ended_us
        self._at += 1
        if self._at < self._number:
            self._ask()
        elif self._ends_well():
            self._end(ended_us)
        else:
            self._over.set_result(self._before())

    def _end(self, ended_us: int) -> None:
        """Write the run down, and begin the next one where there is to be one."""
        iteration, begun_us = self._iteration, self.begun_us
        assert begun_us is not None
        self.begun_us = None
        iteration.has_waited = True
        if self._whole is not None:
            self._whole(iteration, iteration.intended_us, begun_us, ended_us, 1, 0)
        if iteration.follow is not None and iteration.follow():
            self._begin()
        else:
            self._over.set_result(None)

    def _fail(self, error: Exception) -> None:
        operation = self._leg.operation
        answer = self._client.failed(
            self._iteration, operation, self._from_us, self.started_us, error
        )
        self._end_with(answer)

    def _end_with(self, answer: SqlAnswer) -> None:
        """End the runs with an answer that is a failure, and is written down."""
        self._iteration.has_waited = True
        if self.begun_us is None:
            self.begun_us = self.started_us
        self._over.set_result(answer)

    def _before(self) -> SqlAnswer | None:
        """Return the answer to the statement before, of which only its times are of use."""
        if self._at == 0:
            return None
        return SqlAnswer(None, Outcome.OK, "", self.started_us, self._from_us, 0)
