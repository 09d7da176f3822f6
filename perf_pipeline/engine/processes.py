"""Drive a load: start several worker processes at one moment, and join their outcomes.

Add here: a duty towards all workers together. Keep out: what a single worker does (worker.py).
"""

import contextlib
import selectors
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from perf_pipeline.engine.handover import Exchange, shares_are_fixed
from perf_pipeline.engine.health import judge
from perf_pipeline.engine.job import LoadJob, LoadOutcome
from perf_pipeline.engine.machine_time import read_machine_time
from perf_pipeline.engine.merging import accounts_of, busiest, merge_checks, merge_outcomes
from perf_pipeline.engine.planned import planned_now
from perf_pipeline.engine.progress import PartProgress, Progress, merge_progress
from perf_pipeline.engine.rhythm import Rhythm
from perf_pipeline.engine.vu_readings import VuReadings
from perf_pipeline.engine.wall_clock import WallClockWatch
from perf_pipeline.engine.worker_process import WorkerProcess, trouble_of
from perf_pipeline.engine.worker_start import StartWorker, start_interpreter
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.units import US_PER_S

READY_LIMIT_S: Final = 120.0
# After a stop: 2 s of grace, 5 s for cancellations, 5 s to close; then TERM, later KILL.
STOP_LIMIT_S: Final = 12.0
OVERTIME_LIMIT_S: Final = 20.0
START_AHEAD_S: Final = 0.1
"""From the order to the first start, for which workers that are ready take a millisecond."""
_APART_AHEAD_S: Final = 0.5
"""The same for workers on other hosts, for round trips of up to 0.4 s."""
_GLANCE_S: Final = 0.05
_PROGRESS_S: Final = 1.0


def run_load(
    job: LoadJob,
    *,
    secrets: Mapping[str, str],
    origin_ns: int,
    stop: threading.Event,
    on_progress: Callable[[Progress], None] | None = None,
    start: StartWorker = start_interpreter,
    before_start: Callable[[], None] = lambda: None,
    apart: bool = False,
) -> LoadOutcome:
    """Run a load in `job.workers` processes, none of which outlives this call.

    It can be called from any thread. If a worker dies, the load ends: the samples of the others are
    kept, and the health says that they can't be trusted.

    Args:
        job: the job. Its folder gets `samples-<step>-<worker>.npy`, `iterations-...npy`,
            `ledger-...csv`, `readings-vus-<step>.csv` and, where there is something to log,
            `worker-<worker>.log`.
        secrets: DSNs and passwords for the workloads; they go through a pipe and nowhere else.
        origin_ns: the time.monotonic_ns() from which all timestamps count; all steps of a benchmark
            share it.
        stop: set it to end the load early; running iterations then get up to 2 s.
        on_progress: called once a second, in the calling thread.
        start: starts a worker process.
        before_start: called in the calling thread when all workers are ready; the load starts
            afterwards.
        apart: whether the workers are on several hosts, where they can't lend VUs to one another.

    Raises:
        PerfPipelineError: a workload could not open (TargetUnavailableError, as it raised it), or
            the disk refused the samples, or a worker ended or hung before it was ready
            (GeneratorLimitError).
        RuntimeError: a workload or a worker failed otherwise; the sentence names the log.
    """
    with contextlib.ExitStack() as stack:
        exchange = stack.enter_context(contextlib.closing(Exchange(job, apart=apart)))
        workers = [
            stack.enter_context(
                contextlib.closing(
                    WorkerProcess(
                        number,
                        job.folder,
                        _order(job, number, secrets, origin_ns, exchange),
                        exchange.descriptors(number),
                        start=start,
                    )
                )
            )
            for number in range(job.workers)
        ]
        exchange.close()  # a worker that dies must close its pipe
        readings = stack.enter_context(contextlib.closing(VuReadings(job.folder, job.step)))
        return _Load(job, workers, origin_ns, stop, on_progress, readings).run(before_start)


def start_ahead_s(*, apart: bool) -> float:
    """Return the time from the order to start until the first start, in s."""
    return _APART_AHEAD_S if apart else START_AHEAD_S


def _order(
    job: LoadJob, number: int, secrets: Mapping[str, str], origin_ns: int, exchange: Exchange
) -> dict[str, object]:
    return {
        "job": job.to_json(),
        "worker": number,
        "origin_ns": origin_ns,
        "secrets": dict(secrets),
        "handover": exchange.order(number),
    }


