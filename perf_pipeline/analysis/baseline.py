"""Decide whether a run changed against its history.

The unit is the run, never the requests of several runs together. Formulas and sources:
docs/statistics.md.
Add here: a rule of the gate over the runs of one series. Keep out: the judgement of a single
run (suspicion.py), which runs are the baseline (window.py), what many series say together
(environment.py), and where the history comes from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.judged import JudgedRuns, judged_runs
from perf_pipeline.analysis.machine import Machine, aligned, slowdowns
from perf_pipeline.analysis.noise import NoiseFloor, noise
from perf_pipeline.analysis.pinned import pinned_diff, release_diff
from perf_pipeline.analysis.scale import Effect, Scale, scale_of
from perf_pipeline.analysis.series import (
    P99_MINIMUM_REQUESTS,
    RUNS_BEFORE,
    Diff,
    Series,
    finite,
    gated,
    not_compared,
)
from perf_pipeline.analysis.suspicion import (
    WORSE,
    WORSE_SIGN,
    BaselinePolicy,
    DiffStatus,
    Suspicion,
    suspicion,
)
from perf_pipeline.analysis.tiers import parts_of
from perf_pipeline.analysis.window import episode, in_line, unsuspicious
from perf_pipeline.metrics.catalog import CATALOG

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
    "in_line",
    "noise",
    "pinned_diff",
    "release_diff",
    "suspicion",
    "unsuspicious",
]


AS_BAD_BEFORE: Final = "more than five of the newest 30 runs were as bad as this one"
NOT_BEYOND: Final = "out of line again, but so were others of the newest 30 runs without a change"


def diff(
    series: Series,
    value: float | None,
    history: Sequence[float],
    policy: BaselinePolicy,
    *,
    minimum_effect: float | None = None,
    requests: float | None = None,
    valid: bool = True,
    machine: Machine | None = None,
    machines: Sequence[Machine | None] = (),
) -> Diff:
    """Compare a run with earlier runs.

    REGRESSED means that this run and at least one of the two before it are suspect against the same
    baseline, which is that of `unsuspicious`.

    Args:
        series: the series that is compared.
        value: the figure of this run; None or a value that is not finite gives NO_DATA.
        history: the values of VALID earlier runs of the same series, profile and environment since
            the last change point, the oldest first, without this run.
        policy: the gate.
        minimum_effect: the relative minimum effect; None for that of the policy.
        requests: how many values a percentile or a rate is based on; None if unknown.
        valid: False if the load generator was the limit.
        machine: the calibration of this run; None if unknown.
        machines: the calibrations of the runs in the history; empty if none is known.

    Raises:
        KeyError: the metric is not in the catalog.
        ValueError: `machines` and `history` differ in length.
    """
    readings = aligned(machines, len(history))
    known = [index for index, run in enumerate(history) if math.isfinite(run)]
    runs, usable = [history[index] for index in known], finite(value)
    if usable is None or not valid:
        return _without_value(series, usable, runs, policy, minimum_effect, valid=valid)
    judged = judged_runs(
        series,
        [*runs, usable],
        policy,
        slowdowns([readings[index] for index in known], machine, parts_of(series.metric)),
        minimum_effect,
        requests,
    )
    return _compared(judged, [*known, len(history)])


def _compared(judged: JudgedRuns, places: Sequence[int]) -> Diff:
    """Return the diff of the newest run; `places` are the places of runs in the whole history."""
    newest = len(judged.measured) - 1
    now = judged.suspicion(newest)
    earlier = tuple(judged.suspicion(n).status for n in range(newest)[-RUNS_BEFORE:])
    gate = _gate(judged, now, earlier)
    floor = noise(judged.baseline, judged.policy.sd_floor)
    learning = _why_learning(gate.status, floor.n, judged.policy.minimum_runs)
    return Diff(
        judged.series,
        judged.measured[newest],
        floor,
        now.effect,
        now.minimum_detectable,
        gate.status,
        reason=gate.reason or learning or judged.why(gate.status),
        baseline=tuple(places[index] for index in judged.kept),
        changed_since=None if gate.since is None else places[gate.since],
        error=now.error,
        before=earlier,
        order_limit=gate.order_limit,
        policy=judged.policy,
        machine_factor=judged.runs.factor,
    )


@dataclass(frozen=True, slots=True)
class _Gate:
    """Hold the gate's result on the newest run, as in `Diff`; `since` is the index of a run."""

    status: DiffStatus
    reason: str
    since: int | None = None
    order_limit: float | None = None


def _gate(judged: JudgedRuns, now: Suspicion, earlier: Sequence[DiffStatus]) -> _Gate:
    """Accept a change only if the order of the runs shows it as well, and date it."""
    status, reason = gated(judged.series, now.status, earlier, judged.requests)
    moved = status is DiffStatus.REGRESSED or (status is DiffStatus.IMPROVED and status in earlier)
    if not moved and status is not DiffStatus.SUSPECT:
        return _Gate(status, reason)
    statuses = judged.statuses()
    if not moved and judged.is_in_range(statuses):
        return _Gate(DiffStatus.OK, AS_BAD_BEFORE)
    since = None
    if moved and judged.holds_by_order(statuses):
        since = episode(statuses)
    elif status is DiffStatus.REGRESSED:
        status, reason = DiffStatus.SUSPECT, NOT_BEYOND
    limit = _order_limit(judged, statuses, now.effect) if status in WORSE else None
    return _Gate(status, reason, since, limit)


def _order_limit(
    judged: JudgedRuns, statuses: Sequence[DiffStatus], effect: Effect | None
) -> float | None:
    if effect is None:
        return None
    worse = WORSE_SIGN[judged.series.better]
    return judged.order_limit(statuses) + worse * effect.distance


def _without_value(
    series: Series,
    value: float | None,
    runs: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None,
    *,
    valid: bool,
) -> Diff:
    scale = scale_of(CATALOG[series.metric].kind, runs if value is None else [*runs, value])
    baseline = unsuspicious(runs, policy, minimum_effect, scale=scale)
    return not_compared(series, value, noise(baseline, policy.sd_floor), valid=valid)


def _why_learning(status: DiffStatus, runs: int, needed: int) -> str:
    """Say how many runs are missing before comparing starts; empty for other statuses."""
    if status is not DiffStatus.LEARNING:
        return ""
    return f"{runs} of {needed} runs so far; comparing starts with run {needed + 1}"
