"""Scenarios written in the profile: HTTP steps, one after the other, per iteration.

Parameters: `base_url`; `own`, the profile's; `folder`, where its relative paths start; `run`, the
run's id; `env`, the scenario's own values; `ids_files`, of seeded users by set. Secrets:
environment variables, as `env:NAME`.
Add here: what happens between two steps. Keep out: bytes (writing.py), values
(values.py), checks (checks.py), redirects (workloads/http/redirects.py).
"""

import asyncio
from collections.abc import Awaitable, Mapping
from types import MappingProxyType

from perf_pipeline.config.http_steps import HttpStepsParameters
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.workloads.http.connections import connect_first, load_connection_maker
from perf_pipeline.workloads.http.parameters import OwnHttpSettings, traces_of
from perf_pipeline.workloads.http.redirects import REDIRECTS, following_request
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.steps.cookies import CookieJar
from perf_pipeline.workloads.steps.preparing import PreparedStep, prepared_steps
from perf_pipeline.workloads.steps.step_book import StepBook, StepUser
from perf_pipeline.workloads.steps.straight_steps import (
    ENDED,
    PAUSE,
    SEND,
    StepLeg,
    StepPlan,
    StraightSteps,
)


class HttpSteps:
    """Perform the profile's steps in order; each request is a sample named after its step.

    The first request of an iteration was intended when the iteration was; a later one when the
    one before had ended and its think time was over, so that lateness counts once.
    """

    protocol = "http"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self) -> None:
        self._users: dict[int, tuple[StepUser, StraightSteps]] = {}

    async def open(self, context: WorkerContext) -> None:
        """Prepare the steps and see whether the target accepts a connection.

        Raises:
            TargetUnavailableError: it does not, or there are too few seeded users.
            ProfileError: a file changed since the profile was checked.
        """
        own = HttpStepsParameters.model_validate(context.parameters["own"])
        self._settings = settings = OwnHttpSettings.read(context, own)
        self._make_connection = load_connection_maker(settings, own)
        self._steps = prepared_steps(own, settings, context)
        self._most_hops, self._clock = own.redirects, context.clock
        self._think_time_us = own.think_time_us
        traces = traces_of(own, context)
        self._book = StepBook(context, traces, keeps_cookies=own.keep_cookies)
        self._plan: StepPlan | None = None
        self.checks = MappingProxyType({step.operation: step.checks for step in own.steps})
        await connect_first(settings, own)

    async def close(self) -> None:
        """Close the connections of all VUs."""
        for user, _ in self._users.values():
            user.connection.close()
        self._users.clear()
        await asyncio.sleep(0)  # the event loop closes sockets on its next turn

    async def iterate(self, iteration: Iteration) -> None:
        """Perform the steps, then think; and so again while the engine lets it, in its place."""
        user, straight = self._user(iteration)
        straight.begin(iteration)
        try:
            while (what := await straight.run()) != ENDED:
                if what == PAUSE:
                    await self._pause(user, straight)
                else:
                    await self._send(user, straight, what)
        except asyncio.CancelledError:
            self._book.interrupted(user)
            raise

    def _user(self, iteration: Iteration) -> tuple[StepUser, StraightSteps]:
        known = self._users.get(iteration.vu)
        if known is not None:
            known[0].begin(iteration, keeps_cookies=self._book.keeps_cookies)
            return known
        if self._plan is None:
            self._plan = self._planned(iteration)
        jar = CookieJar(self._settings.origin)
        user = StepUser(self._make_connection(), jar, iteration)
        self._users[iteration.vu] = known = user, StraightSteps(self._plan, user)
        return known

    def _planned(self, iteration: Iteration) -> StepPlan:
        """Prepare what all users share; this is the first iteration of any of them."""
        after_all = (self._think_time_us,) if self._think_time_us[1] else ()
        last, legs = self._steps[-1], list[StepLeg]()
        for step in self._steps:
            after = (step.think_time_us,) if step.think_time_us[1] else ()
            pauses = (*after, *after_all) if step is last else after
            legs.append(StepLeg(step, self._book.series(step, iteration), pauses))
        return StepPlan(self._book, legs, after_all)

    async def _pause(self, user: StepUser, straight: StraightSteps) -> None:
        """Pause as long as is due; the next request is intended at the end."""
        pauses, straight.pauses = straight.pauses, ()
        for shortest_us, longest_us in pauses:
            length_us = user.scope.iteration.random.randint(shortest_us, longest_us)
            user.intended_us += length_us
            await self._clock.sleep_until_us(user.intended_us)

    async def _send(self, user: StepUser, straight: StraightSteps, what: int) -> None:
        """Do all of a step that needs a connection, or another request."""
        step = straight.leg.step
        if what == SEND:
            data = step.writer.static or step.writer.write(user.scope)
            result = await self._sending(user, step, data)
        else:
            data = straight.data
            result = await user.connection.conclude(
                straight.error, straight.sent, timeout_us=step.timeout_us, is_head=step.is_head
            )
        self._received(user, data, result)
        if result.status in REDIRECTS and result.status not in step.stops_at:
            result = await self._follow(user, step, data, result)
        straight.advance(self._book.judge(user, step, result))

    def _sending(self, user: StepUser, step: PreparedStep, data: bytes) -> Awaitable[HttpResult]:
        """Send a request with the user's cookies; `_received` comes after its answer."""
        user.step = step
        sent = self._book.sent(user, data)
        return user.connection.send(sent, timeout_us=step.timeout_us, is_head=step.is_head)

    def _received(self, user: StepUser, data: bytes, result: HttpResult) -> None:
        """Note that a request is over, and take the cookies of its response."""
        user.step = None
        if result.first_byte_ns:
            user.scope.iteration.has_waited = True
        self._book.take_cookies(user, data, result.headers)

    async def _follow(
        self, user: StepUser, step: PreparedStep, data: bytes, result: HttpResult
    ) -> HttpResult:
        """Follow redirects; return the last response."""
        for _ in range(self._most_hops):
            following = following_request(self._settings.origin, data, result)
            if following is None:
                break
            data, user.intended_us = following, self._book.sample(user, step, result)
            result = await self._sending(user, step, data)
            self._received(user, data, result)
            if result.status not in REDIRECTS or result.status in step.stops_at:
                break
        return result
