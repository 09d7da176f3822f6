"""The worker process `python -m perf_pipeline.engine.worker`, which processes.run_load starts.

It reads a job, opens the workloads, says that it is ready, starts at the given time, and writes
samples until its part is done. It ends by itself when its driver dies.

Add here: something that every worker does before or after the load. Keep out: heavy imports (a
worker must be up in half a second) and protocols (workloads/).
"""

import asyncio
import contextlib
import gc
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain, count
from typing import Any, Final

import uvloop

from perf_pipeline.engine.clock import MonotonicClock
from perf_pipeline.engine.handover import Handovers
from perf_pipeline.engine.job import LoadJob, ScenarioJob, ScenarioOutcome, load_job_from_json
from perf_pipeline.engine.loading import load_workload
from perf_pipeline.engine.open_files import raise_open_files_limit
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.pipe import Inbox, Outbox
from perf_pipeline.engine.ports import WorkerContext, Workload
from perf_pipeline.engine.progress import Reporter
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.engine.runner import StopSwitch, run_scenario
from perf_pipeline.engine.side_recorder import recorder_of
from perf_pipeline.engine.spool_writer import SpoolError
from perf_pipeline.engine.watch import WorkerWatch
from perf_pipeline.errors import (
    GeneratorLimitError,
    PerfPipelineError,
    ScenarioError,
    is_thread_refused,
)
from perf_pipeline.plan.arrivals import number_of
from perf_pipeline.plan.phases import measured_window
from perf_pipeline.plan.stripes import Stripe, stripe_of
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.secrecy.streams import masked_output
from perf_pipeline.units import US_PER_S

_FLUSHES_PER_S: Final = 4
_CLOSE_LIMIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Order:
    """Hold the first message of the driver."""

    job: LoadJob
    worker: int
    origin_ns: int
    secrets: dict[str, str]
    handover: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Opened:
    """Hold an open workload of this worker; `number` is that of its scenario in the job."""

    number: int
    scenario: ScenarioJob
    stripe: Stripe
    workload: Workload
    number_of: Callable[[int], int] | None


