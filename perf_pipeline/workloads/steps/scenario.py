"""Scenarios written in the profile: HTTP steps, one after the other, per iteration.

Parameters: `base_url`; `own`, the profile's; `folder`, where its relative paths start; `run`, the
run's id; `env`, the scenario's own values; `ids_files`, of seeded users by set. Secrets:
environment variables, as `env:NAME`.
Add here: what happens between two steps. Keep out: bytes (writing.py), values
(values.py), checks (checks.py), redirects (workloads/http/redirects.py).
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.http_steps import HttpStepsParameters
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.http.connections import Connection, connect_first, connection_maker
from perf_pipeline.workloads.http.parameters import OwnHttpSettings, traces_of
from perf_pipeline.workloads.http.redirects import (
    REDIRECTS,
    following_request,
    target_path,
    with_cookies,
)
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.http.samples import EXPECTED_BY_DEFAULT, note_of, outcome_of
from perf_pipeline.workloads.steps.cookies import CookieJar
from perf_pipeline.workloads.steps.preparing import PreparedStep, prepared_steps
from perf_pipeline.workloads.steps.promising import ReadIds, promise
from perf_pipeline.workloads.steps.values import Scope

_NS_PER_US = 1_000
_SET_COOKIE: Final = b"set-cookie"
_SET_COOKIE_LENGTH: Final = len(_SET_COOKIE)


class _User:
    """Hold what belongs to one virtual user.

    Attributes:
        connection: kept alive between iterations.
        jar: its cookies.
        scope: what its variables read.
        step: of the request under way; None between two.
        intended_us: start of the latest request as it was intended.
        plain_headers: the latest ones that set no cookie; a head that is known brings them again.
    """

    __slots__ = ("connection", "intended_us", "jar", "plain_headers", "scope", "step")

    def __init__(self, connection: Connection, jar: CookieJar, scope: Scope) -> None:
        self.connection = connection
        self.jar = jar
        self.scope = scope
        self.step: PreparedStep | None = None
        self.intended_us = 0
        self.plain_headers: Sequence[tuple[bytes, bytes]] = ()


class HttpSteps:
    """Perform the profile's steps in order; each request is a sample named after its step.

    The first request of an iteration was intended when the iteration was; a later one when the
    one before had ended and its think time was over, so that lateness counts once.
    """

    protocol = "http"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self) -> None:
        self._users: dict[int, _User] = {}

    async def open(self, context: WorkerContext) -> None:
        """Prepare the steps and see whether the target accepts a connection.

        Raises:
            TargetUnavailableError: it does not, or there are too few seeded users.
            ProfileError: a file changed since the profile was checked.
        """
        own = HttpStepsParameters.model_validate(context.parameters["own"])
        self._settings = settings = OwnHttpSettings.read(context, own)
        self._make_connection = connection_maker(settings, own)
        self._steps = prepared_steps(own, settings, context)
        self._traces = traces_of(own, context)
        self._most_hops = own.redirects
        self._keeps_cookies = own.keep_cookies
        self._think_time_us = own.think_time_us
        self._clock, self._record = context.clock, context.recorder.sample
        self._recorder = context.recorder
        self._origin_ns = context.clock.origin_ns
        self.checks = MappingProxyType({step.operation: step.checks for step in own.steps})
        await connect_first(settings, own)

    async def close(self) -> None:
        """Close the connections of all VUs."""
        for user in self._users.values():
            user.connection.close()
        self._users.clear()
        await asyncio.sleep(0)  # the event loop closes sockets on its next turn

    async def iterate(self, iteration: Iteration) -> None:
        """Perform the steps, then think; and so again while the engine lets it, in its place."""
        user = self._user(iteration)
        try:
            await self._perform(user, iteration)
            while self._goes_on(iteration):
                await self._perform(user, iteration)
        except asyncio.CancelledError:
            self._interrupted(user)
            raise

    async def _perform(self, user: _User, iteration: Iteration) -> None:
        """Do one iteration; end it early where a value that is to be saved is missing."""
        intended_us = iteration.intended_us
        for step in self._steps:
            data = step.writer.static or step.writer.write(user.scope)
            result = await self._sending(step, user, data, intended_us)
            self._received(user, data, result)
            if result.status in REDIRECTS and result.status not in step.stops_at:
                result, intended_us = await self._follow(step, user, data, result, intended_us)
            expectation = step.expectation
            passed = expectation.passed(result, user.scope)
            failed = expectation.every ^ passed
            if step.message_ids is not None and not failed:
                self._promise(step.message_ids, step, user, result, intended_us)
            intended_us = self._sample(step, user, result, intended_us, passed, failed)
            if failed & expectation.saving:
                iteration.is_through = False
                iteration.is_incomplete = not result.error
                break
            if step.think_time_us[1]:
                intended_us = await self._pause(step.think_time_us, iteration, intended_us)
        if self._think_time_us[1]:
            await self._pause(self._think_time_us, iteration, intended_us)

    def _goes_on(self, iteration: Iteration) -> bool:
        """Begin another iteration in the place of one that went well and gave others a turn."""
        if not (iteration.is_through and iteration.has_waited):
            return False
        if iteration.follow is None or not iteration.follow():
            return False
        iteration.has_waited = False
        self._user(iteration)
        return True

    def _user(self, iteration: Iteration) -> _User:
        user = self._users.get(iteration.vu)
        if user is None:
            jar = CookieJar(self._settings.origin)
            user = _User(self._make_connection(), jar, Scope(iteration))
            self._users[iteration.vu] = user
        elif user.jar.cookies and not self._keeps_cookies:
            user.jar.clear()
        user.scope.begin(iteration)
        return user

    async def _pause(self, range_us: tuple[int, int], iteration: Iteration, from_us: int) -> int:
        until_us = from_us + iteration.random.randint(*range_us)
        await self._clock.sleep_until_us(until_us)
        return until_us

    def _sending(
        self, step: PreparedStep, user: _User, data: bytes, intended_us: int
    ) -> Awaitable[HttpResult]:
        """Send a request with the user's cookies; `_received` comes after its answer."""
        user.step, user.intended_us = step, intended_us
        sent = self._with_cookies(user.jar, data) if user.jar.cookies else data
        if self._traces is not None:
            sent = self._traces.added(sent, user.scope.iteration)
        return user.connection.send(sent, timeout_us=step.timeout_us, is_head=step.is_head)

    def _received(self, user: _User, data: bytes, result: HttpResult) -> None:
        """Note that a request is over, and take the cookies of its response."""
        user.step = None
        if result.first_byte_ns:
            user.scope.iteration.has_waited = True
        headers = result.headers
        if headers is user.plain_headers:
            return
        for name, _ in headers:
            if len(name) == _SET_COOKIE_LENGTH and name.lower() == _SET_COOKIE:
                user.jar.take(headers, target_path(data))
                return
        user.plain_headers = headers

    async def _follow(
        self, step: PreparedStep, user: _User, data: bytes, result: HttpResult, intended_us: int
    ) -> tuple[HttpResult, int]:
        """Follow redirects; return the last response and when its request was intended."""
        for _ in range(self._most_hops):
            following = following_request(self._settings.origin, data, result)
            if following is None:
                break
            data, intended_us = following, self._sample(step, user, result, intended_us)
            result = await self._sending(step, user, data, intended_us)
            self._received(user, data, result)
            if result.status not in REDIRECTS or result.status in step.stops_at:
                break
        return result, intended_us

    def _with_cookies(self, jar: CookieJar, data: bytes) -> bytes:
        pairs = jar.pairs_for(target_path(data))
        return with_cookies(data, pairs) if pairs else data

    def _promise(
        self,
        message_ids: ReadIds,
        step: PreparedStep,
        user: _User,
        result: HttpResult,
        intended_us: int,
    ) -> None:
        """Note the messages that an answer promises, if it is a right one."""
        outcome, _ = outcome_of(result, step.expectation.statuses)
        if outcome is Outcome.OK:
            started_us, ended_us, _ = result.times(self._origin_ns)
            ids = message_ids(user.scope)
            promise(self._recorder, ids, intended_us, started_us, ended_us)

    def _interrupted(self, user: _User) -> None:
        """Record the request that was under way, if one was."""
        step, user.step = user.step, None
        if step is None:
            return
        self._record(
            user.scope.iteration,
            step.operation,
            self._at_us(user.connection.started_ns),
            self._clock.now_us(),
            Outcome.INTERRUPTED,
            intended_us=user.intended_us,
            bytes_out=user.connection.bytes_out,
        )

    def _sample(
        self,
        step: PreparedStep,
        user: _User,
        result: HttpResult,
        intended_us: int,
        passed: int = 0,
        failed: int = 0,
    ) -> int:
        """Record a request and return its end; a redirect on the way has no checks."""
        expected = step.expectation.statuses
        if result.status in REDIRECTS and not (passed or failed):
            expected = EXPECTED_BY_DEFAULT
        outcome, error = outcome_of(result, expected)
        if result.error and (note := note_of(step.operation, result)):
            self._recorder.note(note)
        started_us, ended_us, phases = result.times(self._origin_ns)
        self._record(
            user.scope.iteration,
            step.operation,
            started_us,
            ended_us,
            outcome,
            intended_us=intended_us,
            status=result.status,
            error=error,
            bytes_out=result.bytes_out,
            bytes_in=result.bytes_in,
            checks_passed=passed,
            checks_failed=failed,
            phases=phases,
        )
        return ended_us

    def _at_us(self, stamp_ns: int) -> int:
        return (stamp_ns - self._origin_ns) // _NS_PER_US
