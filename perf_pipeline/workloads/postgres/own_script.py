"""Scenarios that run pgbench's scripts: an iteration is one run of one of them.

Each VU is a client of pgbench: a connection of its own, and variables that it keeps.
Parameters: `own`, the profile's; `folder`, where its scripts are. Secret: `postgres_dsn`.
Add here: another kind of step. Keep out: the language (config/pgbench/), values
(script_values.py), samples and connections (client.py).
"""

from bisect import bisect
from collections.abc import Coroutine, Mapping
from functools import partial
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.pgbench.parameters import SCALE, PgbenchParameters
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.errors import ProfileError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.postgres.client import CONFLICTS, Request, SqlAnswer, SqlClient
from perf_pipeline.workloads.postgres.clients import Clients
from perf_pipeline.workloads.postgres.script_functions import number, truth
from perf_pipeline.workloads.postgres.script_runs import (
    ScriptRuns,
    StraightScript,
    UnworkableError,
    is_straight,
)
from perf_pipeline.workloads.postgres.script_scale import counted_scale
from perf_pipeline.workloads.postgres.script_values import DEFAULT_SEED, ScriptState, Variable
from perf_pipeline.workloads.postgres.scripts import (
    CLIENT,
    PREPARED,
    ReadyScript,
    ReadySet,
    ReadySleep,
    ReadyStatement,
    ready_scripts,
)
from perf_pipeline.workloads.postgres.sql_session import SqlSession

_OK: Final = Outcome.OK
_ROLLBACK: Final = b"rollback"
_EXPRESSION: Final = "expression"
_NO_SINGLE_ROW: Final = "gset"
_LEFT_OPEN: Final = "open_transaction"


class _Client:
    """Hold what belongs to one client: its connection and its variables."""

    __slots__ = ("begun_us", "client", "runs", "state")

    def __init__(self, client: SqlClient, variables: Mapping[str, Variable]) -> None:
        self.client = client
        self.state = ScriptState(dict(variables))
        self.begun_us: int | None = None
        self.runs: ScriptRuns | None = None


