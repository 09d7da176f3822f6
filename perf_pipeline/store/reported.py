"""Figures that another tool worked out itself, for a benchmark whose file has no samples.

Nothing is worked out from them: a statistic that the file does not have is no figure.
Add here: another question to them. Keep out: reading files of other tools (imports/).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import duckdb

from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.metrics.summary import FIGURES, Summary
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.store.tags_text import read_tags, tags_text

_ALL: Final = f"""
select metric, tags, statistic, value from reported_figures where {OF_KEY}
order by metric, tags, statistic
"""
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {name: known.field for name, known in STATISTICS.items()}
)
_MEDIAN: Final = 50.0


@dataclass(frozen=True, slots=True)
class ReportedFigures:
    """Hold what another tool reported of a benchmark, which is mostly nothing.

    Attributes:
        values: each by metric, filter and statistic, or by the text of a threshold.
    """

    values: Mapping[tuple[str, str, str], float]

    def figure(self, threshold: Threshold) -> float | None:
        """Return the figure of a threshold; None where it was not reported."""
        labels = [threshold.statistic_label]
        if threshold.percentile == _MEDIAN:
            labels.append("med")
        if threshold.statistic == "med":
            labels.append("p(50)")
        return self._first(threshold, labels)

    def judgement(self, threshold: Threshold) -> bool | None:
        """Say whether the tool said that a threshold held; None where it did not say it."""
        found = self._first(threshold, [threshold.source])
        return None if found is None else found > 0

    def _first(self, threshold: Threshold, labels: Iterable[str]) -> float | None:
        if not self.values:
            return None
        under = (threshold.metric, tags_text(threshold.tags))
        found = (self.values.get((*under, label)) for label in labels)
        return next((value for value in found if value is not None), None)


def reported_figures(connection: duckdb.DuckDBPyConnection, key: RunKey) -> ReportedFigures:
    """Return what another tool reported of a benchmark."""
    rows = connection.execute(_ALL, key.parameters).fetchall()
    return ReportedFigures({(*name,): float(value) for *name, value in rows})


def reported_summaries(connection: duckdb.DuckDBPyConnection, key: RunKey) -> list[Summary]:
    """Return one summary for each metric and filter that another tool reported; else none."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for metric, tags, statistic, value in connection.execute(_ALL, key.parameters).fetchall():
        figures = found.setdefault((metric, tags), {})
        if statistic in _FIELDS:
            figures[_FIELDS[statistic]] = value
    return [
        Summary(metric, read_tags(tags), **_complete(figures))
        for (metric, tags), figures in found.items()
        if figures
    ]


def _complete(figures: Mapping[str, float]) -> dict[str, Any]:
    """Fill what a file does not say; where it does not say how many there were, the count is 0."""
    return {"count": 0.0, **dict.fromkeys(FIGURES[1:]), **figures}
