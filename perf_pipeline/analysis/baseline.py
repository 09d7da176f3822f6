"""Did this run change against its history, or against a pinned figure?

The unit is the run, never the pooled requests. Formulas and sources: docs/statistics.md.
Add here: a rule of the gate over the runs of one series. Keep out: one run alone (suspicion.py),
what many series say together (environment.py), and where the history comes from.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.noise import NoiseFloor, noise
from perf_pipeline.analysis.scale import Effect, Scale, scale_of
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus, Suspicion, suspicion
from perf_pipeline.metrics.catalog import CATALOG, Better

__all__ = [
    "P99_MINIMUM_REQUESTS",
    "BaselinePolicy",
    "Diff",
    "DiffStatus",
    "Effect",
    "NoiseFloor",
    "Scale",
    "Series",
    "Suspicion",
    "diff",
    "noise",
    "pinned_diff",
    "suspicion",
    "unsuspicious",
]

P99_MINIMUM_REQUESTS: Final = 2_000
"""Below this many requests a p(99) rests on fewer than 20 values and is never gated."""

_RUNS_BEFORE: Final = 2
_DIRECTION: Final[Mapping[DiffStatus, int]] = {DiffStatus.SUSPECT: 1, DiffStatus.IMPROVED: -1}


@dataclass(frozen=True, slots=True)
class Series:
    """Name what is compared: metric, tag filter and statistic (`p(95)`, `rate`, `value` ...).

    The metric is one of the catalog.
    """

    metric: str
    tags: Mapping[str, str]
    statistic: str

    @property
    def key(self) -> str:
        """Write metric and tag filter as in a profile, e.g. `http_reqs{scenario:read}`."""
        inside = ",".join(f"{name}:{value}" for name, value in self.tags.items())
        return f"{self.metric}{{{inside}}}" if inside else self.metric

    @property
    def label(self) -> str:
        """Write key and statistic, e.g. `http_reqs{scenario:read} rate`."""
        return f"{self.key} {self.statistic}"

    @property
    def better(self) -> Better:
        """Give the metric's good direction."""
        return CATALOG[self.metric].better

    @property
    def needs_many_requests(self) -> bool:
        """Say whether this is a percentile from 99 on."""
        inside = self.statistic.removeprefix("p(").removesuffix(")")
        return inside != self.statistic and float(inside) >= 99


@dataclass(frozen=True, slots=True)
class Diff:
    """Compare one series of a run with its history or with a pinned figure.

    Attributes:
        series: what was compared.
        value: of this run, in the metric's unit; None when there was none.
        noise: n, median and CV of the baseline.
        effect: None without value or without baseline.
        minimum_detectable: see Suspicion.
        status: the outcome.
        pinned: the fixed figure, in the metric's unit; None when history was the judge.
        reason: one sentence where the status needs one.
    """

    series: Series
    value: float | None
    noise: NoiseFloor
    effect: Effect | None
    minimum_detectable: float | None
    status: DiffStatus
    pinned: float | None = None
    reason: str = ""


def diff(
    series: Series,
    value: float | None,
    history: Sequence[float],
    policy: BaselinePolicy,
    *,
    minimum_effect: float | None = None,
    requests: float | None = None,
    valid: bool = True,
) -> Diff:
    """Compare a run with the runs before it.

    REGRESSED = this run and at least one of the two before are suspect against the same baseline,
    which is that of `unsuspicious`.

    Args:
        series: what is compared.
        value: of this run; None or not finite is NO_DATA.
        history: one value per VALID earlier run of the same series, profile and environment since
            the last change point, oldest first, without this run.
        policy: the gate.
        minimum_effect: relative; the policy's when None.
        requests: how many values a percentile rests on; None when unknown.
        valid: False when the load generator was the limit.

    Raises:
        KeyError: the metric is not in the catalog.
    """
    runs = [run for run in history if math.isfinite(run)]
    usable = value if value is not None and math.isfinite(value) else None
    scale = scale_of(CATALOG[series.metric].kind, runs if usable is None else [*runs, usable])
    baseline = unsuspicious(runs, policy, minimum_effect, scale=scale)
    floor = noise(baseline, policy.sd_floor)
    if not valid:
        reason = "the load generator was the limit; this run is not compared"
        return Diff(series, usable, floor, None, None, DiffStatus.INVALID, reason=reason)
    if usable is None:
        reason = "nothing was measured"
        return Diff(series, None, floor, None, None, DiffStatus.NO_DATA, reason=reason)

    def judge(run: float) -> Suspicion:
        return suspicion(run, baseline, policy, series.better, minimum_effect, scale=scale)

    now = judge(usable)
    earlier = [judge(run).status for run in runs[-_RUNS_BEFORE:]]
    status, reason = _gated(series, now.status, earlier, requests)
    if status is DiffStatus.LEARNING and not reason:
        reason = f"{floor.n} of the {policy.minimum_runs} runs that a baseline needs"
    return Diff(series, usable, floor, now.effect, now.minimum_detectable, status, reason=reason)


