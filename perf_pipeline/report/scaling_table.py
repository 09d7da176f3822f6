"""The points of a scaling run: as a table, and as JSON values.

Add here: another figure of a point. Keep out: sentences (scaling_texts.py) and the drawing
(scaling_plot.py).
"""

import math
from typing import Any

from perf_pipeline.analysis.capacity.search import Purpose
from perf_pipeline.analysis.scaling import Estimate
from perf_pipeline.metrics.scaling_point import ScalingPoint
from perf_pipeline.report import wording
from perf_pipeline.report.capacity_table import windows_values
from perf_pipeline.report.capacity_texts import cpu_text, first_beyond, rate_text
from perf_pipeline.report.scaling_texts import ScalingReport, between
from perf_pipeline.report.tables import Table


def scaling_table(found: ScalingReport | None) -> Table:
    """Return a row for each number of units, the fewest first; no rows without a scaling run."""
    return Table.of(
        {
            "units": "number",
            "capacity": "number",
            "between": "number",
            "efficiency": "number",
            "by the law": "number",
            "CPU": "prose",
            "status": "status",
            "what gives way above": "prose",
        },
        [_row(found, point) for point in found.points] if found else (),
    )


def scaling_values(found: ScalingReport) -> dict[str, Any]:
    """Return what a scaling run found as JSON values; unknown and infinite values are null."""
    fit = found.answer.fit
    return {
        "sentence": found.sentence,
        "lambda_per_s": _estimate(fit.per_unit if fit else None),
        "sigma": _estimate(fit.sigma if fit else None),
        "kappa": _estimate(fit.kappa if fit else None),
        "peak_units": _estimate(fit.peak if fit else None),
        "worth": found.answer.worth,
        "worth_units": found.answer.worth_units,
        "why_no_law": found.answer.why or None,
        "points": [
            {
                "units": point.units,
                "kind": point.kind,
                "per_s": _finite(point.per_s),
                "low_per_s": _finite(point.low_per_s),
                "high_per_s": _finite(point.high_per_s),
                "efficiency": _estimate(_efficiency(found, point)),
                "sentence": point.told,
                "windows": windows_values(found.windows_of(point)),
            }
            for point in found.points
        ],
    }


def _row(found: ScalingReport, point: ScalingPoint) -> tuple[str, ...]:
    efficiency = _efficiency(found, point)
    fit, is_known = found.answer.fit, math.isfinite(point.per_s)
    beyond = first_beyond(point.per_s, found.windows_of(point)) if is_known else None
    return (
        str(point.units),
        rate_text(point.per_s) if is_known else wording.ABSENT,
        _between(point),
        f"{wording.number(100 * efficiency.value)} % ({between(efficiency, percent=True)})"
        if efficiency
        else wording.ABSENT,
        rate_text(fit.law.capacity(point.units)) if fit else wording.ABSENT,
        _cpu(found, point) or wording.ABSENT,
        point.kind,
        "; ".join(filter(None, (beyond.reason, beyond.found))) if beyond else point.told,
    )


def _between(point: ScalingPoint) -> str:
    if not math.isfinite(point.per_s):
        return wording.ABSENT
    if not math.isfinite(point.high_per_s):
        return f"{rate_text(point.low_per_s)} or more"
    return f"{rate_text(point.low_per_s)} and {rate_text(point.high_per_s)}"


def _cpu(found: ScalingReport, point: ScalingPoint) -> str:
    """List the CPU use of the parts while the capacity was confirmed, the busiest first."""
    confirmed = [
        window
        for window in found.windows_of(point)
        if window.purpose == Purpose.CONFIRM and window.rate_per_s == point.per_s
    ]
    return cpu_text(confirmed[-1]) if confirmed else ""


def _efficiency(found: ScalingReport, point: ScalingPoint) -> Estimate | None:
    """Return the efficiency at a point; the answer holds only those that are known."""
    both = zip(found.answer.points, found.answer.efficiencies, strict=True)
    return next((its for known, its in both if known.units == point.units), None)


def _estimate(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    return {
        "value": _finite(estimate.value),
        "low": _finite(estimate.low),
        "high": _finite(estimate.high),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
