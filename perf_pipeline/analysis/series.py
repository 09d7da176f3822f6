"""What is compared, what a comparison says, and when a suspect run becomes a regression.

Add here: a field of a comparison that reports show. Keep out: baselines (window.py, pinned.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.noise import NoiseFloor
from perf_pipeline.analysis.scale import Effect
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus
from perf_pipeline.metrics.catalog import CATALOG, Better
from perf_pipeline.metrics.naming import metric_key, series_label, written_filter

P99_MINIMUM_REQUESTS: Final = 2_000
"""Below this many requests a p(99) rests on fewer than 20 values and is never gated."""

RUNS_BEFORE: Final = 2
"""A suspect run is confirmed by one of so many runs before it."""


@dataclass(frozen=True, slots=True)
class Series:
    """Name what is compared: a metric of the catalog, a tag filter, a statistic like `p(95)`."""

    metric: str
    tags: Mapping[str, str]
    statistic: str

    @property
    def key(self) -> str:
        """Write metric and tag filter as in a profile, e.g. `http_reqs{scenario:read}`."""
        return metric_key(self.metric, written_filter(self.tags))

    @property
    def label(self) -> str:
        """Write the key and the statistic, e.g. `http_reqs{scenario:read} rate`."""
        return series_label(self.metric, written_filter(self.tags), self.statistic)

    @property
    def better(self) -> Better:
        """Return the direction in which the metric improves."""
        return CATALOG[self.metric].better

    @property
    def needs_many_requests(self) -> bool:
        """Say whether this is a percentile of 99 or higher."""
        inside = self.statistic.removeprefix("p(").removesuffix(")")
        return inside != self.statistic and float(inside) >= 99


@dataclass(frozen=True, slots=True)
class Diff:
    """Hold the comparison of a run's series with its history or with a pinned figure.

    Attributes:
        series: what was compared.
        value: figure of this run, in the unit of the metric; None when there was none.
        noise: n, median and CV of the baseline.
        effect: the change; None without a value or without a baseline.
        minimum_detectable: see Suspicion.
        status: the outcome.
        pinned: the fixed figure, in the unit of the metric; None when history was the judge.
        reason: a sentence, where the status needs one.
        baseline: indices of the runs in the given history that it was compared with.
        changed_since: index of the first run of a confirmed change, which means that two of the
            last three runs are out of line in the same direction, good or bad. The run itself has
            the index after the last one of the history. None without such a change.
        against: name of the pinned release; empty for history and for a profile's fixed figure.
        error: standard error of a new run, see Suspicion.
        before: what each of the two runs before it says alone, against the same baseline.
        together: the change of this run and its re-runs, with the interval of their mean; None
            where it was not run again, or is no regression.
        order_limit: how far the run and its re-runs must be from the centre together, as a distance
            of positions in the bad direction, to be beyond the runs before; None where the run is
            in line.
        policy: the gate that judged by history; None where history was not the judge.
        machine_factor: by what the machine itself was slower beside this run than usual (1.4 is 40
            % slower); effect, interval and status are those of the figure without it. None where
            the machine was as usual, or nothing is known of it.
    """

    series: Series
    value: float | None
    noise: NoiseFloor
    effect: Effect | None
    minimum_detectable: float | None
    status: DiffStatus
    pinned: float | None = None
    reason: str = ""
    baseline: tuple[int, ...] = ()
    changed_since: int | None = None
    against: str = ""
    error: float | None = None
    before: tuple[DiffStatus, ...] = ()
    together: Effect | None = None
    order_limit: float | None = None
    policy: BaselinePolicy | None = None
    machine_factor: float | None = None


def gated(
    series: Series, now: DiffStatus, earlier: Sequence[DiffStatus], requests: float | None
) -> tuple[DiffStatus, str]:
    """Turn the status of a run alone into that of the gate, with its reason.

    Args:
        series: what is compared.
        now: status of this run alone.
        earlier: status of each of the RUNS_BEFORE runs before it, alone.
        requests: how many values a percentile rests on; None when unknown.
    """
    few = requests is not None and requests < P99_MINIMUM_REQUESTS
    if series.needs_many_requests and few and now is not DiffStatus.LEARNING:
        return DiffStatus.LEARNING, (
            f"{requests:,.0f} requests; a {series.statistic} is compared from "
            f"{P99_MINIMUM_REQUESTS:,} on"
        )
    if now is DiffStatus.SUSPECT and DiffStatus.SUSPECT in earlier:
        return DiffStatus.REGRESSED, "2 of the last 3 runs are out of line in the bad direction"
    return now, ""


def not_compared(series: Series, value: float | None, floor: NoiseFloor, *, valid: bool) -> Diff:
    """Return the diff of a run that cannot be compared: INVALID, or else NO_DATA.

    Args:
        series: what would be compared.
        value: figure of this run; None when nothing was measured.
        floor: noise of the baseline.
        valid: False when the load generator was the limit.
    """
    status = DiffStatus.NO_DATA if valid else DiffStatus.INVALID
    limited = "the load generator was the limit; this run is not compared"
    reason = "nothing was measured" if valid else limited
    return Diff(series, value, floor, None, None, status, reason=reason)


def finite(value: float | None) -> float | None:
    """Return a number as it is, or None where it is none."""
    return value if value is not None and math.isfinite(value) else None
