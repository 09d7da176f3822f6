"""Run a worker's part of a scenario until its last iteration has ended.

Add here: the model of a new kind of executor (one line in `model_of`). Keep out: processes
(processes.py) and protocols (workloads/).
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from perf_pipeline.config.executors.kinds import ArrivalRate, IterationQuota, LoopingVUs
from perf_pipeline.engine.closed_model import LoopingModel, QuotaModel
from perf_pipeline.engine.job import ScenarioOutcome
from perf_pipeline.engine.open_model import OpenModel
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.plan.iterations import intended_iterations
from perf_pipeline.units import US_PER_S

STOP_GRACE_US: Final = 2 * US_PER_S
_CANCELLATION_LIMIT_S: Final = 5.0
# Turns of the loop: one reads from the kernel, one wakes the iteration, and one is for TLS.
_TURNS_FOR_ANSWERS: Final = 3


class Model(Protocol):
    """Offer load until the planned end; the runner decides what ends early."""

    @property
    def running(self) -> set["asyncio.Task[None]"]:
        """Return the tasks that have not ended yet."""
        ...

    async def offer(self) -> None:
        """Start iterations as planned; return at the planned end, or when all is done."""
        ...

    def finish(self) -> None:
        """Start no further iteration."""
        ...

    def cut(self) -> None:
        """Cancel the running iterations."""
        ...


class StopSwitch:
    """Tell all scenarios of a worker to end early."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.grace_us = STOP_GRACE_US

    @property
    def is_on(self) -> bool:
        """Say whether the load must end early."""
        return self._event.is_set()

    def turn_on(self, grace_us: int = STOP_GRACE_US) -> None:
        """Start nothing more; running iterations get `grace_us` or a shorter gracefulStop."""
        self.grace_us = min(self.grace_us, grace_us)
        self._event.set()

    async def wait(self) -> None:
        """Wait until the load must end early."""
        await self._event.wait()


def model_of(part: ScenarioPart) -> Model:
    """Choose the model that runs a scenario's kind of executor."""
    match part.executor:
        case ArrivalRate() as executor:
            return OpenModel(part, executor)
        case LoopingVUs() as executor:
            return LoopingModel(part, executor)
        case IterationQuota() as executor:
            return QuotaModel(part, executor)


async def run_scenario(part: ScenarioPart, stop: StopSwitch) -> ScenarioOutcome:
    """Run a scenario to the end of its last iteration, and return its counts.

    After the planned end (or a stop) nothing starts. Running iterations get `gracefulStop`; then
    they are cancelled, and their operations are recorded as interrupted.
    """
    model = model_of(part)
    await _race(model.offer(), stop)
    ended_us = part.clock.now_us()
    model.finish()
    await _drain(part, model, stop)
    await _let_answers_in()
    model.cut()
    await _await_cancelled(part, model)
    part.tally.vus = 0
    return _outcome(part, ended_us)


async def _race(offer: Coroutine[Any, Any, None], stop: StopSwitch) -> None:
    loop = asyncio.get_running_loop()
    offering, stopping = loop.create_task(offer), loop.create_task(stop.wait())
    await asyncio.wait({offering, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if offering.done():
        offering.result()
    offering.cancel()
    await asyncio.wait({offering, stopping})


async def _drain(part: ScenarioPart, model: Model, stop: StopSwitch) -> None:
    """Wait for the running iterations, but no longer than their grace."""
    running = model.running
    if not running:
        return
    grace_us = part.executor.graceful_stop_us
    began_us = part.clock.now_us()
    loop = asyncio.get_running_loop()
    ended, stopping = loop.create_task(_all_ended(running)), loop.create_task(stop.wait())
    grace_s = grace_us / US_PER_S
    await asyncio.wait({ended, stopping}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
    left_us = began_us + min(grace_us, stop.grace_us) - part.clock.now_us()
    if not ended.done() and stop.is_on and left_us > 0:
        await asyncio.wait({ended}, timeout=left_us / US_PER_S)
    ended.cancel()
    stopping.cancel()


async def _all_ended(tasks: set["asyncio.Task[None]"]) -> None:
    await asyncio.wait(tasks)


async def _let_answers_in() -> None:
    """Let iterations receive answers that have arrived, so that a late loop does not miss them."""
    for _ in range(_TURNS_FOR_ANSWERS):
        await asyncio.sleep(0)


async def _await_cancelled(part: ScenarioPart, model: Model) -> None:
    running = model.running
    if running:
        _, deaf = await asyncio.wait(running, timeout=_CANCELLATION_LIMIT_S)
        part.tally.deaf_to_cancellation += len(deaf)


def _outcome(part: ScenarioPart, ended_us: int) -> ScenarioOutcome:
    tally, window = part.tally, part.window
    return ScenarioOutcome(
        name=part.name,
        iterations=tally.iterations,
        dropped_iterations=tally.dropped,
        interrupted_iterations=tally.interrupted,
        measured_from_us=window.start_us,
        measured_until_us=max(window.start_us, min(window.end_us, ended_us)),
        intended_iterations=intended_iterations(part.executor, part.stripe),
        measured_iterations=tally.measured_iterations,
        measured_dropped_iterations=tally.measured_dropped,
        measured_incomplete_iterations=tally.measured_incomplete,
    )
