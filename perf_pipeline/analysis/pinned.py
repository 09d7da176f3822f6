"""Says whether a run changed against a baseline that never moves: a fixed figure, or a release.

A moving baseline follows a slow drift; a pinned one does not.
Add here: another kind of fixed baseline. Keep out: the moving baseline (baseline.py).
"""

import math
from collections.abc import Sequence

from perf_pipeline.analysis.noise import noise
from perf_pipeline.analysis.scale import Effect, Scale, scale_of
from perf_pipeline.analysis.series import RUNS_BEFORE, Diff, Series, finite, gated
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus, Suspicion, suspicion
from perf_pipeline.analysis.window import unsuspicious
from perf_pipeline.metrics.catalog import CATALOG, Better


def release_diff(
    series: Series,
    value: float | None,
    release: Sequence[float],
    recent: Sequence[float] = (),
    *,
    against: str,
    policy: BaselinePolicy,
    requests: float | None = None,
    valid: bool = True,
) -> Diff:
    """Compare a run with a pinned release, which is a frozen baseline.

    The rule is that of `baseline.diff`, but the baseline never moves. Where the release has fewer
    than `minimum_runs` runs, the spread is that of the runs since then; the centre stays.

    Args:
        series: what is compared.
        value: figure of this run; None or not finite is NO_DATA.
        release: figures of the pinned run and the unsuspicious runs of the same level before it.
        recent: figures of the runs between the pinned run and this one, the oldest first.
        against: name of the release.
        policy: the gate.
        requests: how many values a percentile rests on; None when unknown.
        valid: False when the load generator was the limit.

    Raises:
        KeyError: the metric is not in the catalog.
        ValueError: the release has no run.
    """
    frozen = [run for run in release if math.isfinite(run)]
    since = [run for run in recent if math.isfinite(run)]
    if not frozen:
        raise ValueError(f"release {against} has no finite value of {series.label}")
    floor = noise(frozen, policy.sd_floor)
    usable = finite(value)
    if usable is None or not valid:
        status = DiffStatus.NO_DATA if valid else DiffStatus.INVALID
        return Diff(series, usable, floor, None, None, status, floor.median, against=against)
    now, earlier = _judged(series, usable, frozen, since, policy)
    status, reason = gated(series, now.status, earlier, requests)
    if status is DiffStatus.LEARNING and not reason:
        reason = f"{against} has {floor.n} of the {policy.minimum_runs} runs that a baseline needs"
    return Diff(
        series,
        usable,
        floor,
        now.effect,
        now.minimum_detectable,
        status,
        pinned=floor.median,
        reason=reason,
        against=against,
    )


def _judged(
    series: Series,
    value: float,
    frozen: Sequence[float],
    since: Sequence[float],
    policy: BaselinePolicy,
) -> tuple[Suspicion, list[DiffStatus]]:
    """Judge a run, and the RUNS_BEFORE runs before it, against a frozen baseline."""
    scale = scale_of(CATALOG[series.metric].kind, [*frozen, *since, value])
    spread = frozen
    if len(frozen) < policy.minimum_runs:
        spread = unsuspicious(since, policy, scale=scale)

    def judge(run: float) -> Suspicion:
        return suspicion(run, frozen, policy, series.better, scale=scale, spread=spread)

    return judge(value), [judge(run).status for run in since[-RUNS_BEFORE:]]


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
    """Compare a run with a fixed figure, such as "API p95 is 800 ms", without any history.

    SUSPECT is worse than the figure by more than the minimum effect. REGRESSED means that one of
    the two runs before is suspect, too. IMPROVED is better by more than the minimum effect.

    Args:
        series: what is compared.
        value: figure of this run; None or not finite is NO_DATA.
        pinned: the fixed figure, in the unit of the metric.
        recent: figures of the runs before this one, the oldest first, for n, median and CV.
        policy: the gate; the default policy when None.
        minimum_effect: relative minimum effect; that of the policy when None.
        valid: False when the load generator was the limit.

    Raises:
        KeyError: the metric is not in the catalog.
    """
    policy = policy or BaselinePolicy()
    runs = [run for run in recent if math.isfinite(run)]
    floor = noise(runs, policy.sd_floor)
    usable = finite(value)
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
        again = any(missed[-RUNS_BEFORE:])
        status = DiffStatus.REGRESSED if again else DiffStatus.SUSPECT
    elif _missed(-change, least, series.better):
        status = DiffStatus.IMPROVED
    return Diff(series, usable, floor, Effect(change, None, None, scale), least, status, pinned)


def _change_from(pinned: float, value: float, scale: Scale) -> float:
    return value / pinned - 1 if scale is Scale.RELATIVE else value - pinned


def _missed(change: float, least: float, better: Better) -> bool:
    worse = {"lower": change, "higher": -change, "neither": 0.0}[better]
    return worse > least
