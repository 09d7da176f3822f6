"""Steps of one virtual user that follow one another as the answers come.

While all goes well, nothing but the answers drives them: no coroutine ends and begins between two
requests or two iterations, which costs more than all the rest (docs/decisions/0074). Whatever has
to be waited for is left to a coroutine (scenario.py): a connection, a redirect, a think time.
Add here: another way for steps to go on. Keep out: what an answer means (step_book.py).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from perf_pipeline.engine.ports import AnswerSeries, Iteration
from perf_pipeline.workloads.http.answer_takers import AnswerTurns, TakesItsTurn
from perf_pipeline.workloads.http.redirects import REDIRECTS
from perf_pipeline.workloads.http.wire import Wire
from perf_pipeline.workloads.steps.preparing import PreparedStep
from perf_pipeline.workloads.steps.step_book import StepBook, StepUser

_NS_PER_US: Final = 1_000
ENDED: Final = 0
"""What `StraightSteps.run` gives: the iterations are over."""
SEND: Final = 1
"""The request of the step is to be sent over a new connection."""
CONCLUDE: Final = 2
"""The request of the step was sent; its answer is an error, or a redirect."""
PAUSE: Final = 3
"""The pauses are due."""
Pauses = tuple[tuple[int, int], ...]


class StepLeg:
    """Hold a step as it is performed again and again.

    Args:
        step: the step of the scenario.
        series: records its answers that were as expected.
        pauses: after it, the shortest and longest of each.

    Attributes:
        is_plain: its status says all there is to know of an answer.
        right_status: the status of the latest answer that was as expected and not a redirect to
            follow; -1 at first.
    """

    __slots__ = (
        "every",
        "is_head",
        "is_plain",
        "pauses",
        "right_status",
        "series",
        "static",
        "step",
        "timeout_us",
    )

    def __init__(self, step: PreparedStep, series: AnswerSeries, pauses: Pauses) -> None:
        self.step, self.series, self.pauses = step, series, pauses
        self.static, self.every = step.writer.static, step.expectation.every
        self.timeout_us, self.is_head = step.timeout_us, step.is_head
        expectation = step.expectation
        is_simple = expectation.only_status or not expectation.every
        self.is_plain = is_simple and step.message_ids is None
        self.right_status = -1

    def is_followed(self, status: int) -> bool:
        """Say whether an answer leads to another request."""
        return status in REDIRECTS and status not in self.step.stops_at

    def is_right(self, status: int) -> bool:
        """Say whether a status that leads nowhere else is as expected, and nothing else matters."""
        if self.is_plain and status in self.step.expectation.statuses:
            self.right_status = status
            return True
        return False


class StepPlan:
    """Hold what the steps of all users of a scenario have in common.

    Args:
        book: writes requests, and writes down what came of them.
        legs: the steps.
        last_pauses: after an iteration, however it ended.

    Attributes:
        turns: the turns of the scenario in this worker.
    """

    __slots__ = ("book", "last_pauses", "legs", "turns")

    def __init__(self, book: StepBook, legs: Sequence[StepLeg], last_pauses: Pauses) -> None:
        self.book, self.legs, self.last_pauses = book, list(legs), last_pauses
        self.turns = AnswerTurns()


class StraightSteps(TakesItsTurn):
    """Perform the steps of one user, again and again while the engine lets it.

    Args:
        plan: the plan of the scenario.
        user: who performs them.

    Attributes:
        leg: under way, or the next one.
        data: the latest request, as the profile has it.
        sent: the same as it was sent.
        error: the error of the latest answer; mostly empty.
        pauses: that are due.
    """

    __slots__ = (
        "_at",
        "_book",
        "_iteration",
        "_legs",
        "_number",
        "_origin_ns",
        "_over",
        "_plan",
        "_user",
        "_wire",
        "data",
        "leg",
        "pauses",
        "sent",
    )

    def __init__(self, plan: StepPlan, user: StepUser) -> None:
        super().__init__(plan.turns)
        self._plan, self._book, self._user = plan, plan.book, user
        self._legs, self._number = plan.legs, len(plan.legs)
        self._origin_ns, self._at = plan.book.origin_ns, 0
        self._iteration, self.leg = user.scope.iteration, plan.legs[0]
        self._wire: Wire | None = None
        self._over: asyncio.Future[int] | None = None
        self.data = self.sent = b""
        self.pauses: Pauses = ()

    @property
    def error(self) -> str:
        """Return how the latest exchange ended; mostly empty."""
        return self._error

    def begin(self, iteration: Iteration) -> None:
        """Be ready for an iteration."""
        self._iteration, self._at, self.pauses = iteration, 0, ()
        self._user.intended_us = iteration.intended_us

    async def run(self) -> int:
        """Go on until something has to be waited for; say what that is."""
        over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._over = over
        self._proceed()
        try:
            return await over
        except asyncio.CancelledError:
            if self._user.step is not None:
                self._user.connection.abandon()
            raise

    def advance(self, ended_us: int) -> None:
        """Go over to the next step, because the one before is written down and ended then."""
        self._user.intended_us = ended_us
        if self._iteration.is_through:
            self.pauses = self.leg.pauses
            self._at += 1
        else:
            self.pauses = self._plan.last_pauses
            self._at = self._number

    def go_on(self) -> None:
        """Write down what was answered, and ask for the next or stop."""
        over = self._over
        if over is None or over.done():  # cut off meanwhile
            return
        try:
            self._answered()
        except BaseException as error:  # noqa: BLE001 - raised where the end is awaited
            over.set_exception(error)

    def _answered(self) -> None:
        wire, leg, user = self._wire, self.leg, self._user
        assert wire is not None
        status, book = wire.status, self._book
        if self._error or (status != leg.right_status and leg.is_followed(status)):
            self._stop(CONCLUDE)
            return
        user.step = None
        self._iteration.has_waited = True
        if wire.headers is not user.plain_headers:
            book.take_cookies(user, self.data, wire.headers)
        if status == leg.right_status or leg.is_right(status):
            self.advance(self._record(wire, leg, user))
        else:
            self.advance(book.judge(user, leg.step, user.connection.result("")))
        self._proceed()

    def _record(self, wire: Wire, leg: StepLeg, user: StepUser) -> int:
        """Record an answer that was as expected, of which the status says all; return its end."""
        origin_ns, first_ns, written_ns = self._origin_ns, wire.first_byte_ns, wire.written_ns
        if not written_ns or written_ns > first_ns:  # a server may answer before it has read all
            written_ns = first_ns
        # Rounded before they are subtracted, so that sums agree with differences of stamps.
        started_us = (wire.sent_ns - origin_ns) // _NS_PER_US
        written_us = (written_ns - origin_ns) // _NS_PER_US
        first_us = (first_ns - origin_ns) // _NS_PER_US
        ended_us = (wire.ended_ns - origin_ns) // _NS_PER_US
        leg.series.answered(
            self._iteration,
            wire.status,
            user.intended_us,
            started_us,
            written_us,
            first_us,
            ended_us,
            wire.bytes_out,
            wire.bytes_in,
            leg.every,
        )
        return ended_us

    def _proceed(self) -> None:
        """Pause, ask for the next step, or begin the next iteration."""
        if self.pauses:
            self._stop(PAUSE)
        elif self._at < self._number or self._begins_another():
            self._ask()
        else:
            self._stop(ENDED)

    def _begins_another(self) -> bool:
        """Begin another iteration in the place of one that went well and gave others a turn."""
        iteration = self._iteration
        if not (iteration.is_through and iteration.has_waited):
            return False
        follow = iteration.follow
        if follow is None or not follow():
            return False
        iteration.has_waited = False
        self._user.begin(iteration, keeps_cookies=self._book.keeps_cookies)
        self._user.intended_us = iteration.intended_us
        self._at = 0
        return True

    def _ask(self) -> None:
        """Send the request of a step, if a connection is open."""
        leg = self.leg = self._legs[self._at]
        user = self._user
        connection = user.connection
        if not connection.is_open:
            self._stop(SEND)
            return
        data = leg.static
        if data is None:
            data = leg.step.writer.write(user.scope)
        self.data = data
        self.sent = data = self._book.sent(user, data)
        user.step = leg.step
        self._wire = connection.post(self, data, leg.timeout_us, leg.is_head)

    def _stop(self, what: int) -> None:
        assert self._over is not None
        self._over.set_result(what)