class _Load:
    """Lead the workers through a load."""

    def __init__(
        self,
        job: LoadJob,
        workers: Sequence[WorkerProcess],
        origin_ns: int,
        stop: threading.Event,
        on_progress: Callable[[Progress], None] | None,
        readings: VuReadings,
    ) -> None:
        self._readings = readings
        self._job = job
        self._workers = workers
        self._origin_ns = origin_ns
        self._stop = stop
        self._on_progress = on_progress
        self._started_s = time.monotonic()
        self._start_us = (time.monotonic_ns() - origin_ns) // 1_000
        self._stopped_s: float | None = None
        self._machine_before = read_machine_time()
        self._incidents: list[str] = []
        self._report_rhythm = Rhythm(_PROGRESS_S)
        self._wall_clock = WallClockWatch()

    def run(self, before_start: Callable[[], None]) -> LoadOutcome:
        self._await_ready()
        if not self._stop.is_set():
            before_start()
        began_at, self._wall_clock = datetime.now(UTC), WallClockWatch()
        if self._stop.is_set():
            return self._outcome(began_at, 0.0)
        self._started_s = time.monotonic() + start_ahead_s(apart=self._is_apart())
        self._start_us = self._us(self._started_s)
        self._machine_before = read_machine_time()
        for worker in self._workers:
            if not worker.is_over:
                worker.begin(self._start_us)
        self._await_end()
        self._raise_trouble()
        wall_s = max(0.0, time.monotonic() - self._started_s)
        self._wall_clock.look()
        for worker in self._workers:
            worker.settle()
        return self._outcome(began_at, wall_s)

    def _is_apart(self) -> bool:
        return bool(accounts_of(self._workers))

    def _us(self, at_s: float) -> int:
        return (round(at_s * 1e9) - self._origin_ns) // 1_000

    def _await_ready(self) -> None:
        until_s = time.monotonic() + READY_LIMIT_S
        while not all(worker.ready for worker in self._workers):
            self._glance()
            self._raise_trouble()
            for worker in self._workers:
                if worker.is_over:
                    raise GeneratorLimitError(
                        f"{worker.name} ended before it was ready "
                        f"({worker.how_it_ended()}); read its log {worker.log}"
                    )
            if self._stop.is_set():
                return
            if time.monotonic() > until_s:
                late = next(worker for worker in self._workers if not worker.ready)
                raise GeneratorLimitError(
                    f"{late.name} was not ready after {READY_LIMIT_S:.0f} s; read its log "
                    f"{late.log}"
                )

    def _await_end(self) -> None:
        longest_s = max(
            (s.executor.start_time_us + s.executor.length_us + s.executor.graceful_stop_us)
            / US_PER_S
            for s in self._job.scenarios
        )
        until_s = self._started_s + longest_s + OVERTIME_LIMIT_S
        while not all(worker.is_over for worker in self._workers):
            self._glance()
            self._wall_clock.look()
            self._report_progress()
            self._readings.note(self._us(time.monotonic()), self._start_us, self._parts())
            self._note_deaths()
            if self._stop.is_set() and self._stopped_s is None:
                self._end_early()
            if self._stopped_s is not None:
                until_s = min(until_s, self._stopped_s + STOP_LIMIT_S)
            if time.monotonic() > until_s:
                self._end_the_slow()
        self._readings.end(self._us(time.monotonic()), self._parts())
        self._note_deaths()

    def _glance(self) -> None:
        """Wait a moment for messages, and read them."""
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                if not worker.is_over:
                    selector.register(worker, selectors.EVENT_READ, worker)
            for key, _ in selector.select(_GLANCE_S):
                key.data.take()

    def _note_deaths(self) -> None:
        for worker in self._workers:
            if worker.is_over and worker.done is None and worker.trouble is None:
                sentence = (
                    f"{worker.name} ended unexpectedly ({worker.how_it_ended()}); "
                    "its share of the load is missing from then on"
                )
                if sentence not in self._incidents:
                    self._incidents.append(sentence)
                    self._end_early()
            elif worker.trouble is not None:
                self._end_early()

    def _end_early(self) -> None:
        if self._stopped_s is None:
            self._stopped_s = time.monotonic()
            self._tell_all({"do": "stop"})

    def _end_the_slow(self) -> None:
        for worker in self._workers:
            if not worker.is_over:
                self._incidents.append(f"{worker.name} did not end in time and was killed")
                worker.close()
                worker.is_over = True

    def _tell_all(self, message: Mapping[str, object]) -> None:
        for worker in self._workers:
            if not worker.is_over:
                worker.tell(message)

    def _raise_trouble(self) -> None:
        for worker in self._workers:
            if worker.trouble is not None:
                raise trouble_of(worker)

    def _report_progress(self) -> None:
        elapsed_s = time.monotonic() - self._started_s
        if self._on_progress is None or not self._report_rhythm.is_due(elapsed_s):
            return
        planned = {
            scenario.name: planned_now(scenario.executor, round(elapsed_s * US_PER_S))
            for scenario in self._job.scenarios
        }
        scenarios = merge_progress(self._parts(), planned)
        self._on_progress(Progress(elapsed_s, scenarios))

    def _parts(self) -> list[PartProgress]:
        return [part for worker in self._workers for part in worker.parts.values()]

    def _outcome(self, began_at: datetime, wall_s: float) -> LoadOutcome:
        vitals = {worker.number: worker.vitals() for worker in self._workers}
        known = {number: seen for number, seen in vitals.items() if seen is not None}
        hosts = accounts_of(self._workers)
        health = judge(
            known,
            clock_step_ms=self._wall_clock.step_ms,
            incidents=self._incidents,
            is_ceiling=all(scenario.is_ceiling for scenario in self._job.scenarios),
            machine=busiest(hosts) or read_machine_time().shares_since(self._machine_before),
            hosts=hosts,
        )
        if shares_are_fixed(self._job, apart=bool(hosts)):
            told = _fixed_shares(self._job.workers, "in a fleet" if hosts else "on this system")
            health = replace(health, notes=(*health.notes, told))
        ended_us = self._us(time.monotonic())
        return LoadOutcome(
            began_at=began_at,
            wall_s=wall_s,
            scenarios=merge_outcomes(self._job, self._workers, self._start_us, ended_us),
            health=health,
            checks=merge_checks(self._workers),
            stopped=(self._stop.is_set() and self._stopped_s is not None) or wall_s == 0.0,
        )


def _fixed_shares(workers: int, where: str) -> str:
    return (
        f"{where} each of the {workers} workers has VUs of its own, so a start is dropped "
        "when all VUs of its worker are busy, even if another worker has free ones; `workers = 1` "
        "avoids that"
    )
