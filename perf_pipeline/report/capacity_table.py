"""Render the windows of a search for a capacity as a table and as JSON values.

Add here: another figure of a window. Keep out: sentences (capacity_texts.py) and drawings
(capacity_plot.py).
"""

import math
from collections.abc import Iterable
from typing import Any

from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.report import wording
from perf_pipeline.report.capacity_texts import CapacityReport, cpu_text, purpose_text, rate_text
from perf_pipeline.report.tables import Table


def capacity_table(found: CapacityReport | None) -> Table:
    """Return a row for each window, in the order of loading; no rows without a search."""
    return Table.of(
        {
            "window": "number",
            "rate": "number",
            "achieved": "number",
            "p95": "number",
            "failed": "number",
            "dropped": "number",
            "grows by": "number",
            "CPU": "prose",
            "status": "status",
            "because": "prose",
        },
        map(_row, found.windows if found else ()),
    )


def capacity_values(found: CapacityReport) -> dict[str, Any]:
    """Return the result of a search as JSON values; values that are not numbers are null."""
    answer = found.answer
    return {
        "kind": str(answer.kind),
        "sentence": found.sentence,
        "per_s": answer.rate,
        "low_per_s": answer.low,
        "high_per_s": answer.high,
        "windows": windows_values(found.windows),
    }


def windows_values(windows: Iterable[CapacityWindow]) -> list[dict[str, Any]]:
    """Return windows as JSON values; values that are not numbers are null."""
    return [_values(window) for window in windows]


def _values(window: CapacityWindow) -> dict[str, Any]:
    return {
        "number": window.number,
        "purpose": window.purpose,
        "rate_per_s": window.rate_per_s,
        "length_s": window.length_s,
        "achieved_per_s": window.achieved_per_s,
        "p95_ms": _finite(window.p95_ms),
        "failed_ratio": _finite(window.failed_ratio),
        "dropped": window.dropped,
        "growth_per_s": _finite(window.growth_per_s),
        "growth_of": window.growth_of or None,
        "cpu_percent": dict(window.cpu_percent),
        "status": window.shown,
        "reason": window.reason or None,
        "found": window.found or None,
    }


def _row(window: CapacityWindow) -> tuple[str, ...]:
    return (
        f"{window.number}{purpose_text(window)}",
        rate_text(window.rate_per_s),
        rate_text(window.achieved_per_s),
        wording.quantity(window.p95_ms, "ms"),
        wording.quantity(window.failed_ratio, "ratio"),
        f"{window.dropped:,}",
        wording.quantity(window.growth_per_s, "/s"),
        cpu_text(window),
        window.shown,
        window.reason or wording.ABSENT,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
