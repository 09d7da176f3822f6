"""Says whether a run is out of line with a baseline, by Student's prediction interval.

Formulas and sources: docs/statistics.md.
Add here: a rule about a single run. Keep out: rules over several runs (baseline.py), and how far a
new run may be from the centre (prediction.py).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from perf_pipeline.analysis.noise import SD_FLOOR, centre_and_spread, centre_of, student_t
from perf_pipeline.analysis.prediction import Prediction
from perf_pipeline.analysis.scale import Effect, Ruler, Scale, scale_of
from perf_pipeline.metrics.catalog import Better, Kind

WORSE_SIGN: Final[Mapping[Better, int]] = {"lower": 1, "higher": -1, "neither": 0}
"""Which way on the scale is worse."""


class DiffStatus(StrEnum):
    """Say how a series stands against its baseline.

    LEARNING never fails (there are too few runs, or too few requests for this percentile). SUSPECT
    means that a run is out of line in the bad direction, and REGRESSED that one of the two runs
    before is, too.
    """

    OK = "OK"
    IMPROVED = "IMPROVED"
    SUSPECT = "SUSPECT"
    REGRESSED = "REGRESSED"
    LEARNING = "LEARNING"
    NO_DATA = "NO_DATA"
    INVALID = "INVALID"
    ENVIRONMENT_CHANGED = "ENVIRONMENT_CHANGED"


WORSE: Final = frozenset({DiffStatus.SUSPECT, DiffStatus.REGRESSED})
"""What a series is that is out of line in the bad direction."""

IN_LINE: Final = frozenset({DiffStatus.OK, DiffStatus.IMPROVED})
"""What a series is that was judged, and is not."""

JUDGED: Final = WORSE | IN_LINE
"""What a series is that could be judged."""


@dataclass(frozen=True, slots=True)
class BaselinePolicy:
    """Set the gate; the defaults are those of docs/statistics.md.

    Attributes:
        window: the baseline has at most this many unsuspicious runs.
        minimum_runs: below this many runs nothing is compared (LEARNING).
        alpha: two-sided level of the test of a run.
        minimum_effect: a smaller relative change is never suspect.
        sd_floor: the smallest standard deviation of ln(value) that is believed.
        minimum_points: a smaller change of a rate is never suspect (0.005 = 0.5 points).
    """

    window: int = 30
    minimum_runs: int = 5
    alpha: float = 0.02
    minimum_effect: float = 0.05
    sd_floor: float = SD_FLOOR
    minimum_points: float = 0.005

    def ruler(self, scale: Scale, minimum_effect: float | None = None) -> Ruler:
        """Return the ruler of this policy; `minimum_effect` replaces that of the policy."""
        effect = self.minimum_effect if minimum_effect is None else minimum_effect
        return Ruler(scale, effect, self.minimum_points, self.sd_floor)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Hold the judgement of a single run against a baseline.

    Attributes:
        z: distance from the centre in standard deviations of a new run; None with fewer than two
            runs, as `critical` and `minimum_detectable`.
        critical: a z beyond this is significant.
        effect: the change; None without any baseline.
        minimum_detectable: the smallest true worsening that a single run shows as suspect in 80 of
            100 cases, as a positive number on the scale of the effect.
        status: OK, IMPROVED, SUSPECT, LEARNING or NO_DATA.
        error: standard error of a new run, on the effect's scale (of logarithms when RELATIVE).
    """

    z: float | None
    critical: float | None
    effect: Effect | None
    minimum_detectable: float | None
    status: DiffStatus
    error: float | None = None


def suspicion(
    value: float,
    baseline: Sequence[float],
    policy: BaselinePolicy,
    better: Better,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
    spread: Sequence[float] | None = None,
    added_error: float = 0.0,
) -> Suspicion:
    """Judge whether a single run is out of line.

    A run is suspect if z = |y - m| / (s * sqrt(1 + 1/n)) > t(1 - alpha/2, n - 1) and the change is
    at least the minimum effect. Source: Hahn & Meeker (1991), prediction interval of one new
    observation.

    Args:
        value: figure of this run; one that is not finite is NO_DATA.
        baseline: values of the unsuspicious runs; those that are not finite don't count.
        policy: level, minimum runs and floors.
        better: SUSPECT is the bad direction, IMPROVED the good one; `neither` is always OK.
        minimum_effect: relative minimum effect; that of the policy when None.
        scale: scale of the change; when None, that of a metric that is no rate.
        spread: values from which s is worked out, in place of those of the baseline.
        added_error: standard error of this run besides its noise, on the scale.
    """
    if not math.isfinite(value):
        return Suspicion(None, None, None, None, DiffStatus.NO_DATA)
    runs = tuple(baseline)
    if not all(map(math.isfinite, runs)):
        runs = tuple(filter(math.isfinite, runs))
    ruler = policy.ruler(scale or scale_of(Kind.TREND, (value, *runs)), minimum_effect)
    if not runs:
        return Suspicion(None, None, None, None, DiffStatus.LEARNING)
    centre, sd = _level(runs, ruler)
    witnesses = len(runs) if spread is None else len(spread)
    if spread is not None:
        sd = _level(tuple(spread), ruler)[1] if spread else None
    distance = ruler.position(value) - centre
    if sd is None:
        effect = Effect(ruler.change(distance), None, None, ruler.scale)
        return Suspicion(None, None, effect, None, DiffStatus.LEARNING)
    new_run = _predicted(centre, sd, len(runs), witnesses, policy, added_error)
    return _judged(distance, new_run, ruler, policy, WORSE_SIGN[better])


