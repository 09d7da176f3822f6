"""The search for the highest rate that holds, as a sequence of windows to load; no I/O.

    from      what is loaded                     then
    hint      the hint                           held: double; failed: halve
    bracket   twice, or half, the last rate      until one rate holds and a higher one fails
    bisect    the geometric mean of the two      until they are `precision` apart
    confirm   the rate that held, again          most windows hold: the answer; else one step down

A window that fails is loaded once more before it counts, because a machine may have hiccups. A
window in which the load generator was the limit says nothing about the target, and is also loaded
once more; if it is the limit again, the search goes no higher, and its answer is "at least".
Confirming windows are loaded back to back, so that a burst that a buffer absorbs is noticed.

Add here: another way to choose the next rate. Keep out: judging a window (verdict.py).
"""

import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

AMPLE_WINDOWS: Final = 13
"""A search that needs no more windows than these narrows its bracket once more."""
_AGREEING: Final = 2


class Shown(StrEnum):
    """Say what a window showed: the system kept up, it did not, or the answer is unknown.

    INVALID: the load generator was the limit, so nothing is known about the system.
    """

    HELD = "HELD"
    FAILED = "FAILED"
    INVALID = "INVALID"


class Purpose(StrEnum):
    """Say why a window is loaded."""

    SEARCH = "search"
    REPEAT = "repeat"
    CONFIRM = "confirm"


