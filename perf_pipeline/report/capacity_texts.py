"""Describe a search for a capacity in sentences: its windows as they end, and its answer.

Add here: another sentence about a capacity. Keep out: the search (analysis/capacity/), tables and
plots.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.capacity.search import (
    Capacity,
    CapacityKind,
    Purpose,
    SearchPlan,
    Shown,
)
from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.report.wording import number, plural
from perf_pipeline.units import SECONDS_PER_DAY

_MOST_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """Hold what reports show about a search for a capacity.

    Attributes:
        sentence: the result as a sentence.
        answer: the result as figures.
        windows: all windows, in the order of loading.
    """

    sentence: str
    answer: Capacity
    windows: tuple[CapacityWindow, ...]


def rate_text(per_s: float) -> str:
    """Write a rate per second, or per minute if it is below 1 per second.

    >>> rate_text(184.3), rate_text(0.25)
    ('184/s', '15/min')
    """
    return f"{number(per_s)}/s" if per_s >= 1 else f"{number(60 * per_s)}/min"


def per_day_text(per_s: float) -> str:
    """Write a rate as the number in a day.

    >>> per_day_text(11.574074)
    '1,000,000 a day'
    """
    return f"{round(per_s * SECONDS_PER_DAY):,} a day"


def search_sentence(
    name: str, of: str, plan: SearchPlan, length_s: float, left_out: Sequence[str]
) -> str:
    """Describe what a search is going to do.

    Args:
        name: the benchmark that searches.
        of: the benchmark that is searched.
        plan: the rates and windows of the search.
        length_s: the length of the first window.
        left_out: the keys of thresholds on a rate, which windows need not keep.
    """
    without = ""
    if left_out:
        without = (
            f" The search chooses the rate itself, so its windows are not judged by "
            f"{', '.join(left_out)} of {of}."
        )
    return (
        f"{name} searches the highest rate that {of} carries: from {rate_text(plan.hint)} on, "
        f"between {rate_text(plan.lowest)} and {rate_text(plan.highest)}, in at most "
        f"{plan.max_windows} windows, of {number(length_s)} s at the first rate.{without}"
    )


def purpose_text(window: CapacityWindow) -> str:
    """Say in brackets why a window was loaded; nothing for a window of the search itself."""
    return "" if window.purpose == Purpose.SEARCH else f" ({window.purpose})"


def cpu_text(window: CapacityWindow, most: int | None = None) -> str:
    """List the CPU use of the parts, or of at most so many, the busiest first."""
    busy = sorted(window.cpu_percent.items(), key=lambda part: -part[1])[:most]
    return ", ".join(f"{part} {round(use)} %" for part, use in busy)


def window_sentence(window: CapacityWindow) -> str:
    """Say in one line what a window showed."""
    figures = [f"achieved {rate_text(window.achieved_per_s)}"]
    if math.isfinite(window.p95_ms):
        figures.append(f"p95 {number(window.p95_ms)} ms")
    if math.isfinite(window.failed_ratio):
        figures.append(f"{number(100 * window.failed_ratio)} % failed")
    if window.dropped:
        figures.append(f"{window.dropped:,} dropped")
    if window.cpu_percent:
        figures.append(f"CPU {cpu_text(window, _MOST_PARTS)}")
    why = f" because {window.reason}" if window.reason else ""
    return (
        f"window {window.number} at {rate_text(window.rate_per_s)}{purpose_text(window)}: "
        f"{window.shown}{why}; {', '.join(figures)}"
    )


def answer_sentence(
    of: str,
    answer: Capacity,
    windows: Sequence[CapacityWindow],
    *,
    target_per_s: float | None = None,
    ended: str = "",
) -> str:
    """Say what a search found: the rate, the day, the interval, the headroom and the limit.

    Args:
        of: the benchmark that was searched.
        answer: the result of the search.
        windows: all windows of the search.
        target_per_s: the required rate.
        ended: why the search ended early, as the end of a sentence.
    """
    match answer.kind:
        case CapacityKind.CAPACITY:
            return " ".join(filter(None, _capacity(of, answer, windows, target_per_s)))
        case CapacityKind.AT_LEAST:
            rate = answer.rate or 0.0
            why = _limit_of_generator(windows)
            return (
                f"{of} carries at least {rate_text(rate)} ({per_day_text(rate)}); {why}, so its "
                f"capacity is not known."
            )
        case CapacityKind.NOTHING:
            lowest = answer.lowest or 0.0
            return (
                f"{of} carries no rate that was tried, not even {rate_text(lowest)}"
                f"{_last_failure(windows)}."
            )
        case CapacityKind.UNCONFIRMED:
            return (
                f"No rate was confirmed within {plural(len(windows), 'window')}, so the capacity "
                f"of {of} is not known{_best(answer)}."
            )
        case CapacityKind.UNFINISHED:
            why = f", because {ended}" if ended else ""
            return f"The search ended before it found the capacity of {of}{why}{_best(answer)}."


def _capacity(
    of: str, answer: Capacity, windows: Sequence[CapacityWindow], target_per_s: float | None
) -> Sequence[str]:
    rate = answer.rate or 0.0
    confirmed = [w for w in windows if w.purpose == Purpose.CONFIRM and w.rate_per_s == rate]
    held = sum(window.shown == Shown.HELD for window in confirmed)
    found = (
        f"{of} carries {rate_text(rate)} ({per_day_text(rate)}), confirmed by {held} of "
        f"{plural(len(confirmed), 'window')}."
    )
    between = ""
    if answer.low is not None and answer.high is not None:
        between = (
            f"By all {len(windows)} windows it lies between {rate_text(answer.low)} and "
            f"{rate_text(answer.high)}."
        )
    headroom = ""
    if target_per_s is not None:
        headroom = (
            f"That is {number(rate / target_per_s)} times the {per_day_text(target_per_s)} that "
            "are required."
        )
    return found, between, headroom, limit_sentence(rate, windows)


def first_beyond(rate: float, windows: Sequence[CapacityWindow]) -> CapacityWindow | None:
    """Return the failed window with the lowest rate above another rate; None without one."""
    above = [
        window for window in windows if window.shown == Shown.FAILED and window.rate_per_s > rate
    ]
    return min(above, key=lambda window: (window.rate_per_s, -window.number), default=None)


def limit_sentence(rate: float, windows: Sequence[CapacityWindow]) -> str:
    """Say what kept a system from carrying the lowest failed rate above its capacity."""
    lowest = first_beyond(rate, windows)
    if lowest is None:
        return ""
    found = f" (found meanwhile: {lowest.found})" if lowest.found else ""
    return f"What gives way at {rate_text(lowest.rate_per_s)}: {lowest.reason}{found}."


def _limit_of_generator(windows: Sequence[CapacityWindow]) -> str:
    invalid = [window for window in windows if window.shown == Shown.INVALID]
    if not invalid:
        return "the profile allows no higher rate (highest)"
    lowest = min(invalid, key=lambda window: window.rate_per_s)
    return (
        f"at {rate_text(lowest.rate_per_s)} nothing is known about the target, because "
        f"{lowest.reason}"
    )


def _last_failure(windows: Sequence[CapacityWindow]) -> str:
    failed = [window for window in windows if window.shown == Shown.FAILED]
    reasons = [window.reason for window in failed if window.reason]
    return f": {reasons[-1]}" if reasons else ""


def _best(answer: Capacity) -> str:
    if answer.rate is None:
        return "; no window held"
    return f"; the highest rate at which a window held is {rate_text(answer.rate)}"