class OwnScript:
    """Run scripts; each statement is a sample, and so is a whole run, as a transaction.

    A run was intended when its iteration was. As in pgbench it lasts from its first statement to
    its last, with what the script sleeps and what is run again.
    """

    protocol = "postgres"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self) -> None:
        self._users: dict[int, _Client] = {}
        self._straight: StraightScript | None = None

    async def open(self, context: WorkerContext) -> None:
        """Read the scripts, and connect as often as there are VUs.

        Raises:
            TargetUnavailableError: PostgreSQL refuses.
            ProfileError: a file changed since the profile was checked.
        """
        own = PgbenchParameters.model_validate(context.parameters["own"])
        self._clock, self._recorder = context.clock, context.recorder
        self._retries = own.retries
        self._think_time_us, self._timeout_s = own.think_time_us, own.timeout_us / US_PER_S
        scale = own.scale or await counted_scale(context, own)
        self._variables = given_variables(own, scale, context.seed)
        try:
            folder = Path(context.parameters["folder"])
            self._scripts = ready_scripts(own, folder, self._variables)
        except ValueError as error:
            raise ProfileError("of the run", [str(error)]) from error
        self._is_single = len(self._scripts) == 1
        self._bounds = list(accumulate(script.weight for script in self._scripts))
        prepared = [
            (statement.name, statement.text)
            for script in self._scripts
            for statement in script.statements
            if own.protocol == PREPARED
        ]
        self._context = context
        self._can_be_straight = (
            self._is_single
            and not self._retries
            and not self._think_time_us[1]
            and is_straight(self._scripts[0])
        )
        self._clients = await Clients.open(context, prepared)

    async def close(self) -> None:
        """Close the connections of all VUs."""
        await self._clients.close()

    async def iterate(self, iteration: Iteration) -> None:
        """Run one of the scripts, then think."""
        user = self._user(iteration)
        script = self._scripts[0] if self._is_single else self._chosen(iteration)
        try:
            if self._can_be_straight and (session := user.client.session) is not None:
                answer = await self._run_straight(user, iteration, script, session)
                if answer is None:
                    return
            elif self._retries:
                answer = await self._until_done(user, iteration, script)
            else:
                answer = await self._attempt(user, iteration, script, iteration.intended_us, 0)
            self._record(user, iteration, script, answer)
            if self._think_time_us[1]:
                pause_us = iteration.random.randint(*self._think_time_us)
                await self._clock.sleep_until_us(answer.ended_us + pause_us)
        except BaseException:
            user.client.interrupted(iteration, script.name, user.begun_us)
            await self._clients.give_up(user.client)
            raise

    async def _run_straight(
        self, user: _Client, iteration: Iteration, script: ReadyScript, session: SqlSession
    ) -> SqlAnswer | None:
        """Run a straight script, maybe many times; give what ended a run that failed."""
        runs = user.runs
        if runs is None:
            if self._straight is None:
                self._straight = StraightScript(self._context, iteration, script)
            runs = user.runs = ScriptRuns(self._straight, user.client, user.state)
        try:
            answer = await runs.run(iteration, session)
        except UnworkableError as error:
            answer = self._unworkable(script, error.line, error, error.answer, error.from_us)
        finally:
            user.begun_us = runs.begun_us
        if answer is None:
            return None
        if answer.error and not session.is_usable:
            await user.client.close()
        return await self._ended(user, iteration, script, answer, 0)

    def _user(self, iteration: Iteration) -> _Client:
        user = self._users.get(iteration.vu)
        if user is None:
            variables = {**self._variables, CLIENT: iteration.vu - 1}
            user = self._users[iteration.vu] = _Client(self._clients.take(), variables)
        user.state.random = iteration.random
        # Here and not where it is read: mypyc holds to it that nobody has changed it since.
        user.begun_us = None
        return user

    def _chosen(self, iteration: Iteration) -> ReadyScript:
        drawn = iteration.random.random() * self._bounds[-1]
        return self._scripts[bisect(self._bounds, drawn)]

    async def _until_done(
        self, user: _Client, iteration: Iteration, script: ReadyScript
    ) -> SqlAnswer:
        """Run a script, again after a conflict, with what its first attempt met and drew."""
        chance, variables = iteration.random.getstate(), dict(user.state.variables)
        intended_us = iteration.intended_us
        for left in range(self._retries, -1, -1):
            answer = await self._attempt(user, iteration, script, intended_us, left)
            if answer.error not in CONFLICTS or not left:
                break
            intended_us = answer.ended_us
            user.state.variables = dict(variables)
            iteration.random.setstate(chance)
        return answer

    def _record(
        self, user: _Client, iteration: Iteration, script: ReadyScript, answer: SqlAnswer
    ) -> None:
        """Write the sample of the whole run, which is over."""
        begun_us = answer.started_us if user.begun_us is None else user.begun_us
        user.begun_us = None
        outcome = answer.outcome
        user.client.record_transaction(
            iteration, script.name, begun_us, answer.ended_us, outcome, answer.error
        )
        if outcome is not _OK:
            iteration.is_through = False

    async def _attempt(
        self, user: _Client, iteration: Iteration, script: ReadyScript, intended_us: int, left: int
    ) -> SqlAnswer:
        """Run the steps once; give what its success or its end depended on."""
        answer: SqlAnswer | None = None
        at, from_us, steps, state = 0, intended_us, script.steps, user.state
        end = len(steps)
        try:
            while at < end:
                step = steps[at]
                at += 1
                if isinstance(step, ReadyStatement):
                    answer = await self._send(user, iteration, step, from_us, left)
                    from_us = answer.ended_us
                    if user.begun_us is None:
                        user.begun_us = answer.started_us
                    if answer.error:
                        break
                elif isinstance(step, ReadySet):
                    state.variables[step.name] = step.evaluate(state)
                elif isinstance(step, ReadySleep):
                    pause = number(step.evaluate(state)) * step.unit_us
                    from_us = max(from_us, self._clock.now_us()) + max(0, int(pause))
                    await self._clock.sleep_until_us(from_us)
                elif step.condition is None or not truth(step.condition(state)):
                    at = step.to
        except ValueError as error:
            answer = self._unworkable(script, steps[at - 1].line, error, answer, from_us)
        answer = answer or self._nothing(from_us)
        answer.ended_us = max(answer.ended_us, from_us)  # a script may end with a pause
        return await self._ended(user, iteration, script, answer, left)

    def _unworkable(
        self,
        script: ReadyScript,
        line: int,
        error: ValueError,
        answer: SqlAnswer | None,
        from_us: int,
    ) -> SqlAnswer:
        """Return the failure of a run in which an expression has no value."""
        self._recorder.note(f"{script.name} line {line}: {error}")
        answer = answer or self._nothing(from_us)
        answer.outcome, answer.error = Outcome.FAILED, _EXPRESSION
        return answer

    def _nothing(self, from_us: int) -> SqlAnswer:
        """Return the answer to no statement, where a script took a way without one."""
        now_us = max(from_us, self._clock.now_us())
        return SqlAnswer(None, Outcome.OK, "", now_us, now_us, 0)

    async def _ended(
        self, user: _Client, iteration: Iteration, script: ReadyScript, answer: SqlAnswer, left: int
    ) -> SqlAnswer:
        """Leave no transaction open: one of a failed run is rolled back, any other is a failure."""
        session = user.client.session
        if session is None or not session.is_in_transaction:
            return answer
        if not answer.error:
            self._recorder.note(f"{script.name} ends within a transaction; end it with commit")
            answer.outcome, answer.error = Outcome.FAILED, _LEFT_OPEN
        request = Request(
            f"{script.name}::rollback", SqlSession.send_text, _ROLLBACK, self._timeout_s
        )
        ended = await user.client.ask(iteration, request, (), answer.ended_us, left)
        answer.ended_us = ended.ended_us
        return answer

    def _send(
        self, user: _Client, iteration: Iteration, step: ReadyStatement, from_us: int, left: int
    ) -> Coroutine[None, None, SqlAnswer]:
        variables = user.state.variables
        judge = None if step.gset is None else partial(_take_row, step.gset, variables)
        if not step.template:
            values = step.values(variables)
            return user.client.ask(iteration, step.request, values, from_us, left, judge=judge)
        text = step.written(variables)
        return user.client.ask(iteration, step.request, (), from_us, left, text=text, judge=judge)


def _take_row(prefix: str, variables: dict[str, Variable], answer: SqlAnswer) -> tuple[int, int]:
    """Make variables of the one row; another number of rows is a failure, as in pgbench."""
    result = answer.result
    if result is not None and result.ntuples != 1:
        answer.outcome, answer.error = Outcome.FAILED, _NO_SINGLE_ROW
    elif result is not None:
        for column in range(result.nfields):
            value = result.get_value(0, column)
            name = prefix + (result.fname(column) or b"").decode()
            variables[name] = None if value is None else value.decode()
    return 0, 0


def given_variables(own: PgbenchParameters, scale: int, seed: int) -> dict[str, Variable]:
    """Return the variables that every client begins with."""
    return {SCALE: scale, DEFAULT_SEED: seed, "random_seed": seed, **own.variables}
