"""The runs of one series as the gate sees them: on the usual machine, each against one baseline.

Add here: what is known of every run of a series before the gate decides. Keep out: the decision
(baseline.py), and the judgement of a single run (suspicion.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from perf_pipeline.analysis.covariate import Adjustment, adjusted, unadjusted
from perf_pipeline.analysis.exact import LEAST_POINTS, LEAST_RISE, rose_by_chance
from perf_pipeline.analysis.guard import WINDOW, limit, out_of_order, out_of_range
from perf_pipeline.analysis.machine import Slowdown
from perf_pipeline.analysis.scale import Scale, scale_of
from perf_pipeline.analysis.series import RUNS_BEFORE, Series
from perf_pipeline.analysis.suspicion import (
    WORSE_SIGN,
    BaselinePolicy,
    DiffStatus,
    Suspicion,
    suspicion,
)
from perf_pipeline.analysis.window import episode, in_line, unsuspicious
from perf_pipeline.metrics.catalog import CATALOG


@dataclass(frozen=True, slots=True)
class JudgedRuns:
    """Hold the runs of a series and what they are judged by.

    Attributes:
        series: what is judged.
        measured: the values as they were measured, the newest last.
        runs: the same as on the usual machine.
        kept: indices of the runs of the baseline.
        policy: the gate.
        scale: scale of the change.
        minimum_effect: relative minimum effect; that of the policy when None.
        requests: how many observations a rate rests on; None when unknown.
        spread: of a baseline that never moves: the values from which its spread is worked out; None
            for the moving one.
    """

    series: Series
    measured: tuple[float, ...]
    runs: Adjustment
    kept: tuple[int, ...]
    policy: BaselinePolicy
    scale: Scale
    minimum_effect: float | None
    requests: float | None = None
    spread: tuple[float, ...] | None = None

    @property
    def baseline(self) -> tuple[float, ...]:
        """Return the values of the baseline."""
        return tuple(map(self.runs.values.__getitem__, self.kept))

    def suspicion(self, index: int) -> Suspicion:
        """Judge one run alone.

        Where the history has not shown how the series takes on a slower machine, a run is out of
        line only if it is both as measured and as on the usual machine. A rate whose requests are
        known must have risen by an exact test, too, and then half as high again is enough.
        """
        if self.scale is Scale.POINTS and self.requests:
            return self._by_events(self.measured[index], self.requests)
        found = self._against_baseline(self.runs.values[index], self._error(index))
        if not self._is_adjusted(index) or self.runs.learned:
            return found
        measured = self._as_measured(index)
        return found if measured.status is found.status else replace(found, status=DiffStatus.OK)

    def statuses(self) -> list[DiffStatus]:
        """Return the status of each run alone."""
        return [self.suspicion(index).status for index in range(len(self.measured))]

    def holds_by_order(self, statuses: Sequence[DiffStatus]) -> bool:
        """Say whether the change that the newest run is part of was beyond the runs before it.

        It is enough that it was so at one run of the change, because a change that lasts becomes
        a part of the runs that it is compared with.

        Args:
            statuses: the statuses of every run alone; that of the newest is SUSPECT or IMPROVED.
        """
        return any(
            self._is_out_of_order(index, statuses)
            for index in range(episode(statuses), len(statuses))
            if statuses[index] is statuses[-1]
        )

    def is_in_range(self, statuses: Sequence[DiffStatus]) -> bool:
        """Say whether several of the newest runs were as bad as this one, which is SUSPECT."""
        values, before = self._around(len(statuses) - 1, statuses)
        return not out_of_range([values[n] for n in before], values[-1])

    def order_limit(self, statuses: Sequence[DiffStatus]) -> float:
        """Return the position that runs in a row must exceed together, relative to the newest run.

        It is that of the worst run before, or where the runs before have outliers, of the worst
        that is none; positions are higher where worse.
        """
        values, before = self._around(len(statuses) - 1, statuses)
        counted = before[-WINDOW:]
        odd = sum(statuses[n] is statuses[-1] for n in counted)
        return limit([values[n] for n in counted], odd) - values[-1]

    def _is_out_of_order(self, index: int, statuses: Sequence[DiffStatus]) -> bool:
        values, before = self._around(index, statuses)
        odd = sum(statuses[n] is statuses[-1] for n in before[-WINDOW:])
        new = values[max(0, index - RUNS_BEFORE) : index + 1]
        return out_of_order([values[n] for n in before], new, odd)

    def _around(self, index: int, statuses: Sequence[DiffStatus]) -> tuple[list[float], list[int]]:
        """Return the positions (higher is further out of line) and runs before the newest three.

        Those of the three that are in line count as runs before.
        """
        ahead = statuses[-1]
        sign = WORSE_SIGN[self.series.better] * (1 if ahead is DiffStatus.SUSPECT else -1)
        ruler = self.policy.ruler(self.scale, self.minimum_effect)
        first = index - RUNS_BEFORE
        before = [n for n in range(index) if n < first or statuses[n] is not ahead]
        return [sign * ruler.position(value) for value in self.runs.values], before

    def why(self, status: DiffStatus) -> str:
        """Say what the machine had to do with the status; empty where it was as usual."""
        factor = self.runs.factor
        if factor is None:
            return ""
        amount = f"{100 * abs(factor - 1):.0f} % {'slower' if factor > 1 else 'faster'}"
        said = f"the machine itself was {amount} than usual during this run"
        if status is not DiffStatus.OK:
            return f"{said}; that is taken out of the change"
        measured = self._as_measured(-1).status
        explains = measured in {DiffStatus.SUSPECT, DiffStatus.IMPROVED}
        return f"{said}, which explains the figure" if explains else ""

    def _by_events(self, value: float, requests: float) -> Suspicion:
        """Judge a rate by its number of events; the baseline's runs had the same load."""
        bad = [self._events(run) for run in (value, *self.baseline)]
        chance = rose_by_chance(requests * bad[0], requests * sum(bad[1:]), 1 / len(bad))
        if chance > self.policy.alpha / 2:
            found = self._against_baseline(value)
            is_worse = found.status is DiffStatus.SUSPECT
            return replace(found, status=DiffStatus.OK) if is_worse else found
        enough = LEAST_RISE * sum(bad[1:]) / max(1, len(bad) - 1)
        least = min(self.policy.minimum_points, enough)
        return self._against_baseline(value, policy=replace(self.policy, minimum_points=least))

    def _events(self, rate: float) -> float:
        return rate if self.series.better == "lower" else 1 - rate

    def _is_adjusted(self, index: int) -> bool:
        """Say whether a run, or the frozen baseline that it is judged by, is on another machine."""
        frozen = self.kept if self.spread is not None else ()
        return any(self.runs.log_factors[run] for run in (index, *frozen))

    def _error(self, index: int) -> float:
        """Return the standard error that adjusting adds to a run's distance from its baseline."""
        errors = [self.runs.errors[kept] for kept in self.kept]
        if not (self.runs.errors[index] or any(errors)):
            return 0.0
        return math.hypot(self.runs.errors[index], math.hypot(*errors) / max(1, len(errors)))

    def _as_measured(self, index: int) -> Suspicion:
        """Judge a run by its own figure, and by those of a baseline that never moves."""
        frozen = (
            tuple(self.measured[kept] for kept in self.kept) if self.spread is not None else None
        )
        return self._against_baseline(self.measured[index], baseline=frozen)

    def _against_baseline(
        self,
        value: float,
        error: float = 0.0,
        policy: BaselinePolicy | None = None,
        baseline: tuple[float, ...] | None = None,
    ) -> Suspicion:
        return suspicion(
            value,
            self.baseline if baseline is None else baseline,
            policy or self.policy,
            self.series.better,
            self.minimum_effect,
            scale=self.scale,
            spread=self.spread,
            added_error=error,
        )


