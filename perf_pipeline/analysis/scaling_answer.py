"""What a scaling run answers: efficiency at each number of units, the law, where to stop.

Add here: another conclusion from all points. Keep out: formulas (scaling.py), and sentences
(report/).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perf_pipeline.analysis.scaling import (
    CapacityAt,
    Estimate,
    ScalabilityFit,
    efficiency,
    fitted,
    why_not_fitted,
)

NO_LAW = (
    "no law with contention and coherency of 0 or more goes through the intervals of all "
    "capacities, as when more units carry more than so many times one, when they carry so much "
    "less that one unit would have no limit, or when the noise was greater than the intervals say"
)


@dataclass(frozen=True, slots=True)
class ScalingAnswer:
    """Hold what follows from capacities at several numbers of units.

    Attributes:
        points: the capacities, the fewest units first; those of which nothing is known are absent.
        efficiencies: the efficiencies of each point, beside the first one; None where it is not
            known.
        fit: the Universal Scalability Law through them; None without one.
        why: why there is none.
        worth: share of the first unit that the next one has to bring.
        worth_units: fewest units to which one more brings less, by the law; None where there are
            none, or no law.
    """

    points: tuple[CapacityAt, ...]
    efficiencies: tuple[Estimate | None, ...]
    fit: ScalabilityFit | None
    why: str
    worth: float
    worth_units: int | None

    @property
    def is_worth_extrapolated(self) -> bool:
        """Say whether the end of what is worth it is beyond what was tried."""
        return self.worth_units is not None and self.worth_units > self.points[-1].units


def scaling_answer(points: Sequence[CapacityAt], worth: float) -> ScalingAnswer:
    """Conclude from capacities what scaling brings.

    Args:
        points: the fewest units first.
        worth: share of the first unit that the next one has to bring.
    """
    why = why_not_fitted(points)
    fit = None if why else fitted(points)
    return ScalingAnswer(
        points=tuple(points),
        efficiencies=tuple(efficiency(point, points[0]) for point in points),
        fit=fit,
        why=why if why or fit else NO_LAW,
        worth=worth,
        worth_units=fit.law.last_worth(worth) if fit else None,
    )


def scaling_figures(answer: ScalingAnswer, units: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Name the figures of a scaling run; what is not known is absent.

    Args:
        answer: what it found.
        units: that were asked for, the fewest first; capacity and efficiency are those of the most,
            and the efficiency is nothing where that of the fewest is not known.
    """
    last = answer.points[-1] if answer.points else None
    if last is not None and last.units == units[-1]:
        if last.per_s is not None:
            yield "scaling_capacity_per_s", last.per_s
        found = answer.efficiencies[-1]
        if found is not None and answer.points[0].units == units[0]:
            yield "scaling_efficiency_ratio", found.value
    if answer.fit is not None:
        yield "scaling_lambda_per_s", answer.fit.law.per_unit
        yield "scaling_sigma", answer.fit.law.sigma
        yield "scaling_kappa", answer.fit.law.kappa
        if math.isfinite(answer.fit.law.peak):
            yield "scaling_peak_units", answer.fit.law.peak
    if answer.worth_units is not None:
        yield "scaling_worth_units", float(answer.worth_units)
