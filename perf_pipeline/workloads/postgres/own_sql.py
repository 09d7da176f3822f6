"""Scenarios written in the profile as SQL: one statement, or several as a transaction.

Each VU has a connection of its own, like a client of pgbench, opened before the load.
Parameters: `own`, the profile's; `folder`, where its relative paths start; `run`, the run's id;
`env`, the scenario's own values; `query_files`, of data sets by query. Secrets: `postgres_dsn`, and
environment variables as `env:NAME`.
Add here: what happens between two statements. Keep out: samples and connections (client.py), texts
and checks (statements.py).
"""

from collections.abc import Coroutine, Mapping
from functools import partial
from types import MappingProxyType

from perf_pipeline.config.http_steps import operation_of
from perf_pipeline.config.sql_statements import BEGIN, COMMIT, ROLLBACK, SqlParameters
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.postgres.client import CONFLICTS, Request, SqlAnswer, SqlClient
from perf_pipeline.workloads.postgres.clients import Clients
from perf_pipeline.workloads.postgres.sql_runs import SqlRuns, StraightSql
from perf_pipeline.workloads.postgres.sql_session import SqlSession
from perf_pipeline.workloads.postgres.statements import OwnStatement, own_statements
from perf_pipeline.workloads.steps.data import surroundings_of
from perf_pipeline.workloads.steps.values import Scope


class _SqlUser:
    """Hold what belongs to one virtual user: its connection, and what its variables read."""

    __slots__ = ("begun_us", "client", "runs", "scope")

    def __init__(self, client: SqlClient, iteration: Iteration) -> None:
        self.client = client
        self.scope = Scope(iteration)
        self.begun_us: int | None = None
        self.runs: SqlRuns | None = None


