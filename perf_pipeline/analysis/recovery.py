"""Find when a load felt a fault, and when all was as before again.

The time of a load is cut into buckets by when operations were due, so that a stall cannot hide.
Bands say what was usual before the first fault: the worst twentieth of the buckets, and some room.
A fault has an effect if a bucket is out of the bands, and one of the next two as well; if more
failed than usual, one bucket up to the one after the undo is enough. All is as before from the
first bucket on that is in the bands and after which they are kept for `HOLD_US`, up to one bucket
in ten, and also from the undo on for as long. What comes back later than that before the end of the
load has not been seen to come back.

Add here: another rule of recovery. Keep out: reading (store/spool_course.py) and breaking things.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.units import US_PER_S

HOLD_US: Final = 3 * US_PER_S
"""For so long everything must be in its band, so that it counts as recovered."""
EFFECT_WITHIN_US: Final = 10 * US_PER_S
"""What begins later after an undo is no effect of the fault."""
LEAST_BUCKETS: Final = 3
LEAST_ANSWERED: Final = 0.95
_WIDTHS_US: Final = (100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000)
_STARTS_WANTED: Final = 20
_BUCKETS_WANTED: Final = 5
_WORST: Final = 0.05
_BAD_OF: Final = 10
_RATE_ROOM: Final = 0.1
_TIME_ROOM: Final = 0.5
_TIME_ROOM_MS: Final = 10.0
_WAITING_MORE: Final = 0.25
_FAILED_ROOM: Final = 0.01
_WAITING_ROOM: Final = 5.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """Hold what became of the operations that were due in a short time.

    Attributes:
        begins_us: µs since the benchmark's origin.
        planned: starts that were due.
        answered: operations that went well.
        failed: operations that did not.
        p95_ms: the p95 of their response times; None without any.
        waiting: messages that were under way at its end; None where nobody knows.
        under_way_ms: ages of operations that had not ended when the bucket was looked at.
    """

    begins_us: int
    planned: float
    answered: int
    failed: int
    p95_ms: float | None = None
    waiting: float | None = None
    under_way_ms: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Bands:
    """Hold what was usual before the first fault.

    Attributes:
        answered: at least so many operations went well for each planned start.
        failed: at most this share of operations failed.
        p95_ms: the p95 of a bucket's response times, at most; None where nothing was answered.
        waiting: messages under way, at most; None where nobody knows.
    """

    answered: float
    failed: float
    p95_ms: float | None
    waiting: float | None

    def hold(self, bucket: Bucket) -> bool:
        """Say whether a bucket is as usual in every respect; one in which nothing was due is."""
        if _over(bucket.waiting, self.waiting):
            return False
        if bucket.planned <= 0:
            return True
        if bucket.answered / bucket.planned < self.answered or self.is_failing(bucket):
            return False
        return not _over(bucket.p95_ms, self.p95_ms)

    def is_failing(self, bucket: Bucket) -> bool:
        """Say whether more operations of a bucket failed than usual."""
        return _failed(bucket) > self.failed


@dataclass(frozen=True, slots=True)
class Recovery:
    """Say what a load felt of a fault.

    Attributes:
        effect_us: when its first effect was, µs since the benchmark's origin; None without any.
        recovered_us: since when all was as before; the start of a fault without any effect; None
            where it was not seen.
        steady_after: share of the buckets from then on, until the next fault, in the bands.
    """

    effect_us: int | None
    recovered_us: int | None
    steady_after: float | None = None


def width_us(starts_per_s: float, before_us: int) -> int:
    """Return the shortest bucket in which twenty operations are due; at most 5 s.

    The time before the first fault has at least five of them, even if fewer are due in each.

    >>> width_us(50, 60_000_000), width_us(1_000, 60_000_000), width_us(1, 60_000_000)
    (500000, 100000, 5000000)
    >>> width_us(1, 3_000_000)
    500000
    """
    allowed = [width for width in _WIDTHS_US if width * _BUCKETS_WANTED <= before_us]
    fitting = (width for width in allowed if starts_per_s * width >= _STARTS_WANTED * US_PER_S)
    return next(fitting, allowed[-1] if allowed else _WIDTHS_US[0])


def bands_of(before: Sequence[Bucket]) -> Bands | None:
    """Say what was usual; None where there is too little, or where it was not steady.

    At least three buckets are needed, and 95 % of what was asked went well.

    Args:
        before: buckets of the time before the first fault, as they were known when it began. What
            was under way then ended in the hand of the fault, so that nobody knows how it would
            have ended: it goes well as long as it had not taken longer than others before it.
    """
    asked = [bucket for bucket in before if bucket.planned > 0]
    if len(asked) < LEAST_BUCKETS:
        return None
    times = [bucket.p95_ms for bucket in asked if bucket.p95_ms is not None]
    slowest = _high(times)
    usual_ms = slowest + max(_TIME_ROOM_MS, _TIME_ROOM * slowest)
    well = [
        bucket.answered + sum(age_ms <= usual_ms for age_ms in bucket.under_way_ms)
        for bucket in asked
    ]
    due = sum(it.answered + it.failed + len(it.under_way_ms) for it in asked)
    if not any(bucket.answered for bucket in asked) or sum(well) < LEAST_ANSWERED * due:
        return None
    waiting = [bucket.waiting for bucket in before if bucket.waiting is not None]
    shares = [count / bucket.planned for count, bucket in zip(well, asked, strict=True)]
    return Bands(
        answered=_low(shares) * (1 - _RATE_ROOM),
        failed=_high([_failed(bucket) for bucket in asked]) + _FAILED_ROOM,
        p95_ms=usual_ms if times else None,
        waiting=_high(waiting) * (1 + _WAITING_MORE) + _WAITING_ROOM if waiting else None,
    )


def recovery_of(
    buckets: Sequence[Bucket],
    bands: Bands,
    *,
    injected_us: int,
    undone_us: int,
    next_us: int | None = None,
) -> Recovery:
    """Find the effect of a fault and the end of it.

    Args:
        buckets: the buckets of the whole load, in order, all of the same width and without gaps.
        bands: the bands of the time before the first fault.
        injected_us: when it began.
        undone_us: when it was undone.
        next_us: when the next fault began, if there is one.
    """
    good = [bands.hold(bucket) for bucket in buckets]
    width = _width(buckets)

    def place(at_us: int) -> int:
        return max(0, (at_us - buckets[0].begins_us) // width)

    first = place(injected_us)
    last = min(len(good), place(undone_us + EFFECT_WITHIN_US) + 1)
    at_undo = place(undone_us) + 1

    def is_felt(n: int) -> bool:
        fails = n <= at_undo and bands.is_failing(buckets[n])
        return not good[n] and (fails or not all(good[n + 1 : n + 3]))

    felt = next((n for n in range(first, last) if is_felt(n)), None)
    if felt is None:
        return Recovery(None, injected_us, _share(good[first : _end(len(good), next_us, place)]))
    back = _back(good, felt, place(undone_us), _hold(width))
    effect_us = max(injected_us, buckets[felt].begins_us)
    if back is None:
        return Recovery(effect_us, None)
    steady = _share(good[back : _end(len(good), next_us, place)])
    return Recovery(effect_us, max(effect_us, buckets[back].begins_us), steady)


def seconds_needed(buckets: Sequence[Bucket], undone_us: int) -> float:
    """Return how much load after an undo is too short to see a recovery; 0 where it is enough.

    Enough are whole buckets that begin after the undo and last for `HOLD_US`, at least one. What is
    needed counts from the undo on, to the end of the last of them.

    Args:
        buckets: the buckets of the whole load, in order, all of the same width and without gaps.
        undone_us: when the fault was undone.
    """
    begin_us, width = buckets[0].begins_us, _width(buckets)
    first = max(0, math.ceil((undone_us - begin_us) / width))
    enough = first + _hold(width)
    if enough <= len(buckets):
        return 0.0
    return (begin_us + enough * width - undone_us) / US_PER_S


def _width(buckets: Sequence[Bucket]) -> int:
    return buckets[1].begins_us - buckets[0].begins_us if len(buckets) > 1 else US_PER_S


def _hold(width: int) -> int:
    """Return how many buckets must be in their bands, so that it counts as recovered."""
    return max(1, HOLD_US // width)


def _back(good: Sequence[bool], felt: int, undone: int, hold: int) -> int | None:
    """Return the first bucket from which on the bands are kept; None without one."""
    most_bad = max(1, hold // _BAD_OF)
    kept = [
        good[n : n + hold].count(False) <= most_bad and n + hold <= len(good)
        for n in range(len(good))
    ]
    return next(
        (n for n in range(felt, len(good)) if good[n] and all(kept[n : max(n, undone) + 1])),
        None,
    )


def drain_per_s(buckets: Sequence[Bucket], until_us: int) -> tuple[float, float | None] | None:
    """Return the most messages that waited, and how many fewer they became per second after that.

    Args:
        buckets: from the start of a fault.
        until_us: its recovery.

    Returns:
        None where nobody knows what waited; no rate where the peak is the last bucket.
    """
    known = [
        (bucket.waiting, bucket.begins_us)
        for bucket in buckets
        if bucket.waiting is not None and bucket.begins_us <= until_us
    ]
    if not known:
        return None
    peak, peak_us = max(known, key=lambda seen: (seen[0], -seen[1]))
    last, last_us = known[-1]
    if last_us <= peak_us:
        return peak, None
    return peak, (peak - last) * US_PER_S / (last_us - peak_us)


def _end(count: int, next_us: int | None, place: Callable[[int], int]) -> int:
    return count if next_us is None else min(count, place(next_us))


def _share(good: Sequence[bool]) -> float | None:
    return sum(good) / len(good) if good else None


def _failed(bucket: Bucket) -> float:
    asked = bucket.answered + bucket.failed
    return bucket.failed / asked if asked else 0.0


def _over(value: float | None, bound: float | None) -> bool:
    return value is not None and bound is not None and value > bound


def _low(values: Sequence[float]) -> float:
    return sorted(values)[math.floor(_WORST * len(values))]


def _high(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil((1 - _WORST) * len(values)) - 1] if values else 0.0
