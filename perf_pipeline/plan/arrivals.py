"""Work out when the open model starts its iterations, to the microsecond.

Add here: the starts of another kind of planned rate. Keep out: VUs (vus.py), waiting (engine/).
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from perf_pipeline.config.executors.kinds import (
    ArrivalRate,
    Executor,
    RampedRate,
    RecordedRate,
    SteadyRate,
)
from perf_pipeline.config.request_log import read_request_log
from perf_pipeline.errors import ProfileError

_NS_PER_US = 1_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """Say when an iteration starts.

    Attributes:
        n: the number of the start, counted from 0 over all workers.
        at_us: its time in µs after the scenario's start.
    """

    n: int
    at_us: int


def arrivals(executor: ArrivalRate) -> Iterator[Arrival]:
    """Return every planned start in order, each computed when it is needed.

    As in k6, a constant rate starts at 0 and both kinds may start at the very end, so that 20/s for
    3 s are 61 starts (k6's own run had 6 iterations and dropped 55).

    >>> from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
    >>> ten = {"executor": "constant-arrival-rate", "rate": 10, "preAllocatedVUs": 1}
    >>> [a.at_us for a in arrivals(ConstantArrivalRate(**ten, duration="1s"))][:3]
    [0, 100000, 200000]
    """
    match executor.planned_rate:
        case SteadyRate() as rate:
            return _steady(rate)
        case RampedRate() as rate:
            return _ramped(rate)
        case RecordedRate() as rate:
            return (Arrival(n, at_us) for n, at_us in enumerate(_recorded(rate)))


def number_of(executor: Executor) -> Callable[[int], int] | None:
    """Return a function from a planned start's time to its number; None if nobody needs it.

    The time is in µs since the start of the scenario. Only a recording has a specific iteration for
    each start.

    Raises:
        ProfileError: its file changed since the profile was read.
    """
    if not isinstance(executor, ArrivalRate):
        return None
    rate = executor.planned_rate
    if not isinstance(rate, RecordedRate):
        return None
    times = _recorded(rate)
    return lambda at_us: bisect_right(times, at_us) - 1


def count_arrivals(executor: ArrivalRate) -> int:
    """Count the planned starts without listing them."""
    match executor.planned_rate:
        case SteadyRate() as rate:
            return _count_steady(rate)
        case RampedRate() as rate:
            return math.floor(_area(rate))
        case RecordedRate() as rate:
            return rate.starts


def steady_rate_per_s(executor: Executor) -> float | None:
    """Return the starts per second of a rate that never changes; None for other executors."""
    if isinstance(executor, ArrivalRate) and isinstance(rate := executor.planned_rate, SteadyRate):
        return rate.per_s
    return None


def _period_ns(rate: SteadyRate) -> int:
    """Return the period, cut to whole ns as in k6: 7 per 3 s start every 428,571,428 ns."""
    return max(1, rate.time_unit_us * _NS_PER_US // rate.starts)


def _count_steady(rate: SteadyRate) -> int:
    return rate.length_us * _NS_PER_US // _period_ns(rate) + 1


def _steady(rate: SteadyRate) -> Iterator[Arrival]:
    period_ns = _period_ns(rate)
    for n in range(_count_steady(rate)):
        yield Arrival(n, n * period_ns // _NS_PER_US)


@lru_cache(maxsize=8)
def _recorded(rate: RecordedRate) -> "array[int]":
    """Read the times of a recording only once, since workers ask before a load and at its start.

    Raises:
        ProfileError: its file changed since the profile was read.
    """
    try:
        log = read_request_log(rate.log, rate.methods)
    except ValueError as error:
        raise ProfileError("of the run", [str(error)]) from error
    if log.digest != rate.digest:
        changed = f"{rate.log.name} changed since the profile was read; run it again"
        raise ProfileError("of the run", [changed])
    return array("q", log.starts_us(rate.speed))


def _ramped(planned: RampedRate) -> Iterator[Arrival]:
    """Invert the integral of the rate, stage by stage.

    Arrival n happens where the area under the rate reaches n + 1. The fraction left at the end of a
    stage is carried into the next one (source: k6 lib/executor/ramping_arrival_rate.go, and
    grafana/k6#1299).
    """
    n = 0
    done = 0.0
    began_ns = 0
    for stage, rate, target in _ramps(planned):
        length_ns = stage * _NS_PER_US
        end = done + _stage_area(length_ns, rate, target)
        while n + 1 <= end:
            offset_ns = _offset_ns(n + 1 - done, rate, target, length_ns)
            yield Arrival(n, round((began_ns + offset_ns) / _NS_PER_US))
            n += 1
        done = end
        began_ns += length_ns


def _ramps(planned: RampedRate) -> Iterator[tuple[int, float, float]]:
    """Return each stage as its length in µs and its first and last rate per ns."""
    unit_ns = float(planned.time_unit_us * _NS_PER_US)
    rate = planned.starts / unit_ns
    for stage in planned.stages:
        target = stage.target / unit_ns
        yield stage.duration_us, rate, target
        rate = target


def _area(planned: RampedRate) -> float:
    area = 0.0
    for length_us, rate, target in _ramps(planned):
        area += _stage_area(length_us * _NS_PER_US, rate, target)
    return area


def _stage_area(length_ns: float, rate: float, target: float) -> float:
    """Return the starts of a stage, in k6's order of operations, so that both round equally."""
    return length_ns * ((target - rate) / 2 + rate)


def _offset_ns(area: float, rate: float, target: float, length_ns: float) -> float:
    """Solve `rate*x + (target-rate)*x²/(2*length) = area` for x, in ns.

    It is written as 2a / (r + sqrt(r² + 2a(t-r)/L)), because the textbook form subtracts two nearly
    equal numbers when the ramp is shallow, and divides by zero when it is flat.
    """
    # A ramp down to 0 ends where the root is 0, and rounding can make it slightly negative.
    root = math.sqrt(max(0.0, rate * rate + 2 * area * (target - rate) / length_ns))
    return min(length_ns, 2 * area / (rate + root))
