"""Hold what the history returns of comparisons: points of a series, metrics and their baselines.

Add here: a field of a comparison that a later question needs (and a migration). Keep out: SQL, and
how runs are compared (analysis/).
"""

from dataclasses import dataclass
from typing import NamedTuple


class SeriesPoint(NamedTuple):
    """Hold one run's figure in a series over runs; began_at is UTC, ISO 8601.

    A comparison makes fifty thousand of them, and a tuple takes a third of a dataclass's time.
    """

    run_id: str
    began_at: str
    value: float


@dataclass(frozen=True, slots=True)
class DiffRow:
    """Hold one metric's comparison with a baseline; changes are ratios (0.05 = 5 % more).

    Attributes:
        metric: in the catalog.
        tags: as `tags_text` writes them.
        statistic: p95, rate ...
        value: the value of this run, in the metric's unit; None without data.
        baseline_kind: history or pinned.
        baseline_runs: number of runs in the baseline.
        baseline_median: the baseline median of their values.
        change_ratio: this run against the baseline.
        change_low: lower end of its interval.
        change_high: upper end.
        minimum_detectable_ratio: the smallest change that would have been noticed.
        status: OK, SUSPECT, REGRESSED ...
    """

    metric: str
    tags: str
    statistic: str
    value: float | None
    baseline_kind: str
    baseline_runs: int
    baseline_median: float | None
    change_ratio: float | None
    change_low: float | None
    change_high: float | None
    minimum_detectable_ratio: float | None
    status: str