class OwnSql:
    """Run the profile's statements in order; each is a sample, and so is a whole transaction.

    The first statement of an iteration was intended when the iteration was; a later one when the
    one before had ended and its think time was over. A transaction was intended when its iteration
    was, and lasts from the start of its first begin to the answer to its commit.
    """

    protocol = "postgres"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self) -> None:
        self._users: dict[int, _SqlUser] = {}
        self._straight: StraightSql | None = None

    async def open(self, context: WorkerContext) -> None:
        """Prepare the statements, and connect as often as there are VUs.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or there are too few rows of data.
            ProfileError: a file changed since the profile was checked.
        """
        own = SqlParameters.model_validate(context.parameters["own"])
        self._statements = own_statements(own, surroundings_of(own, context))
        self._context, self._clock, self._retries = context, context.clock, own.retries
        self._think_time_us, self._name = own.think_time_us, own.transaction
        begin = f"begin isolation level {own.isolation}" if own.isolation else BEGIN
        self._controls = {
            control: Request(
                operation_of(control, own.transaction),
                SqlSession.send_text,
                text.encode(),
                own.timeout_us / US_PER_S,
            )
            for control, text in ((BEGIN, begin), (COMMIT, COMMIT), (ROLLBACK, ROLLBACK))
        }
        self.checks = MappingProxyType(
            {operation.name: operation.checks for operation in own.operations}
        )
        prepared = (
            [(statement.name, statement.text) for statement in self._statements]
            if own.prepared
            else []
        )
        # Then each request follows from the answer to the one before, and from nothing else.
        self._is_straight = not self._retries and not any(
            pause_us[1]
            for pause_us in (own.think_time_us, *(s.think_time_us for s in self._statements))
        )
        self._clients = await Clients.open(context, prepared)

    async def close(self) -> None:
        """Close the connections of all VUs."""
        await self._clients.close()

    async def iterate(self, iteration: Iteration) -> None:
        """Run the statements, then think; end early where one of them fails or has no value."""
        user = self._user(iteration)
        try:
            if self._is_straight and (session := user.client.session) is not None:
                await self._run_straight(user, iteration, session)
                return
            if self._name is None:
                intended_us = await self._each(user, iteration)
            else:
                intended_us = await self._transaction(user, iteration, self._name)
            if self._think_time_us[1]:
                await self._pause(self._think_time_us, iteration, intended_us)
        except BaseException:
            user.client.interrupted(iteration, self._name, user.begun_us)
            await self._clients.give_up(user.client)
            raise

    def _user(self, iteration: Iteration) -> _SqlUser:
        user = self._users.get(iteration.vu)
        if user is None:
            user = self._users[iteration.vu] = _SqlUser(self._clients.take(), iteration)
        user.scope.begin(iteration)
        user.begun_us = None
        return user

    async def _run_straight(
        self, user: _SqlUser, iteration: Iteration, session: SqlSession
    ) -> None:
        """Run the statements, maybe many times; report a failure as in any other iteration."""
        runs = user.runs or self._runs_of(user, iteration)
        try:
            answer = await runs.run(iteration, session)
        finally:
            user.begun_us = runs.begun_us
        if answer is None:
            return
        if answer.result is None and not session.is_usable:
            await user.client.close()
        if self._name is not None:
            answer = await self._rolled_back(user, answer, 0)
            self._record_transaction(user, iteration, self._name, answer)
        self._ends(iteration, answer)

    def _runs_of(self, user: _SqlUser, iteration: Iteration) -> SqlRuns:
        if self._straight is None:
            begin, commit = self._controls[BEGIN], self._controls[COMMIT]
            steps: list[OwnStatement | Request] = [*self._statements]
            if self._name is not None:
                steps = [begin, *steps, commit]
            self._straight = StraightSql(self._context, iteration, steps, self._name)
        runs = user.runs = SqlRuns(self._straight, user.client, user.scope)
        return runs

    async def _pause(self, range_us: tuple[int, int], iteration: Iteration, from_us: int) -> int:
        until_us = from_us + iteration.random.randint(*range_us)
        await self._clock.sleep_until_us(until_us)
        return until_us

    async def _each(self, user: _SqlUser, iteration: Iteration) -> int:
        """Run each statement as a transaction of its own; give when the last one had ended."""
        intended_us = iteration.intended_us
        for statement in self._statements:
            values = statement.values(user.scope)
            for left in range(self._retries, -1, -1):
                answer = await self._run(user, statement, values, intended_us, left)
                intended_us = answer.ended_us
                if answer.error not in CONFLICTS:
                    break
            if answer.error:
                self._ends(iteration, answer)
                break
            if statement.think_time_us[1]:
                intended_us = await self._pause(statement.think_time_us, iteration, intended_us)
        return intended_us

    async def _transaction(self, user: _SqlUser, iteration: Iteration, name: str) -> int:
        """Run the statements as a transaction, again after a conflict; give when it had ended."""
        state = iteration.random.getstate() if self._retries else None
        intended_us = iteration.intended_us
        for left in range(self._retries, -1, -1):
            answer = await self._attempt(user, iteration, intended_us, left)
            if answer.error not in CONFLICTS or not left:
                break
            intended_us = answer.ended_us
            user.scope.saved.clear()
            if state is not None:
                iteration.random.setstate(state)
        self._record_transaction(user, iteration, name, answer)
        if answer.error:
            self._ends(iteration, answer)
        return answer.ended_us

    def _record_transaction(
        self, user: _SqlUser, iteration: Iteration, name: str, answer: SqlAnswer
    ) -> None:
        """Write the sample of a transaction, which is over."""
        assert user.begun_us is not None
        user.client.record_transaction(
            iteration, name, user.begun_us, answer.ended_us, answer.outcome, answer.error
        )
        user.begun_us = None

    async def _attempt(
        self, user: _SqlUser, iteration: Iteration, intended_us: int, left: int
    ) -> SqlAnswer:
        """Try the transaction once; give what its success or its end depended on."""
        if user.begun_us is None:
            user.begun_us = self._clock.now_us()
        answer = await self._control(user, BEGIN, intended_us, left)
        if answer.error:
            return answer
        for statement in self._statements:
            values = statement.values(user.scope)
            answer = await self._run(user, statement, values, answer.ended_us, left)
            if answer.error:
                return await self._rolled_back(user, answer, left)
            if statement.think_time_us[1]:
                answer.ended_us = await self._pause(
                    statement.think_time_us, iteration, answer.ended_us
                )
        return await self._control(user, COMMIT, answer.ended_us, left)

    async def _rolled_back(self, user: _SqlUser, answer: SqlAnswer, left: int) -> SqlAnswer:
        """End the transaction where its connection is still there; its reason stays the first."""
        session = user.client.session
        if session is not None and session.is_in_transaction:
            ended = await self._control(user, ROLLBACK, answer.ended_us, left)
            answer.ended_us = ended.ended_us
        return answer

    def _control(
        self, user: _SqlUser, what: str, intended_us: int, left: int
    ) -> Coroutine[None, None, SqlAnswer]:
        request = self._controls[what]
        return user.client.ask(user.scope.iteration, request, (), intended_us, left)

    def _run(
        self,
        user: _SqlUser,
        statement: OwnStatement,
        values: list[bytes],
        intended_us: int,
        left: int,
    ) -> Coroutine[None, None, SqlAnswer]:
        """Run a statement, judge its answer and write its sample."""
        return user.client.ask(
            user.scope.iteration,
            statement.request,
            values,
            intended_us,
            left,
            bytes_out=sum(map(len, values)),
            judge=partial(statement.judge, user.scope) if statement.every else None,
        )

    def _ends(self, iteration: Iteration, answer: SqlAnswer) -> None:
        """Say that a failure ended the iteration before its end."""
        iteration.is_through = False
        iteration.is_incomplete = answer.outcome is Outcome.OK