class LoadWorker:
    """Run this process's part of a load.

    Args:
        order: the order from the driver.
        inbox: messages from the driver.
        outbox: messages to the driver.
    """

    def __init__(self, order: _Order, inbox: Inbox, outbox: Outbox) -> None:
        self._order = order
        self._inbox = inbox
        self._outbox = outbox
        self._stop = StopSwitch()
        self._loop = asyncio.get_running_loop()
        self._start: asyncio.Future[int | None] = self._loop.create_future()
        self._clock = MonotonicClock(order.origin_ns)
        self._handovers = Handovers(order.handover, order.worker)
        names = tuple(scenario.name for scenario in order.job.scenarios)
        self._recorder = SpoolRecorder(
            order.job.folder, order.job.step, order.worker, names, self._spool_failed
        )

    async def run(self) -> None:
        """Open the workloads, report ready, run, close them, and report the outcome."""
        self._inbox.listen(self._take, self._orphaned)
        try:
            async with self._opened() as opened:
                gc.collect()
                gc.freeze()  # collecting all objects of the set-up takes 13 ms per 100,000 rows
                self._outbox.say({"say": "ready"})
                done = await self._load(opened, await self._start)
        finally:
            self._close_recorder()
        self._outbox.say(done)

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[list[_Opened]]:
        """Open the workloads concurrently, because they mostly wait for the target."""
        ours, opened = list(self._loaded()), list[_Opened]()

        async def opening(loaded: _Opened) -> None:
            await loaded.workload.open(self._context(loaded.scenario, loaded.stripe))
            opened.append(loaded)

        try:
            failures = await asyncio.gather(*map(opening, ours), return_exceptions=True)
            for failure in filter(None, failures):
                raise failure
            yield ours
        finally:
            await asyncio.gather(*map(self._close, opened))

    def _loaded(self) -> Iterator[_Opened]:
        for number, scenario in enumerate(self._order.job.scenarios):
            stripe = stripe_of(scenario.executor, self._order.worker, self._order.job.workers)
            if stripe is not None:
                workload = load_workload(scenario.workload)
                yield _Opened(number, scenario, stripe, workload, number_of(scenario.executor))

    async def _close(self, opened: _Opened) -> None:
        """Close a workload; a failure is only logged, because the measurements are complete."""
        try:
            await asyncio.wait_for(opened.workload.close(), _CLOSE_LIMIT_S)
        except Exception:  # noqa: BLE001 - see above
            what = f"scenario {opened.scenario.name}: close() failed"
            sys.stderr.write(f"{what}\n{traceback.format_exc()}")
            sys.stderr.flush()

    def _context(self, scenario: ScenarioJob, stripe: Stripe) -> WorkerContext:
        return WorkerContext(
            worker=self._order.worker,
            workers=stripe.count,
            vus=stripe.share(scenario.executor.most_vus),
            seed=self._order.job.seed,
            parameters=scenario.parameters,
            secrets=scenario.secrets_among(self._order.secrets),
            clock=self._clock,
            recorder=recorder_of(self._recorder, scenario.side),
        )

    async def _load(self, opened: list[_Opened], start_us: int | None) -> dict[str, Any]:
        begin_us = self._clock.now_us() if start_us is None else start_us
        parts = [self._part(loaded, begin_us) for loaded in opened]
        self._handovers.listen()
        watch = WorkerWatch(self._clock)
        watching = self._loop.create_task(watch.run(parts))
        reporter = Reporter(parts, self._recorder.counts, begin_us)
        reporting = self._loop.create_task(self._report(reporter, begin_us))
        await self._clock.sleep_until_us(begin_us)
        outcomes = await asyncio.gather(*(run_scenario(part, self._stop) for part in parts))
        self._handovers.close()
        watching.cancel()
        reporting.cancel()
        await asyncio.wait({watching, reporting})
        reported = reporter.report(self._clock.now_us())
        return {**self._done(opened, parts, outcomes, watch), "parts": reported}

    def _part(self, opened: _Opened, begin_us: int) -> ScenarioPart:
        scenario = opened.scenario
        return ScenarioPart(
            name=scenario.name,
            executor=scenario.executor,
            stripe=opened.stripe,
            start_us=begin_us + scenario.executor.start_time_us,
            window=measured_window(scenario.executor, scenario.warm_up_us).moved(begin_us),
            workload=opened.workload,
            clock=self._clock,
            recorder=self._recorder,
            seed=self._order.job.seed,
            handover=self._handovers.of(opened.number),
            number_of=opened.number_of,
            side=scenario.side,
            draws_as=scenario.draws_as,
        )

    async def _report(self, reporter: Reporter, begin_us: int) -> None:
        for tick in count(1):
            await self._clock.sleep_until_us(begin_us + tick * US_PER_S // _FLUSHES_PER_S)
            self._recorder.flush()
            if tick % _FLUSHES_PER_S == 0:
                reported = reporter.report(self._clock.now_us())
                self._outbox.say_if_read({"say": "progress", "parts": reported})

    def _done(
        self,
        opened: list[_Opened],
        parts: list[ScenarioPart],
        outcomes: list[ScenarioOutcome],
        watch: WorkerWatch,
    ) -> dict[str, Any]:
        checks = dict(chain.from_iterable(loaded.workload.checks.items() for loaded in opened))
        own_limits = sum(counts.own_limits for counts in self._recorder.counts.values())
        vitals = watch.vitals([part.tally for part in parts], own_limits, self._recorder.notes)
        return {
            "say": "done",
            "scenarios": [asdict(outcome) for outcome in outcomes],
            "vitals": asdict(vitals),
            "checks": checks,
        }

    def _close_recorder(self) -> None:
        try:
            self._recorder.close()
        except SpoolError as error:
            raise GeneratorLimitError(
                f"{error}; the load was stopped",
                hint="make room on the disk and run again; what was already written is kept",
            ) from error

    def _take(self, message: dict[str, Any]) -> None:
        if message["do"] == "start" and not self._start.done():
            self._start.set_result(message["at_us"])
        elif message["do"] == "stop":
            self._end_early()

    def _orphaned(self) -> None:
        self._end_early(grace_us=0)

    def _spool_failed(self, _: SpoolError) -> None:
        self._loop.call_soon_threadsafe(self._orphaned)

    def _end_early(self, **grace: int) -> None:
        self._stop.turn_on(**grace)
        if not self._start.done():
            self._start.set_result(None)


async def _work(order: _Order, inbox: Inbox, outbox: Outbox) -> None:
    try:
        await LoadWorker(order, inbox, outbox).run()
    except RuntimeError as error:
        if not is_thread_refused(error):
            raise
        raise GeneratorLimitError(
            f"the system refuses worker {order.worker} another thread",
            hint="raise the limit of processes (`ulimit -u`, or the container's), give more "
            "memory, or use fewer workers",
        ) from error


def main() -> int:
    """Do the work that the driver sends over stdin, or report why that is impossible."""
    # Signals of the terminal reach the driver, which asks us to stop; until then we must go on.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    outbox, inbox = Outbox(), Inbox()
    if (message := inbox.read()) is None:
        return 1
    KNOWN.add_all(message["secrets"].values())
    raise_open_files_limit()
    with masked_output(held=True):
        return _answered(message, inbox, outbox)


def _answered(message: dict[str, Any], inbox: Inbox, outbox: Outbox) -> int:
    """Do the work, or say why it is impossible; return the exit code."""
    try:
        job = load_job_from_json(message["job"])
        order = _Order(
            job, message["worker"], message["origin_ns"], message["secrets"], message["handover"]
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(order, inbox, outbox))
    except PerfPipelineError as error:
        if isinstance(error, ScenarioError):  # its author needs the place in the code
            sys.stderr.write(traceback.format_exc())
        refusal = {"error": type(error).__name__, "sentence": error.sentence, "hint": error.hint}
        outbox.say({"say": "refused", **refusal})
        return 1
    except Exception as error:  # noqa: BLE001 - the driver raises it; the traceback is in the log
        sys.stderr.write(traceback.format_exc())
        sentence = KNOWN.mask(f"{type(error).__name__}: {error}")
        outbox.say({"say": "crashed", "sentence": sentence})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
