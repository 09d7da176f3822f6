"""Put into sentences what a scaling run found.

Add here: another sentence about it. Keep out: the law (analysis/scaling.py), table and plot.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.capacity.search import CapacityKind
from perf_pipeline.analysis.scaling import Estimate
from perf_pipeline.analysis.scaling_answer import ScalingAnswer
from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.metrics.scaling_point import ScalingPoint
from perf_pipeline.report.capacity_texts import limit_sentence, rate_text
from perf_pipeline.report.wording import number, plural

_KNOWN: Final = frozenset({CapacityKind.CAPACITY, CapacityKind.NOTHING})


@dataclass(frozen=True, slots=True)
class ScalingReport:
    """Hold what reports show of a scaling run.

    Attributes:
        sentence: what it found.
        answer: the same, as figures.
        points: all of them, the fewest units first.
        windows: the windows of all its searches.
    """

    sentence: str
    answer: ScalingAnswer
    points: tuple[ScalingPoint, ...]
    windows: tuple[CapacityWindow, ...]

    @property
    def is_known(self) -> bool:
        """Say whether the capacity at every number of units was found."""
        return all(point.kind == CapacityKind.CAPACITY for point in self.points)

    def windows_of(self, point: ScalingPoint) -> tuple[CapacityWindow, ...]:
        """Return the windows of one point."""
        return _within(point, self.windows)


def between(estimate: Estimate, *, percent: bool = False) -> str:
    """Write an interval that may have no end.

    >>> between(Estimate(0.8, 0.75, 0.9), percent=True), between(Estimate(9.0, 5.0, float("inf")))
    ('75 % to 90 %', '5 or more')
    """
    low, high = (
        f"{number(100 * end)} %" if percent else number(end) if math.isfinite(end) else ""
        for end in (estimate.low, estimate.high)
    )
    if math.isfinite(estimate.high):
        return f"{low} to {high}"
    return f"{low} or more" if low else "endless"


def setting_sentence(name: str, of: str, units: Sequence[int], usual: int, short: str) -> str:
    """Say what a scaling run will do, before it does it.

    Args:
        name: the benchmark that scales.
        of: the one that is searched.
        units: the numbers of units that are tried.
        usual: how many there are afterwards.
        short: why they can't be told apart; empty where they can.
    """
    if short:
        return f"{name} would be INVALID: {short}."
    numbers = ", ".join(map(str, units))
    return (
        f"{name} searches the capacity of {of} at {numbers} units, and sets {usual} again "
        f"afterwards."
    )


def scaling_sentence(
    of: str,
    answer: ScalingAnswer,
    points: Sequence[ScalingPoint],
    windows: Sequence[CapacityWindow],
) -> str:
    """Say what a scaling run found: the capacities, the efficiency, the law, and what gives way.

    Args:
        of: the benchmark that was searched.
        answer: what was found.
        points: all of them.
        windows: the windows of all its searches.
    """
    return " ".join(
        filter(
            None,
            (
                _capacities(of, answer, points),
                *_law(answer),
                _limit(points, windows),
                *_unknown(points),
            ),
        )
    )


def _capacities(of: str, answer: ScalingAnswer, points: Sequence[ScalingPoint]) -> str:
    told = [
        f"{_at_least(point)}{rate_text(point.per_s)} with {plural(point.units, 'unit')}"
        for point in points
        if math.isfinite(point.per_s)
    ]
    if not told:
        return f"It is not known how {of} scales."
    efficiency = ""
    last = answer.efficiencies[-1] if len(answer.efficiencies) > 1 else None
    if last is not None:
        fewest = plural(answer.points[0].units, "unit")
        efficiency = (
            f", where a unit carries {number(100 * last.value)} % of what it does with {fewest} "
            f"({between(last, percent=True)})"
        )
    return f"{of} carries {', '.join(told)}{efficiency}."


def _at_least(point: ScalingPoint) -> str:
    return "" if point.kind in _KNOWN else "at least "


def _law(answer: ScalingAnswer) -> Iterator[str]:
    if (fit := answer.fit) is None:
        if answer.points:
            yield f"Its coefficients are not known: {answer.why}."
        return
    yield (
        f"By the Universal Scalability Law, contention (sigma) is {number(fit.sigma.value)} "
        f"({between(fit.sigma)}), coherency (kappa) is {number(fit.kappa.value)} "
        f"({between(fit.kappa)}), and one unit carries {rate_text(fit.per_unit.value)} "
        f"({between(fit.per_unit)})."
    )
    beyond = " (beyond what was tried)" if answer.is_worth_extrapolated else ""
    share = f"{number(100 * answer.worth)} % of what the first carries"
    if answer.worth_units is None:
        yield f"Every further unit brings at least {share}."
    else:
        units = plural(answer.worth_units, "unit")
        yield f"From {units} on{beyond}, one more brings less than {share}."
    yield _peak(answer, fit.peak)


def _peak(answer: ScalingAnswer, peak: Estimate) -> str:
    if not math.isfinite(peak.value):
        least = math.isfinite(peak.low)
        lowest = f"; if there is one, it is at {number(peak.low)} units or more" if least else ""
        return f"By this law the capacity has no peak{lowest}."
    beyond = " (beyond what was tried)" if peak.value > answer.points[-1].units else ""
    return f"The capacity peaks at {number(peak.value)} units{beyond}; {between(peak)}."


def _limit(points: Sequence[ScalingPoint], windows: Sequence[CapacityWindow]) -> str:
    """Say what gives way at the most units whose capacity is known."""
    known = [point for point in points if point.kind == CapacityKind.CAPACITY]
    if not known:
        return ""
    last = known[-1]
    sentence = limit_sentence(last.per_s, _within(last, windows))
    return sentence and f"With {plural(last.units, 'unit')}: {sentence[0].lower()}{sentence[1:]}"


def _within(point: ScalingPoint, windows: Sequence[CapacityWindow]) -> tuple[CapacityWindow, ...]:
    first, last = point.first_window, point.last_window
    return tuple(window for window in windows if first <= window.number <= last)


def _unknown(points: Sequence[ScalingPoint]) -> Iterator[str]:
    """Say why no capacity is known at a number of units, each reason once."""
    open_points = [point for point in points if point.kind not in _KNOWN]
    for told in dict.fromkeys(point.told for point in open_points):
        numbers = ", ".join(str(point.units) for point in open_points if point.told == told)
        yield f"At {numbers} units: {told.rstrip('.')}."
