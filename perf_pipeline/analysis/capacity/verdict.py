"""Judge a window of load: did the system keep up with the rate, and if not, why?

A window holds if all thresholds hold, no planned start was dropped, and nothing piles up. It is
INVALID if the load generator was the limit, or a threshold could not be judged; then nothing is
known.

Add here: another sign that a system does not keep up. Keep out: the next rate (search.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.capacity.growth import Growth
from perf_pipeline.analysis.capacity.search import Shown

LEAST_SHARE: Final = 0.01
"""Growth below this share of the starts is not told from chance."""
LEAST_GROWTH: Final = 10.0
"""Nor is growth by fewer than this many within a window."""


@dataclass(frozen=True, slots=True)
class Piling:
    """Hold how fast a queue of some kind grew during a window.

    Attributes:
        what: what is counted, e.g. `operations in flight`.
        slope: its growth per second.
    """

    what: str
    slope: Growth

    def is_growth(self, rate: float, length_s: float) -> bool:
        """Say whether the queue piles up: its whole interval is above zero and it matters."""
        grown = self.slope.per_s * length_s
        least = max(LEAST_GROWTH, LEAST_SHARE * rate * length_s)
        return self.slope.low > 0 and grown >= least


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """Hold what a window of load showed, before it is judged.

    Attributes:
        rate: the requested starts per second of all scenarios together.
        length_s: the length of the part that counts.
        misses: one sentence for each threshold that failed.
        unknown: one sentence for each threshold that could not be judged.
        limits: one sentence for each reason why the load generator was the limit.
        dropped: planned starts that found no free VU.
        piling: the queues that were watched for growth.
    """

    rate: float
    length_s: float
    misses: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    dropped: int = 0
    piling: tuple[Piling, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowVerdict:
    """Hold what a window shows, and why, in one sentence each; no sentences if it held."""

    shown: Shown
    reasons: tuple[str, ...] = ()


def verdict_of(facts: WindowFacts) -> WindowVerdict:
    """Judge a window.

    >>> verdict_of(WindowFacts(rate=100.0, length_s=10.0, dropped=3)).reasons
    ('3 planned starts found no free VU',)
    """
    if facts.limits:
        return WindowVerdict(Shown.INVALID, facts.limits)
    failed = tuple(_failures(facts))
    if failed:
        return WindowVerdict(Shown.FAILED, failed)
    if facts.unknown:
        return WindowVerdict(Shown.INVALID, facts.unknown)
    return WindowVerdict(Shown.HELD)


def _failures(facts: WindowFacts) -> Iterator[str]:
    yield from facts.misses
    if facts.dropped:
        found = "start" if facts.dropped == 1 else "starts"
        yield f"{facts.dropped:,} planned {found} found no free VU"
    for piling in facts.piling:
        if piling.is_growth(facts.rate, facts.length_s):
            slope = piling.slope
            yield (
                f"{piling.what} grow by {slope.per_s:,.3g} per second "
                f"(95 % interval {slope.low:,.3g} to {slope.high:,.3g})"
            )