def _gated(
    series: Series, now: DiffStatus, earlier: Sequence[DiffStatus], requests: float | None
) -> tuple[DiffStatus, str]:
    few = requests is not None and requests < P99_MINIMUM_REQUESTS
    if series.needs_many_requests and few and now is not DiffStatus.LEARNING:
        return DiffStatus.LEARNING, (
            f"{requests:,.0f} requests; a {series.statistic} is compared from "
            f"{P99_MINIMUM_REQUESTS:,} on"
        )
    if now is DiffStatus.SUSPECT and DiffStatus.SUSPECT in earlier:
        return DiffStatus.REGRESSED, "2 of the last 3 runs are out of line in the bad direction"
    return now, ""


def unsuspicious(
    history: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
) -> tuple[float, ...]:
    """Give the baseline of a history: its last `window` runs that were not out of line.

    Walks from the oldest run on and judges each against the baseline before it; the first
    `minimum_runs` are kept unseen. A run out of line, in either direction, stays out until two
    more runs are known; if it stayed alone in its direction (none of the two before and the two
    after) it was chance and comes back. Leaving every such run out for good would cut the tails
    off the noise and triple the false alarms (docs/statistics.md).
    """
    directions: list[int] = []
    kept: list[bool] = []
    for run in history:
        baseline = _kept(history, kept)[-policy.window :]
        judged = suspicion(run, baseline, policy, "lower", minimum_effect, scale=scale)
        directions.append(_DIRECTION.get(judged.status, 0))
        kept.append(not directions[-1])
        oldest_pending = len(directions) - 1 - _RUNS_BEFORE
        if oldest_pending >= 0 and _stayed_alone(directions, oldest_pending):
            kept[oldest_pending] = True
    return tuple(_kept(history, kept)[-policy.window :])


def _kept(history: Sequence[float], kept: Sequence[bool]) -> list[float]:
    return [run for run, keep in zip(history, kept, strict=False) if keep]


def _stayed_alone(directions: Sequence[int], index: int) -> bool:
    around = directions[max(0, index - _RUNS_BEFORE) : index + _RUNS_BEFORE + 1]
    return around.count(directions[index]) == 1


def pinned_diff(
    series: Series,
    value: float | None,
    pinned: float,
    recent: Sequence[float] = (),
    *,
    policy: BaselinePolicy | None = None,
    minimum_effect: float | None = None,
    valid: bool = True,
) -> Diff:
    """Compare a run with a fixed figure, such as "API p95 is 800 ms"; needs no history.

    SUSPECT = worse than the figure by more than the minimum effect; REGRESSED = and one of the two
    runs before as well; IMPROVED = better by more than the minimum effect.

    Args:
        series: what is compared.
        value: of this run; None or not finite is NO_DATA.
        pinned: the figure, in the metric's unit.
        recent: the runs before this one, oldest first; n, median and CV are theirs.
        policy: the default one when None.
        minimum_effect: relative; the policy's when None.
        valid: False when the load generator was the limit.

    Raises:
        KeyError: the metric is not in the catalog.
    """
    policy = policy or BaselinePolicy()
    runs = [run for run in recent if math.isfinite(run)]
    floor = noise(runs, policy.sd_floor)
    usable = value if value is not None and math.isfinite(value) else None
    if usable is None or not valid:
        status = DiffStatus.NO_DATA if valid else DiffStatus.INVALID
        return Diff(series, usable, floor, None, None, status, pinned)
    scale = scale_of(CATALOG[series.metric].kind, (usable, pinned))
    ruler = policy.ruler(scale, minimum_effect)
    least = ruler.least_change(pinned)
    change = _change_from(pinned, usable, scale)
    missed = [_missed(_change_from(pinned, run, scale), least, series.better) for run in runs]
    status = DiffStatus.OK
    if _missed(change, least, series.better):
        again = any(missed[-_RUNS_BEFORE:])
        status = DiffStatus.REGRESSED if again else DiffStatus.SUSPECT
    elif _missed(-change, least, series.better):
        status = DiffStatus.IMPROVED
    return Diff(series, usable, floor, Effect(change, None, None, scale), least, status, pinned)


def _change_from(pinned: float, value: float, scale: Scale) -> float:
    return value / pinned - 1 if scale is Scale.RELATIVE else value - pinned


def _missed(change: float, least: float, better: Better) -> bool:
    worse = {"lower": change, "higher": -change, "neither": 0.0}[better]
    return worse > least
