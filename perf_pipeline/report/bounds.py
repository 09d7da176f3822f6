"""The thresholds of a benchmark as lines of its plots.

Add here: another statistic that can be drawn over time. Keep out: drawing, and judging.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import Threshold, Verdict
from perf_pipeline.report.axis import Panel

# A sum over a whole benchmark can't be drawn over time.
_NOT_OVER_TIME: Final = frozenset({"count", "last"})


def with_bounds(panel: Panel, verdicts: Iterable[Verdict]) -> Panel:
    """Return a panel with the bounds of thresholds on its lines, without duplicates."""
    keys = {key for line in panel.lines for key in line.keys}
    thresholds = [verdict.threshold for verdict in verdicts if verdict.threshold.key in keys]
    return replace(panel, bounds=tuple(dict(_drawn(thresholds, panel.unit)).items()))


def _drawn(thresholds: Iterable[Threshold], unit: str) -> Iterator[tuple[str, float]]:
    for threshold in thresholds:
        if threshold.statistic in _NOT_OVER_TIME:
            continue
        in_percent = CATALOG[threshold.metric].unit == "ratio" and unit == "percent"
        scale = 100.0 if in_percent else 1.0
        yield f"{threshold.key} {threshold.source}", threshold.bound * scale