def direction(
    value: float,
    baseline: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
) -> int:
    """Say in which direction a run is out of line: 1 upwards, -1 downwards, 0 not or not known.

    It is the short answer of `suspicion`, for walks over a history that need it at every run.

    Args:
        value: figure of this run; the answer is 0 for one that is not finite.
        baseline: values of the unsuspicious runs; those that are not finite don't count.
        policy: level, minimum runs and floors.
        minimum_effect: relative minimum effect; that of the policy when None.
        scale: scale of the change; when None, that of a metric that is no rate.
    """
    runs = tuple(baseline)
    if not all(map(math.isfinite, runs)):
        runs = tuple(filter(math.isfinite, runs))
    if not math.isfinite(value):
        return 0
    judge = directions(policy, scale or scale_of(Kind.TREND, (value, *runs)), minimum_effect)
    return judge(value, runs)


# A walk over a history asks for the same baseline again and again, and so does the next walk.
@lru_cache(maxsize=64)
def directions(
    policy: BaselinePolicy, scale: Scale, minimum_effect: float | None = None
) -> Callable[[float, tuple[float, ...]], int]:
    """Return `direction` for many finite values, each with its finite baseline."""
    ruler = policy.ruler(scale, minimum_effect)

    @lru_cache(maxsize=4_096)
    def centre_for(runs: tuple[float, ...]) -> float:
        return centre_of(ruler.positions(runs))

    @lru_cache(maxsize=4_096)
    def expected(runs: tuple[float, ...]) -> Prediction | None:
        centre, sd = _level(runs, ruler)
        return None if sd is None else _predicted(centre, sd, len(runs), len(runs), policy)

    def judge(value: float, runs: tuple[float, ...]) -> int:
        if not runs or len(runs) < policy.minimum_runs:
            return 0
        centre = centre_for(runs)
        distance = ruler.position(value) - centre
        # Nearly all runs end here, and need no spread.
        if abs(ruler.change(distance)) < ruler.least_change(centre):
            return 0
        new_run = expected(runs)
        if new_run is None or not _is_out_of_line(distance, new_run, ruler):
            return 0
        return 1 if distance > 0 else -1

    return judge


def is_beyond(
    distance: float,
    level: tuple[float, float | None],
    runs: int,
    ruler: Ruler,
    policy: BaselinePolicy,
) -> bool:
    """Say whether a run at this distance from a level of so many runs is out of line.

    Args:
        distance: the distance of two positions.
        level: centre and spread; a spread of None says nothing.
        runs: how many the level rests on.
        ruler: the ruler of the policy.
        policy: the gate.
    """
    centre, sd = level
    return sd is not None and _is_out_of_line(
        distance, _predicted(centre, sd, runs, runs, policy), ruler
    )


@lru_cache(maxsize=1_024)
def _level(runs: tuple[float, ...], ruler: Ruler) -> tuple[float, float | None]:
    return centre_and_spread(ruler.positions(runs), ruler.sd_floor)


def _predicted(
    centre: float,
    sd: float,
    runs: int,
    witnesses: int,
    policy: BaselinePolicy,
    added_error: float = 0.0,
) -> Prediction:
    error = math.hypot(sd * math.sqrt(1 + 1 / runs), added_error)
    critical = student_t(1 - policy.alpha / 2, witnesses - 1)
    return Prediction(witnesses, centre, error, critical)


def _is_out_of_line(distance: float, new_run: Prediction, ruler: Ruler) -> bool:
    return abs(distance) / new_run.error > new_run.critical and abs(
        ruler.change(distance)
    ) >= ruler.least_change(new_run.centre)


def _judged(
    distance: float, new_run: Prediction, ruler: Ruler, policy: BaselinePolicy, worse: int
) -> Suspicion:
    effect = Effect(
        ruler.change(distance),
        ruler.change(distance - new_run.half_width),
        ruler.change(distance + new_run.half_width),
        ruler.scale,
    )
    z = abs(distance) / new_run.error
    if new_run.n < policy.minimum_runs:
        status = DiffStatus.LEARNING
    elif not worse or not _is_out_of_line(distance, new_run, ruler):
        status = DiffStatus.OK
    else:
        status = DiffStatus.SUSPECT if worse * distance > 0 else DiffStatus.IMPROVED
    detectable = new_run.detectable(ruler, worse or 1)
    return Suspicion(z, new_run.critical, effect, detectable, status, new_run.error)