def judged_runs(
    series: Series,
    values: Sequence[float],
    policy: BaselinePolicy,
    slowdowns: Sequence[Slowdown],
    minimum_effect: float | None = None,
    requests: float | None = None,
) -> JudgedRuns:
    """Find the baseline of a series, and put each run on the usual machine.

    Only a series that is judged by ratio is adjusted.

    Args:
        series: what is judged.
        values: finite figures of the history, the oldest first, and that of the newest run.
        policy: the gate.
        slowdowns: how slow the machine was beside each of them.
        minimum_effect: relative minimum effect; that of the policy when None.
        requests: how many observations a rate rests on; None when unknown.
    """
    scale, runs = _on_usual_machine(series, values, slowdowns)
    # What an exact test can call a finding must not become the baseline of the next run.
    by_events = scale is Scale.POINTS and requests
    least = min(policy.minimum_points, LEAST_POINTS) if by_events else policy.minimum_points
    filtering = replace(policy, minimum_points=least)
    kept = in_line(runs.values[:-1], filtering, minimum_effect, scale=scale)
    return JudgedRuns(series, tuple(values), runs, kept, policy, scale, minimum_effect, requests)


def frozen_runs(
    series: Series,
    values: Sequence[float],
    kept: Sequence[int],
    policy: BaselinePolicy,
    slowdowns: Sequence[Slowdown],
    requests: float | None = None,
) -> JudgedRuns:
    """Judge by a baseline that never moves, with each run on the usual machine.

    Where it has fewer than `minimum_runs` runs, the spread is that of the unsuspicious others; its
    centre stays.

    Args:
        series: what is judged.
        values: finite figures, that of the newest run as the last one.
        kept: indices of the runs of the baseline.
        policy: the gate.
        slowdowns: how slow the machine was beside each of them.
        requests: how many observations a rate rests on; None when unknown.
    """
    scale, runs = _on_usual_machine(series, values, slowdowns)
    spread = [runs.values[index] for index in kept]
    if len(spread) < policy.minimum_runs:
        others = [value for index, value in enumerate(runs.values[:-1]) if index not in kept]
        spread = list(unsuspicious(others, policy, scale=scale))
    measured, frozen = tuple(values), tuple(kept)
    return JudgedRuns(series, measured, runs, frozen, policy, scale, None, requests, tuple(spread))


def _on_usual_machine(
    series: Series, values: Sequence[float], slowdowns: Sequence[Slowdown]
) -> tuple[Scale, Adjustment]:
    scale = scale_of(CATALOG[series.metric].kind, values)
    worse = WORSE_SIGN[series.better]
    by_ratio = scale is Scale.RELATIVE and worse
    return scale, adjusted(values, slowdowns, worse) if by_ratio else unadjusted(values)
