"""Scaling runs that never were: what is shown of one, and searches of systems that have a law.

Add here: another answer. Keep out: what has to hold of it (unit/).
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.capacity.search import Capacity, SearchPlan, Shown, search
from perf_pipeline.analysis.scaling import CapacityAt, ScalabilityFit, ScalabilityLaw
from perf_pipeline.analysis.scaling_answer import scaling_answer
from perf_pipeline.metrics.scaling_point import NOT_TRIED, ScalingPoint
from perf_pipeline.report.scaling_texts import ScalingReport, scaling_sentence
from perf_pipeline_tests.support.searched import WINDOW

LAW: Final = ScalabilityLaw(100.0, 0.05, 0.01)
UNITS: Final = (1, 2, 4)


def simulated(
    law: ScalabilityLaw, seed: int, units: Sequence[int], noise: float = 0.02
) -> Iterator[CapacityAt]:
    """Search systems that carry what a law says; what a window sees is off by noise (sd)."""
    chance = random.Random(seed)
    for number in units:
        searching = search(SearchPlan(hint=50.0, lowest=0.2, highest=20_000.0))
        trial = next(searching)
        try:
            while True:
                seen = trial.rate * math.exp(chance.gauss(0, noise))
                shown = Shown.HELD if seen <= law.capacity(number) else Shown.FAILED
                trial = searching.send(shown)
        except StopIteration as over:
            found: Capacity = over.value
        assert found.rate is not None
        assert found.low is not None
        low, high = min(found.low, found.rate / 1.05), found.rate * 1.05
        yield CapacityAt(number, found.rate, low, max(found.high or math.inf, high))


def holds_all(fit: ScalabilityFit, law: ScalabilityLaw) -> bool:
    """Say whether every interval of a fit holds the truth, but for rounding."""
    pairs = (
        (fit.per_unit, law.per_unit),
        (fit.sigma, law.sigma),
        (fit.kappa, law.kappa),
        (fit.peak, law.peak),
    )
    return all(its.low * 0.999 - 1e-6 <= true <= its.high * 1.001 + 1e-6 for its, true in pairs)


def point(number: int, units: int, kind: str = "CAPACITY") -> ScalingPoint:
    """Make a point of the law; its two windows failed at 200/s and held at its capacity."""
    per_s = LAW.capacity(units) if kind != NOT_TRIED else math.nan
    return ScalingPoint(
        position=number,
        units=units,
        kind=kind,
        per_s=per_s,
        low_per_s=per_s * 0.98,
        high_per_s=per_s * 1.03,
        first_window=2 * number - 1,
        last_window=2 * number,
        told="it was not" if kind == NOT_TRIED else f"checkout carries {per_s:.0f}/s",
    )


def scaled(*units: int) -> ScalingReport:
    """Make what reports show of a scaling run at these numbers of units; 1, 2 and 4 by default."""
    points = [point(number, its) for number, its in enumerate(units or UNITS, start=1)]
    windows = [
        window
        for its in points
        for window in (
            replace(WINDOW, number=its.first_window, rate_per_s=its.per_s * 1.03),
            replace(
                WINDOW,
                number=its.last_window,
                rate_per_s=its.per_s,
                purpose="confirm",
                shown="HELD",
                reason="",
            ),
        )
    ]
    known = [CapacityAt(p.units, p.per_s, p.per_s / 1.05, p.per_s * 1.05) for p in points]
    answer = scaling_answer(known, 0.5)
    sentence = scaling_sentence("checkout", answer, points, windows)
    return ScalingReport(sentence, answer, tuple(points), tuple(windows))
