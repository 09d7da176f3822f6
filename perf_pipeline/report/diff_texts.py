"""Put a comparison with a baseline into words: one text per fact, for every report.

Add here: another fact of a diff that reports show. Keep out: the choice of facts for a report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.report import wording
from perf_pipeline.report.tables import ColumnKind, Table

DIFF_COLUMNS: Final[Mapping[str, ColumnKind]] = MappingProxyType(
    {
        "status": "status",
        "benchmark": "metric",
        "series": "metric",
        "n": "number",
        "median": "number",
        "CV": "number",
        "change": "number",
        "interval": "number",
        "detects": "number",
        "would detect": "prose",
    }
)
"""The columns of `DiffTexts.row`, as every page shows them."""


@dataclass(frozen=True, slots=True)
class DiffTexts:
    """Hold the texts of a diff; unknown values are `-`.

    Attributes:
        status: the status as `DiffStatus` spells it, with underscores.
        benchmark: the name of the benchmark.
        series: metric, tags and statistic.
        key: only metric and tags.
        statistic: only the statistic.
        value: the value of the run.
        fixed: the figure that it was compared with, if that was not the history.
        runs: the number of runs in the baseline.
        reference: the value that it was compared with.
        variation: the variation of the baseline.
        change: the change against the reference.
        interval: the interval of the change.
        detectable: the smallest worsening that one run shows.
        remedy: what one run would show if there were more runs or less noise.
        reason: one sentence if the status needs one; otherwise empty.
    """

    status: str
    benchmark: str
    series: str
    key: str
    statistic: str
    value: str
    fixed: str
    runs: str
    reference: str
    variation: str
    change: str
    interval: str
    detectable: str
    remedy: str
    reason: str

    @classmethod
    def of(cls, benchmark: str, diff: Diff) -> "DiffTexts":
        """Write the diff of a benchmark's series."""
        unit = wording.diff_unit(diff)
        return cls(
            status=str(diff.status),
            benchmark=benchmark,
            series=diff.series.label,
            key=diff.series.key,
            statistic=diff.series.statistic,
            value=wording.quantity(diff.value, unit),
            fixed=wording.quantity(diff.pinned, unit),
            runs=str(diff.noise.n),
            reference=wording.reference_of(diff),
            variation=wording.variation_of(diff),
            change=wording.change_of(diff),
            interval=wording.interval_of(diff),
            detectable=wording.detectable_of(diff),
            remedy=wording.remedy_of(diff),
            reason=diff.reason,
        )

    @property
    def row(self) -> tuple[str, ...]:
        """Return one text for each of `DIFF_COLUMNS`."""
        return (
            self.status,
            self.benchmark,
            self.series,
            self.runs,
            self.reference,
            self.variation,
            self.change,
            self.interval,
            self.detectable,
            self.remedy,
        )


def diff_table(pairs: Iterable[tuple[str, Diff]]) -> Table:
    """Make the table of these diffs, which are given as (benchmark, diff)."""
    return Table.of(DIFF_COLUMNS, (DiffTexts.of(*pair).row for pair in pairs))
