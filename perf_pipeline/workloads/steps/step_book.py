"""A virtual user of steps: what is done before each of its requests, and after each answer.

Add here: what holds for each request, however it is waited for. Keep out: waiting (scenario.py,
straight_steps.py).
"""

from typing import Final

from perf_pipeline.engine.ports import AnswerSeries, Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.redirects import REDIRECTS, target_path, with_cookies
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.http.samples import EXPECTED_BY_DEFAULT, note_of, outcome_of
from perf_pipeline.workloads.http.tracing import Traces
from perf_pipeline.workloads.http.wire import Fields
from perf_pipeline.workloads.steps.cookies import CookieJar
from perf_pipeline.workloads.steps.preparing import PreparedStep
from perf_pipeline.workloads.steps.promising import ReadIds, promise
from perf_pipeline.workloads.steps.values import Scope

_NS_PER_US: Final = 1_000
_SET_COOKIE: Final = b"set-cookie"
_SET_COOKIE_LENGTH: Final = len(_SET_COOKIE)


class StepUser:
    """Hold what belongs to one virtual user.

    Args:
        connection: kept alive between iterations.
        jar: its cookies.
        iteration: its first one.

    Attributes:
        scope: what its variables read.
        step: the step of the request under way; None between two.
        intended_us: start of the latest request as it was intended.
        plain_headers: the latest ones that set no cookie; a head that is known brings them again.
    """

    __slots__ = ("connection", "intended_us", "jar", "plain_headers", "scope", "step")

    def __init__(self, connection: HttpConnection, jar: CookieJar, iteration: Iteration) -> None:
        self.connection, self.jar = connection, jar
        self.scope = Scope(iteration)
        self.step: PreparedStep | None = None
        self.intended_us = 0
        self.plain_headers: Fields = ()

    def begin(self, iteration: Iteration, *, keeps_cookies: bool) -> None:
        """Start another iteration, with nothing of the one before but its cookies, if at all."""
        if not keeps_cookies and self.jar.cookies:
            self.jar.clear()
        self.scope.begin(iteration)


class StepBook:
    """Write the requests of a scenario's users, and write down what came of them.

    Args:
        context: the context of the worker.
        traces: gives requests their header; None for none.
        keeps_cookies: a user's iteration begins with the cookies of the one before.

    Attributes:
        origin_ns: what times count from.
        keeps_cookies: as above.
    """

    __slots__ = ("_clock", "_recorder", "_series", "_traces", "keeps_cookies", "origin_ns")

    def __init__(
        self, context: WorkerContext, traces: Traces | None, *, keeps_cookies: bool
    ) -> None:
        self._clock, self._recorder = context.clock, context.recorder
        self._traces, self.keeps_cookies = traces, keeps_cookies
        self.origin_ns = context.clock.origin_ns
        self._series: dict[str, AnswerSeries] = {}

    def series(self, step: PreparedStep, iteration: Iteration) -> AnswerSeries:
        """Return what records the answers to a step that were as expected."""
        series = self._series.get(step.operation)
        if series is None:
            series = self._recorder.answers(iteration.scenario, iteration.protocol, step.operation)
            self._series[step.operation] = series
        return series

    def sent(self, user: StepUser, data: bytes) -> bytes:
        """Return a request as it is sent: with the user's cookies, and its place in a trace."""
        jar = user.jar
        if jar.cookies:
            pairs = jar.pairs_for(target_path(data))
            data = with_cookies(data, pairs) if pairs else data
        if self._traces is not None:
            data = self._traces.added(data, user.scope.iteration)
        return data

    def take_cookies(self, user: StepUser, data: bytes, headers: Fields) -> None:
        """Take the cookies of a response.

        Args:
            user: whose they are.
            data: the request as the profile has it.
            headers: the headers of the response.
        """
        if headers is user.plain_headers:
            return
        for name, _ in headers:
            if len(name) == _SET_COOKIE_LENGTH and name.lower() == _SET_COOKIE:
                user.jar.take(headers, target_path(data))
                return
        user.plain_headers = headers

    def judge(self, user: StepUser, step: PreparedStep, result: HttpResult) -> int:
        """Check the last response to a step, save what it saves, and record it; return its end.

        The iteration is not through where a value that is to be saved is missing.
        """
        expectation, iteration = step.expectation, user.scope.iteration
        passed = expectation.passed(result, user.scope)
        failed = expectation.every ^ passed
        if step.message_ids is not None and not failed:
            self._promise(step.message_ids, step, user, result)
        ended_us = self.sample(user, step, result, passed, failed)
        if failed & expectation.saving:
            iteration.is_through = False
            iteration.is_incomplete = not result.error
        return ended_us

    def _promise(
        self, message_ids: ReadIds, step: PreparedStep, user: StepUser, result: HttpResult
    ) -> None:
        """Note the messages that an answer promises, if it is a right one."""
        outcome, _ = outcome_of(result, step.expectation.statuses)
        if outcome is Outcome.OK:
            started_us, ended_us, _ = result.times(self.origin_ns)
            ids = message_ids(user.scope)
            promise(self._recorder, ids, user.intended_us, started_us, ended_us)

    def sample(
        self,
        user: StepUser,
        step: PreparedStep,
        result: HttpResult,
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
        started_us, ended_us, phases = result.times(self.origin_ns)
        self._recorder.sample(
            user.scope.iteration,
            step.operation,
            started_us,
            ended_us,
            outcome,
            intended_us=user.intended_us,
            status=result.status,
            error=error,
            bytes_out=result.bytes_out,
            bytes_in=result.bytes_in,
            checks_passed=passed,
            checks_failed=failed,
            phases=phases,
        )
        return ended_us

    def interrupted(self, user: StepUser) -> None:
        """Record the request that was under way, if one was."""
        step, user.step = user.step, None
        if step is None:
            return
        self._recorder.sample(
            user.scope.iteration,
            step.operation,
            (user.connection.started_ns - self.origin_ns) // _NS_PER_US,
            self._clock.now_us(),
            Outcome.INTERRUPTED,
            intended_us=user.intended_us,
            bytes_out=user.connection.bytes_out,
        )
