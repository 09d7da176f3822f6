"""Says whether a run changed against a baseline that never moves: a fixed figure, or a release.

A moving baseline follows a slow drift; a pinned one does not.
Add here: another kind of fixed baseline. Keep out: the moving baseline (baseline.py).
"""

import math
from collections.abc import Sequence

from perf_pipeline.analysis.judged import JudgedRuns, frozen_runs
from perf_pipeline.analysis.machine import Machine, aligned, slowdowns
from perf_pipeline.analysis.noise import NoiseFloor, noise
from perf_pipeline.analysis.scale import Effect, Scale, scale_of
from perf_pipeline.analysis.series import RUNS_BEFORE, Diff, Series, finite, gated
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus
from perf_pipeline.analysis.tiers import parts_of
from perf_pipeline.metrics.catalog import CATALOG, Better


def release_diff(
    series: Series,
    value: float | None,
    release: Sequence[float],
    recent: Sequence[float] = (),
    *,
    against: str,
    policy: BaselinePolicy,
    likes: Sequence[float] = (),
    requests: float | None = None,
    valid: bool = True,
    machine: Machine | None = None,
    machines: Sequence[Machine | None] = (),
) -> Diff:
    """Compare a run with a pinned release, which is a frozen baseline.

    The rule is that of `baseline.diff`, but the baseline never moves. Where the release has fewer
    than `minimum_runs` runs, the spread is that of the other runs; the centre stays. Every run
    counts as on the usual machine, as there.

    Args:
        series: what is compared.
        value: figure of this run; None or not finite is NO_DATA.
        release: figures of the pinned run and the unsuspicious runs of the same level before it.
        recent: figures of the runs between the pinned run and this one, the oldest first.
        against: name of the release.
        policy: the gate.
        likes: figures of the runs before the release, at another level, for the spread alone.
        requests: how many values a percentile or a rate rests on; None when unknown.
        valid: False when the load generator was the limit.
        machine: what the calibration measured beside this run; None when unknown.
        machines: the same for each of the likes, of the release, and then of the recent ones; empty
            when none is known.

    Raises:
        KeyError: the metric is not in the catalog.
        ValueError: the release has no run, or there is another number of machines than of runs.
    """
    runs = [*likes, *release, *recent]
    readings = aligned(machines, len(runs))
    known = [index for index, run in enumerate(runs) if math.isfinite(run)]
    places = range(len(likes), len(likes) + len(release))
    kept = [place for place, index in enumerate(known) if index in places]
    frozen = [runs[known[place]] for place in kept]
    if not frozen:
        raise ValueError(f"release {against} has no finite value of {series.label}")
    floor = noise(frozen, policy.sd_floor)
    usable = finite(value)
    if usable is None or not valid:
        status = DiffStatus.NO_DATA if valid else DiffStatus.INVALID
        return Diff(series, usable, floor, None, None, status, floor.median, against=against)
    judged = frozen_runs(
        series,
        [*(runs[index] for index in known), usable],
        kept,
        policy,
        slowdowns([readings[index] for index in known], machine, parts_of(series.metric)),
        requests,
    )
    return _compared(judged, floor, against)


def _compared(judged: JudgedRuns, floor: NoiseFloor, against: str) -> Diff:
    """Return the diff of the newest run; those after the last of the release were made since."""
    newest = len(judged.measured) - 1
    now = judged.suspicion(newest)
    since = range(judged.kept[-1] + 1, newest)[-RUNS_BEFORE:]
    earlier = [judged.suspicion(n).status for n in since]
    status, reason = gated(judged.series, now.status, earlier, judged.requests)
    if status is DiffStatus.LEARNING and not reason:
        least = judged.policy.minimum_runs
        reason = f"{against} has {floor.n} of the {least} runs that a baseline needs"
    return Diff(
        judged.series,
        judged.measured[newest],
        floor,
        now.effect,
        now.minimum_detectable,
        status,
        pinned=floor.median,
        reason=reason or judged.why(status),
        against=against,
        error=now.error,
        machine_factor=judged.runs.factor,
    )


def pair_diff(
    series: Series,
    first: float,
    second: float,
    likes: Sequence[float],
    *,
    against: str,
    policy: BaselinePolicy,
    machines: Sequence[Machine | None] = (),
) -> Diff:
    """Hold a run against a single other one, by the spread of that one's likes.

    Args:
        series: what is compared.
        first: finite figure of the run that the second is held against.
        second: finite figure of the run.
        likes: finite figures of the runs like the first one.
        against: id of the first run.
        policy: level, minimum effect and floors.
        machines: what the calibration measured beside each of the likes, then beside the first and
            the second run; empty when none is known.

    Raises:
        KeyError: the metric is not in the catalog.
        ValueError: there is another number of machines than of runs.
    """
    values = [*likes, first, second]
    *before, now = aligned(machines, len(values))
    slow = slowdowns(before, now, parts_of(series.metric))
    # The first run gives no spread besides that of its likes.
    judged = frozen_runs(series, values, [len(likes)], policy, slow)
    found = judged.suspicion(len(values) - 1)
    factor = math.exp(judged.runs.log_factors[-1] - judged.runs.log_factors[-2])
    return Diff(
        series,
        second,
        noise(judged.spread or (), policy.sd_floor),
        found.effect,
        found.minimum_detectable,
        found.status,
        pinned=first,
        against=against,
        error=found.error,
        machine_factor=None if factor == 1 else factor,
    )


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
    the two runs before is suspect, too. IMPROVED is better by more than the minimum effect, where
    one of the two runs before was not: a figure that nobody measured is no level to improve on.

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
    before = [_change_from(pinned, run, scale) for run in runs[-RUNS_BEFORE:]]
    status = DiffStatus.OK
    if _missed(change, least, series.better):
        again = any(_missed(earlier, least, series.better) for earlier in before)
        status = DiffStatus.REGRESSED if again else DiffStatus.SUSPECT
    elif _missed(-change, least, series.better) and not all(
        _missed(-earlier, least, series.better) for earlier in before
    ):
        status = DiffStatus.IMPROVED
    return Diff(series, usable, floor, Effect(change, None, None, scale), least, status, pinned)


def _change_from(pinned: float, value: float, scale: Scale) -> float:
    return value / pinned - 1 if scale is Scale.RELATIVE else value - pinned


def _missed(change: float, least: float, better: Better) -> bool:
    worse = {"lower": change, "higher": -change, "neither": 0.0}[better]
    return worse > least