class CapacityKind(StrEnum):
    """Say what a search found.

    CAPACITY: a confirmed rate holds, and a higher one does not. AT_LEAST: a confirmed rate holds,
        and the load generator (or the highest allowed rate) was the limit above it. NOTHING: not
        even the lowest rate holds. UNCONFIRMED: the windows were used up before a rate was
        confirmed. UNFINISHED: the search ended before.
    """

    CAPACITY = "CAPACITY"
    AT_LEAST = "AT_LEAST"
    NOTHING = "NOTHING"
    UNCONFIRMED = "UNCONFIRMED"
    UNFINISHED = "UNFINISHED"


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Say how to search.

    Attributes:
        hint: the rate of the first window, in starts per second.
        lowest: no lower rate is tried.
        highest: no higher rate is tried.
        precision: how far the answer may be below a rate that fails (0.05 = 5 %).
        max_windows: how many windows are loaded at most.
        confirm: how many windows confirm the answer.
    """

    hint: float
    lowest: float
    highest: float
    precision: float = 0.05
    max_windows: int = 25
    confirm: int = 3

    @property
    def majority(self) -> int:
        """Return how many of the confirming windows have to hold."""
        return self.confirm // 2 + 1


@dataclass(frozen=True, slots=True)
class Trial:
    """Ask for a window at a rate."""

    rate: float
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Tried:
    """Hold a window that was loaded."""

    rate: float
    purpose: Purpose
    shown: Shown


@dataclass(frozen=True, slots=True)
class Capacity:
    """Hold what a search found.

    Attributes:
        kind: the kind of answer.
        rate: the confirmed rate; otherwise the highest rate that held, or None if none did.
        low: the lower end of the interval from all windows; None if none held.
        high: the upper end; None if no rate failed.
        tried: all windows, in order.
    """

    kind: CapacityKind
    rate: float | None
    low: float | None
    high: float | None
    tried: tuple[Tried, ...] = ()

    @property
    def lowest(self) -> float | None:
        """Return the lowest rate that was tried; None without a window."""
        return min((window.rate for window in self.tried), default=None)


class _OverError(Exception):
    """Say that the windows are used up."""


Searching = Generator[Trial, Shown, Capacity]


def search(plan: SearchPlan) -> Searching:
    """Yield the windows to load, take what each showed, and return the answer.

    A caller that has to end early drops the generator and calls `ended_early`.
    """
    return _Search(plan).run()


def replayed(plan: SearchPlan, shown: Iterable[Shown]) -> Capacity:
    """Return the answer of a search from its windows in order.

    The same windows always give the same answer, so that only the windows are stored.
    """
    searching, tried = search(plan), list[Tried]()
    try:
        trial = next(searching)
        for result in shown:
            tried.append(Tried(trial.rate, trial.purpose, result))
            trial = searching.send(result)
    except StopIteration as over:
        answer: Capacity = over.value
        return answer
    return ended_early(tried)


def ended_early(tried: Iterable[Tried]) -> Capacity:
    """Return what is known after a search was ended early."""
    return _answer(CapacityKind.UNFINISHED, None, tuple(tried))


class _Search:
    """Keep the windows of one search."""

    def __init__(self, plan: SearchPlan) -> None:
        self._plan = plan
        self._tried: list[Tried] = []

    def run(self) -> Searching:
        """Search from the hint to the answer."""
        try:
            low, high, reason = yield from self._bracket()
            if low is None:
                kind = CapacityKind.NOTHING if reason is Shown.FAILED else CapacityKind.UNCONFIRMED
                return _answer(kind, None, tuple(self._tried))
            low, reason = yield from self._bisect(low, high, reason)
            return (yield from self._confirm(low, reason))
        except _OverError:
            return _answer(CapacityKind.UNCONFIRMED, None, tuple(self._tried))

    def _bracket(self) -> Generator[Trial, Shown, tuple[float | None, float | None, Shown]]:
        """Find a rate that holds and the next one that does not, with the result of the latter."""
        plan, rate = self._plan, self._plan.hint
        shown = yield from self._counted(rate)
        if shown is Shown.HELD:
            while rate < plan.highest:
                above = min(2 * rate, plan.highest)
                shown = yield from self._counted(above)
                if shown is not Shown.HELD:
                    return rate, above, shown
                rate = above
            return rate, None, Shown.INVALID
        while rate > plan.lowest:
            above, reason = rate, shown
            rate = max(rate / 2, plan.lowest)
            shown = yield from self._counted(rate)
            if shown is Shown.HELD:
                return rate, above, reason
        return None, rate, shown

    def _bisect(
        self, low: float, high: float | None, reason: Shown
    ) -> Generator[Trial, Shown, tuple[float, Shown]]:
        """Narrow the bracket while there are windows in addition to those for confirming.

        Above the limit of the generator nothing can be found, so the search does not go there.
        """
        while high is not None and reason is Shown.FAILED and self._is_worth_it(high / low):
            middle = math.sqrt(low * high)
            shown = yield from self._counted(middle)
            if shown is Shown.HELD:
                low = middle
            else:
                high, reason = middle, shown
        return low, reason

    def _is_worth_it(self, ratio: float) -> bool:
        """Say whether to narrow a bracket once more: to the precision, or to half of it.

        Half is for a search with few windows; each rate takes at most two of them.
        """
        after = len(self._tried) + 2 + self._plan.confirm
        if ratio > 1 + self._plan.precision:
            return after <= self._plan.max_windows
        return ratio > 1 + self._plan.precision / 2 and after <= AMPLE_WINDOWS

    def _confirm(self, rate: float, reason: Shown) -> Searching:
        """Load the rate again; if most windows do not hold, try one step below."""
        while rate >= self._plan.lowest:
            shown = yield from self._confirmed(rate)
            if shown is Shown.HELD:
                is_limit = reason is Shown.FAILED
                kind = CapacityKind.CAPACITY if is_limit else CapacityKind.AT_LEAST
                return _answer(kind, rate, tuple(self._tried))
            reason = shown
            rate /= 1 + self._plan.precision / 2
        kind = CapacityKind.NOTHING if reason is Shown.FAILED else CapacityKind.UNCONFIRMED
        return _answer(kind, None, tuple(self._tried))

    def _confirmed(self, rate: float) -> Generator[Trial, Shown, Shown]:
        """Return what most windows at a rate show; an INVALID window is loaded once more."""
        counts = dict.fromkeys(Shown, 0)
        may_miss = self._plan.confirm - self._plan.majority
        while (
            counts[Shown.HELD] + counts[Shown.FAILED] < self._plan.confirm
            and counts[Shown.FAILED] <= may_miss
            and counts[Shown.INVALID] <= self._plan.confirm
        ):
            shown = yield from self._window(rate, Purpose.CONFIRM)
            counts[shown] += 1
        if counts[Shown.INVALID] > self._plan.confirm:
            return Shown.INVALID
        return Shown.FAILED if counts[Shown.FAILED] > may_miss else Shown.HELD

    def _counted(self, rate: float) -> Generator[Trial, Shown, Shown]:
        """Load a window; if it does not hold, repeat until two windows agree or one holds.

        If one failed and one is INVALID, a third decides; a doubt after that remains.
        """
        seen = [(yield from self._window(rate, Purpose.SEARCH))]
        while seen[-1] is not Shown.HELD and seen.count(seen[-1]) < _AGREEING:
            seen.append((yield from self._window(rate, Purpose.REPEAT)))
        return seen[-1]

    def _window(self, rate: float, purpose: Purpose) -> Generator[Trial, Shown, Shown]:
        if self._left < 1:
            raise _OverError
        shown = yield Trial(rate, purpose)
        self._tried.append(Tried(rate, purpose, shown))
        return shown

    @property
    def _left(self) -> int:
        return self._plan.max_windows - len(self._tried)


def _answer(kind: CapacityKind, rate: float | None, tried: tuple[Tried, ...]) -> Capacity:
    """Build an answer with the interval that all windows leave.

    The lower end is the lowest rate at which a window failed, or the answer itself; the upper end
    is the lowest failed rate above every rate that held. If windows contradict one another, the
    interval is wide and shows their noise.
    """
    held = [window.rate for window in tried if window.shown is Shown.HELD]
    failed = [window.rate for window in tried if window.shown is Shown.FAILED]
    if rate is None and kind is not CapacityKind.NOTHING:
        rate = max(held, default=None)
    if rate is None:
        return Capacity(kind, None, None, min(failed, default=None), tried)
    best = max([rate, *held])
    above = [failing for failing in failed if failing > best]
    return Capacity(kind, rate, min([rate, *failed]), min(above, default=None), tried)
