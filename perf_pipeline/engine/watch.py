"""Watch a worker from inside during a load: CPU, pauses, descriptors, late starts.

Add here: another figure that shows whether the generator kept up. Keep out: limits (health.py).
"""

import resource
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.engine.health import (
    CPU_LIMIT_RATIO,
    LAG_P95_LIMIT_MS,
    LAG_P99_LIMIT_MS,
)
from perf_pipeline.engine.lag import LATE_US, LagHistogram
from perf_pipeline.engine.machine_limits import count_local_ports
from perf_pipeline.engine.open_files import count_open_files
from perf_pipeline.engine.part import IterationCounts, ScenarioPart
from perf_pipeline.engine.ports import Clock
from perf_pipeline.engine.vitals import Vitals
from perf_pipeline.units import US_PER_MS, US_PER_S

TICK_US: Final = 20 * US_PER_MS
_SCHEDSTAT: Final = Path("/proc/thread-self/schedstat")
_NO_NOTES: Final[Mapping[str, int]] = MappingProxyType({})


class WorkerWatch:
    """Watch the worker's event loop from inside: a late tick means a pause.

    Args:
        clock: clock of the run.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watched_us = 0
        self._stall_longest_us = 0
        self._stall_total_us = 0
        self._cpu_span_us = 0
        self._thread_cpu_ns = 0
        self._process_cpu_ns = 0
        self._waited_ns = 0
        self._busy_us = 0
        self._busy_longest_us = 0
        self._open_files = 0

    async def run(self, parts: Sequence[ScenarioPart]) -> None:
        """Watch the measured time of all parts, and until the last of their answers is there.

        A pause that began before the measured time counts from its begin on. After a cancellation,
        the readings so far are kept.
        """
        if parts:
            from_us = min(part.window.start_us for part in parts)
            await self._watch_measured(from_us, max(part.end_us for part in parts))
            await self._watch_answers(max(part.cut_us for part in parts))

    async def _watch_measured(self, from_us: int, until_us: int) -> None:
        clock = self._clock
        await clock.sleep_until_us(from_us)
        tick_us = second_us = clock.now_us()
        self._watched_us += tick_us - from_us
        self._note_delay(tick_us - from_us)
        thread_ns, process_ns = time.thread_time_ns(), time.process_time_ns()
        waited_ns = waited_for_a_core_ns()
        while tick_us < until_us:
            before_us, due_us = tick_us, tick_us + TICK_US
            await clock.sleep_until_us(due_us)
            tick_us = clock.now_us()
            self._watched_us += tick_us - before_us
            self._note_delay(tick_us - due_us)
            if tick_us - second_us >= US_PER_S:
                self._note_cpu(time.thread_time_ns() - thread_ns, tick_us - second_us)
                self._process_cpu_ns += time.process_time_ns() - process_ns
                self._waited_ns += _since(waited_ns, waited_for_a_core_ns())
                thread_ns, process_ns = time.thread_time_ns(), time.process_time_ns()
                waited_ns, second_us = waited_for_a_core_ns(), tick_us
                self._open_files = max(self._open_files, count_open_files())

    async def _watch_answers(self, cut_us: int) -> None:
        """Note the longest pause; short ones change little, and nothing has to start on time."""
        due_us = self._clock.now_us() + TICK_US
        while due_us < cut_us:
            try:
                await self._clock.sleep_until_us(due_us)
            finally:  # also where the load ends with the answers that came meanwhile
                now_us = self._clock.now_us()
                self._stall_longest_us = max(self._stall_longest_us, now_us - due_us)
            due_us = now_us + TICK_US

    def _note_delay(self, delay_us: int) -> None:
        self._stall_longest_us = max(self._stall_longest_us, delay_us)
        if delay_us > LATE_US:
            self._stall_total_us += delay_us

    def _note_cpu(self, thread_ns: int, span_us: int) -> None:
        self._cpu_span_us += span_us
        self._thread_cpu_ns += thread_ns
        busy = thread_ns > CPU_LIMIT_RATIO * span_us * 1_000
        self._busy_us = self._busy_us + span_us if busy else 0
        self._busy_longest_us = max(self._busy_longest_us, self._busy_us)

    def vitals(
        self,
        tallies: Iterable[IterationCounts],
        own_limits: int = 0,
        notes: Mapping[str, int] = _NO_NOTES,
    ) -> Vitals:
        """Return what was measured, with the late starts of all scenarios.

        Args:
            tallies: counts of all scenarios.
            own_limits: operations that failed for lack of ports, descriptors or memory.
            notes: sentences about the target's answers, and how many times each was noted.
        """
        tallies = list(tallies)
        lags = LagHistogram()
        for tally in tallies:
            lags = lags.plus(tally.lag)
        span_ns = max(1, self._cpu_span_us * 1_000)
        return Vitals(
            watched_s=self._watched_us / US_PER_S,
            cpu_ratio=self._thread_cpu_ns / span_ns,
            cpu_process_ratio=self._process_cpu_ns / span_ns,
            cpu_wait_ratio=self._waited_ns / span_ns,
            cpu_busy_s=self._busy_longest_us / US_PER_S,
            stall_longest_ms=self._stall_longest_us / US_PER_MS,
            stall_total_ms=self._stall_total_us / US_PER_MS,
            starts=lags.count,
            late_starts=lags.later_than(int(LAG_P95_LIMIT_MS * US_PER_MS)),
            very_late_starts=lags.later_than(int(LAG_P99_LIMIT_MS * US_PER_MS)),
            late_drops=sum(tally.late_drops for tally in tallies),
            schedule_lag_p50_ms=lags.quantile_us(0.5) / US_PER_MS,
            schedule_lag_p95_ms=lags.quantile_us(0.95) / US_PER_MS,
            schedule_lag_p99_ms=lags.quantile_us(0.99) / US_PER_MS,
            schedule_lag_max_ms=lags.most_us / US_PER_MS,
            open_files=self._open_files,
            open_files_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            exceptions=sum(tally.exceptions for tally in tallies),
            first_exception=next(filter(None, (tally.first_exception for tally in tallies)), ""),
            doubts=[tally.first_doubt for tally in tallies if tally.doubtful and not tally.through],
            deaf_to_cancellation=sum(tally.deaf_to_cancellation for tally in tallies),
            own_limits=own_limits,
            local_ports=count_local_ports(),
            notes=dict(notes),
        )


def waited_for_a_core_ns() -> int:
    """Return how long this thread has been ready to run without a core; 0 if unknown.

    Source: /proc/<pid>/schedstat, second field (Linux, Documentation/scheduler/sched-stats).
    """
    try:
        return int(_SCHEDSTAT.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _since(before_ns: int, now_ns: int) -> int:
    """Return the difference; 0 if a reading failed, e.g. because there was no descriptor."""
    return now_ns - before_ns if before_ns and now_ns else 0
