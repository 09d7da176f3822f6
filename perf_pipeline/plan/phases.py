"""Decide which starts count (warm-up, measured or drain), and over which window rates are taken.

Add here: another rule that keeps a start out of the summaries. Keep out: reading the time.
"""

from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.executors.kinds import Executor
from perf_pipeline.metrics.sample import Phase

_MEASURED: Final = Phase.MEASURED


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """Bound the starts that count: start_us <= intended start < end_us.

    Attributes:
        start_us: the end of the warm-up, in µs after the load's start.
        end_us: the planned end without the graceful stop; never before `start_us`.
    """

    start_us: int
    end_us: int

    def phase(self, intended_us: int) -> Phase:
        """Return the phase of a start by its intended time.

        >>> window = MeasuredWindow(10, 20)
        >>> [str(window.phase(at_us)) for at_us in (9, 10, 19, 20)]
        ['warm-up', 'measured', 'measured', 'drain']
        """
        if intended_us >= self.end_us:
            return Phase.DRAIN
        return _MEASURED if intended_us >= self.start_us else Phase.WARM_UP

    def moved(self, by_us: int) -> "MeasuredWindow":
        """Return the same window, counted from another origin."""
        return MeasuredWindow(self.start_us + by_us, self.end_us + by_us)


def measured_window(executor: Executor, warm_up_us: int) -> MeasuredWindow:
    """Return a scenario's window in µs after the load's start; empty if all of it is warm-up."""
    end_us = executor.start_time_us + executor.length_us
    return MeasuredWindow(min(end_us, executor.start_time_us + warm_up_us), end_us)
