"""The key `capacity` of a benchmark: search for the highest rate that another benchmark carries.

Add here: a key of the search, with its meaning in the docstring (docs/profiles.md shows it). Keep
out: rules that need the whole profile (capacity_rules.py), and searching (analysis/capacity/).
"""

from typing import Final

from pydantic import Field

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals, is_empty
from perf_pipeline.config.rate_text import Rate
from perf_pipeline.units import US_PER_S

_LONGEST_WINDOW_US: Final = 3_600 * US_PER_S


class CapacitySearch(Frozen):
    """Search for the highest rate at which a benchmark's scenarios keep its thresholds.

    Attributes:
        of: the benchmark that is searched. The rates of its scenarios scale together, and its
            thresholds must hold in each window. That benchmark itself may be switched off.
        scenarios: which of its scenarios run, all at the same time; by default all of them.
        hint: the rate of the first window, summed over all scenarios, e.g. `50/s`; by default the
            rate that the scenarios have in the profile.
        target: the rate that you need, e.g. `1000000/day`; the headroom is the capacity divided by
            it.
        precision: how far the answer may be below a rate that fails (0.05 = 5 %).
        window_us: how long a window is measured; by default as long as its thresholds need, between
            10 s and 2 minutes.
        max_windows: how many windows are loaded at most.
        confirm: how many windows confirm the answer; more than half of them have to hold.
        recovery_us: how long the target may take to recover after a window that it did not carry.
        highest: no rate above this one is tried.
    """

    of: str
    scenarios: tuple[str, ...] = Field(default=(), strict=False, exclude_if=is_empty)
    hint: Rate | None = Field(default=None, exclude_if=equals(None))
    target: Rate | None = Field(default=None, exclude_if=equals(None))
    precision: float = Field(default=0.05, ge=0.01, le=0.5)
    window_us: Duration | None = Field(
        default=None, alias="window", ge=US_PER_S, le=_LONGEST_WINDOW_US, exclude_if=equals(None)
    )
    max_windows: int = Field(default=25, ge=5, le=200)
    confirm: int = Field(default=3, ge=1, le=9)
    recovery_us: Duration = Field(default=60 * US_PER_S, alias="recovery", ge=0)
    highest: Rate = Field(default=20_000.0)
