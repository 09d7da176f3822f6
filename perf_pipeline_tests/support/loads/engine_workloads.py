"""Workloads with a known behaviour; the engine's tests let real worker processes run them."""

import asyncio
import atexit
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent, Outcome


class Sleeper:
    """Take `service_ms`, record it, then think for `think_ms`."""

    protocol = "http"
    checks: Mapping[str, tuple[str, ...]] = {"sleep": ("awake", "rested")}

    async def open(self, context: WorkerContext) -> None:
        """Remember the parameters."""
        self.context = context
        self.service_s = float(context.parameters.get("service_ms", 1)) / 1_000
        self.think_s = float(context.parameters.get("think_ms", 0)) / 1_000

    async def iterate(self, iteration: Iteration) -> None:
        """Sleep, record, think."""
        clock, recorder = self.context.clock, self.context.recorder
        started_us = clock.now_us()
        try:
            await asyncio.sleep(self.service_s)
        except asyncio.CancelledError:
            recorder.sample(iteration, "sleep", started_us, clock.now_us(), Outcome.INTERRUPTED)
            raise
        ended_us = clock.now_us()
        recorder.sample(iteration, "sleep", started_us, ended_us, Outcome.OK, checks_passed=3)
        message_id = f"{iteration.vu},{iteration.number}"
        recorder.ledger(LedgerEntry(message_id, LedgerEvent.INTENDED, iteration.intended_us))
        if self.think_s:
            await asyncio.sleep(self.think_s)

    async def close(self) -> None:
        """Do nothing."""


class TrueSleeper(Sleeper):
    """Record, in the place of bytes out and in, start and end by the machine's own clock, in µs."""

    async def iterate(self, iteration: Iteration) -> None:
        """Sleep, and record."""
        clock = self.context.clock
        started_us, true_us = clock.now_us(), machine_us()
        await asyncio.sleep(self.service_s)
        self.context.recorder.sample(
            iteration,
            "sleep",
            started_us,
            clock.now_us(),
            Outcome.OK,
            bytes_out=true_us,
            bytes_in=machine_us(),
        )


def machine_us() -> int:
    """Return the time of the machine's clock, also where `time.monotonic_ns` is another one's."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000


class SlowInOneWorker(Sleeper):
    """Take `service_ms` in worker 0, and four times as long in every other worker."""

    async def open(self, context: WorkerContext) -> None:
        """Remember the parameters."""
        await super().open(context)
        self.service_s *= 4 if context.worker else 1


class Lingering(Sleeper):
    """Leave a thread behind that keeps the process from exiting."""

    async def close(self) -> None:
        """Start the thread."""
        threading.Thread(target=time.sleep, args=(120,)).start()


class Idle(Sleeper):
    """Wait for something that never comes, and record nothing."""

    async def iterate(self, iteration: Iteration) -> None:  # noqa: ARG002 - the port's signature
        """Wait for ever."""
        await asyncio.Event().wait()


class Unreachable(Sleeper):
    """Find no target."""

    async def open(self, context: WorkerContext) -> None:
        """Refuse, with a secret in the sentence."""
        raise TargetUnavailableError(
            f"nothing answers at {context.secrets['dsn']}", hint="start it first"
        )


class Meeting(Sleeper):
    """Open only while another scenario's workload is being opened, and tell when it is closed."""

    _opening = 0
    _met = asyncio.Event()

    async def open(self, context: WorkerContext) -> None:
        """Wait for the other one."""
        await super().open(context)
        Meeting._opening += 1
        if Meeting._opening == 2:
            Meeting._met.set()
        try:
            await asyncio.wait_for(Meeting._met.wait(), 10.0)
        except TimeoutError:
            raise TargetUnavailableError("nobody else was opened") from None

    async def close(self) -> None:
        """Leave a word in the worker's log."""
        sys.stderr.write("closed\n")


class Absent(Meeting):
    """Find no target, once another workload is being opened."""

    async def open(self, context: WorkerContext) -> None:
        """Refuse."""
        await super().open(context)
        raise TargetUnavailableError("nothing answers")


class Registered(Sleeper):
    """Leave something for the end of the process, as a library may."""

    async def open(self, context: WorkerContext) -> None:
        """Register it, and begin a thread that ends after everything else."""
        await super().open(context)
        log = context.parameters["log"]
        atexit.register(_tell, f"{log}-atexit")
        threading.Thread(target=_tell, args=(f"{log}-thread", 0.5)).start()


def _tell(path: str, after_s: float = 0.0) -> None:
    time.sleep(after_s)
    Path(path).touch()


class Broken(Sleeper):
    """Have a bug in `open`."""

    async def open(self, context: WorkerContext) -> None:
        """Raise what no workload should."""
        raise ZeroDivisionError(f"connecting to {context.secrets['dsn']}")


class Buggy(Sleeper):
    """Raise in every third iteration."""

    async def iterate(self, iteration: Iteration) -> None:
        """Sleep, then perhaps raise."""
        await asyncio.sleep(self.service_s)
        if iteration.number % 3 == 2:
            raise KeyError("id")


class Leaky(Sleeper):
    """Raise with a secret in the sentence."""

    async def iterate(self, iteration: Iteration) -> None:  # noqa: ARG002 - the port's signature
        """Raise."""
        raise KeyError(f"no row at {self.context.secrets['dsn']}")


class Starved(Sleeper):
    """Have no port left, as an HTTP workload says it."""

    async def iterate(self, iteration: Iteration) -> None:
        """Record one failure of this machine's own."""
        now_us = self.context.clock.now_us()
        self.context.recorder.sample(
            iteration, "connect", now_us, now_us, Outcome.FAILED, error="generator"
        )


class Hog(Sleeper):
    """Compute instead of waiting, so that the generator itself is the limit."""

    async def iterate(self, iteration: Iteration) -> None:
        """Burn `service_ms` of CPU without letting the event loop run."""
        started_us = self.context.clock.now_us()
        until_s = time.thread_time() + self.service_s
        while time.thread_time() < until_s:
            pass
        self.context.recorder.sample(
            iteration, "burn", started_us, self.context.clock.now_us(), Outcome.OK
        )


class Dying(Sleeper):
    """Kill the worker process `worker` after its first 20 iterations."""

    async def iterate(self, iteration: Iteration) -> None:
        """Sleep, or die as if by kill -9."""
        await super().iterate(iteration)
        if self.context.worker == 1 and iteration.number == 20:
            os.kill(os.getpid(), 9)


class Threadless(Sleeper):
    """Ask for a thread that the system cannot give."""

    async def open(self, context: WorkerContext) -> None:
        """Ask for more stack than there are addresses for."""
        await super().open(context)
        threading.stack_size(1 << 46)
        threading.Thread(target=print).start()
