"""Virtual users, which run iterations one after the other; looping VUs start and end as planned.

Add here: another way to end an iteration. Keep out: the plan (plan/) and the clock.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.metrics.sample import Outcome

# Looking up a member of an Enum takes 0.1 us on Python 3.11, and every iteration needs it.
_OK: Final = Outcome.OK


class VirtualUser:
    """Run iterations of a scenario, one after the other.

    Args:
        number: the number of the VU in the scenario, counted from 1 over all workers.
        part: the scenario's part in this worker.

    Attributes:
        is_cut: whether its iteration was cancelled.
        free_us: when its latest iteration was over.
        gave_turn: whether other tasks had a turn of the event loop during its iteration.
    """

    __slots__ = (
        "_follow",
        "_goes_on",
        "_iteration",
        "_next",
        "_part",
        "_random",
        "_started_us",
        "free_us",
        "gave_turn",
        "is_cut",
        "number",
    )

    def __init__(self, number: int, part: ScenarioPart) -> None:
        self.number = number
        self._part = part
        self._random = part.random_of(number)
        self._next = 0
        self._iteration: Iteration | None = None
        self._follow: Callable[[], bool] | None = None
        self._goes_on: Callable[[], bool] | None = None
        self._started_us = 0
        self.is_cut = self.gave_turn = False
        self.free_us = 0

    def loop_while(self, goes_on: Callable[[], bool]) -> None:
        """Let the workload begin the next iteration itself as long as this condition holds."""
        self._goes_on, self._follow = goes_on, self._followed

    async def iterate(self, intended_us: int) -> None:
        """Run an iteration, and count it.

        Raises:
            asyncio.CancelledError: the iteration was cut.
        """
        part = self._part
        phase = part.window.phase(intended_us)
        iteration = Iteration(
            part.name,
            part.workload.protocol,
            self.number,
            self._next,
            intended_us,
            phase,
            self._random,
            self._follow,
        )
        if part.number_of is not None:
            iteration.arrival = part.number_of(intended_us - part.start_us)
        self._next += 1
        self._iteration, tally = iteration, part.tally
        tally.active += 1
        self._started_us, outcome = part.clock.now_us(), _OK
        try:
            await part.workload.iterate(iteration)
            if not iteration.is_through:
                outcome = Outcome.FAILED
        except asyncio.CancelledError as error:
            outcome = Outcome.FAILED
            if self.is_cut:
                outcome = Outcome.INTERRUPTED
                tally.interrupted += 1
                raise
            part.record_exception(iteration, iteration.intended_us, error)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - a bug of a workload must not end the load
            outcome = Outcome.FAILED
            part.record_exception(iteration, iteration.intended_us, error)
        finally:
            tally.active -= 1
            self._iteration = None
            self.gave_turn = iteration.has_waited
            self.free_us = ended_us = part.clock.now_us()
            part.recorder.iteration(iteration, self._started_us, ended_us, outcome)
        tally.complete(iteration)

    def _followed(self) -> bool:
        """End the iteration in progress, and begin another one in its place; see `Iteration`."""
        part, iteration = self._part, self._iteration
        if iteration is None or self._goes_on is None or not self._goes_on():
            return False
        now_us = part.clock.now_us()
        part.recorder.iteration(iteration, self._started_us, now_us, _OK)
        part.tally.complete(iteration)
        iteration.number = self._next
        self._next += 1
        iteration.intended_us = self._started_us = now_us
        iteration.phase = part.window.phase(now_us)
        return True

    def cut(self, task: "asyncio.Task[None]") -> None:
        """Cancel the running iteration.

        Its operation keeps the phase of its start, because the time it has waited is a lower bound
        of the time it would have taken (store/censoring.py). Operations that begin from now on are
        drain.
        """
        self.is_cut = True
        if self._iteration is not None:
            self._iteration.cut_us = self._part.clock.now_us()
        task.cancel()


class LoopState(Enum):
    """Say what a looping VU is doing."""

    OFF = auto()
    RUNNING = auto()
    ENDING = auto()
    CUT = auto()
    RESTARTING = auto()


class LoopInput(Enum):
    """Name an order to a looping VU, or an event in its life."""

    START = auto()
    FINISH = auto()
    CUT = auto()
    ENDED = auto()


_S, _I = LoopState, LoopInput
_RUNNING: Final = LoopState.RUNNING

# A pair that is not in the table changes nothing. ENDING: the running iteration may end, and no
# other starts. RESTARTING: the VU is needed again before its cancelled iteration has ended.
TRANSITIONS: Final[Mapping[tuple[LoopState, LoopInput], tuple[LoopState, str]]] = MappingProxyType(
    {
        (_S.OFF, _I.START): (_S.RUNNING, "launch"),
        (_S.RUNNING, _I.FINISH): (_S.ENDING, ""),
        (_S.RUNNING, _I.CUT): (_S.CUT, "cancel"),
        (_S.RUNNING, _I.ENDED): (_S.OFF, ""),
        (_S.ENDING, _I.START): (_S.RUNNING, ""),
        (_S.ENDING, _I.CUT): (_S.CUT, "cancel"),
        (_S.ENDING, _I.ENDED): (_S.OFF, ""),
        (_S.CUT, _I.START): (_S.RESTARTING, ""),
        (_S.CUT, _I.ENDED): (_S.OFF, ""),
        (_S.RESTARTING, _I.FINISH): (_S.CUT, ""),
        (_S.RESTARTING, _I.CUT): (_S.CUT, ""),
        (_S.RESTARTING, _I.ENDED): (_S.RUNNING, "launch"),
    }
)


class LoopingVu:
    """Loop a VU as long as the plan needs it.

    Args:
        vu: the VU that runs the iterations.
        part: the scenario's part in this worker.
    """

    __slots__ = ("_actions", "_part", "_vu", "_wanted_us", "state", "task")

    def __init__(self, vu: VirtualUser, part: ScenarioPart) -> None:
        self._vu = vu
        self._part = part
        self._wanted_us = 0
        self._actions: Mapping[str, Callable[[], None]] = {
            "": lambda: None,
            "launch": self._launch,
            "cancel": self._cancel,
        }
        self.state = LoopState.OFF
        self.task: asyncio.Task[None] | None = None
        vu.loop_while(self._is_running)

    def start(self, at_us: int) -> None:
        """Loop from now on; `at_us` is the planned time."""
        self._wanted_us = at_us
        self._take(LoopInput.START)

    def finish(self) -> None:
        """Start no further iteration; the running one may end."""
        self._take(LoopInput.FINISH)

    def cut(self) -> None:
        """Cancel the running iteration."""
        self._take(LoopInput.CUT)

    def _take(self, what: LoopInput) -> None:
        transition = TRANSITIONS.get((self.state, what))
        if transition is not None:
            self.state, action = transition
            self._actions[action]()

    def _is_running(self) -> bool:
        return self.state is _RUNNING

    def _launch(self) -> None:
        self._vu.is_cut = False
        self._part.tally.vus += 1
        self.task = asyncio.get_running_loop().create_task(self._loop(self._wanted_us))
        self.task.add_done_callback(self._ended)

    def _ended(self, _: "asyncio.Task[None]") -> None:
        self._part.tally.vus -= 1
        self._take(LoopInput.ENDED)

    def _cancel(self) -> None:
        assert self.task is not None
        self._vu.cut(self.task)

    async def _loop(self, intended_us: int) -> None:
        vu = self._vu
        while self.state is _RUNNING:
            await vu.iterate(intended_us)
            intended_us = vu.free_us
            if not vu.gave_turn:
                # An iteration that never waits must not block other VUs or a stop.
                await asyncio.sleep(0)
