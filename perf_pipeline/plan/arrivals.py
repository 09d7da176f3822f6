"""When the open model starts its iterations, to the microsecond and one at a time.

Add here: an executor whose starts follow the clock. Keep out: VUs (vus.py) and waiting (engine/).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from perf_pipeline.config.executors import ConstantArrivalRate, RampingArrivalRate

_NS_PER_US = 1_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """Say when one iteration starts.

    Attributes:
        n: its number, from 0, over all workers.
        at_us: µs after the scenario's start.
    """

    n: int
    at_us: int


def arrivals(executor: ConstantArrivalRate | RampingArrivalRate) -> Iterator[Arrival]:
    """Give every planned start in order, computed when asked for.

    As in k6 a constant rate starts at 0 and both kinds may start at the very end, so 20/s for
    3 s are 61 starts (k6's own run: 6 iterations + 55 dropped).

    >>> from perf_pipeline.config.executors import ConstantArrivalRate
    >>> ten = {"executor": "constant-arrival-rate", "rate": 10, "preAllocatedVUs": 1}
    >>> [a.at_us for a in arrivals(ConstantArrivalRate(**ten, duration="1s"))][:3]
    [0, 100000, 200000]
    """
    if isinstance(executor, ConstantArrivalRate):
        return _constant(executor)
    return _ramping(executor)


def count_arrivals(executor: ConstantArrivalRate | RampingArrivalRate) -> int:
    """Count the planned starts without listing them."""
    if isinstance(executor, ConstantArrivalRate):
        return executor.length_us * _NS_PER_US // _period_ns(executor) + 1
    return math.floor(_area(executor))


def _period_ns(executor: ConstantArrivalRate) -> int:
    """Give k6's period, cut to whole ns: 7 per 3 s start every 428,571,428 ns."""
    return max(1, executor.time_unit_us * _NS_PER_US // executor.rate)


def _constant(executor: ConstantArrivalRate) -> Iterator[Arrival]:
    period_ns = _period_ns(executor)
    for n in range(count_arrivals(executor)):
        yield Arrival(n, n * period_ns // _NS_PER_US)


def _ramping(executor: RampingArrivalRate) -> Iterator[Arrival]:
    """Invert the integral of the rate, stage by stage.

    Arrival n happens where the area under the rate reaches n + 1; a fraction left over at the end
    of a stage is carried into the next (source: k6 lib/executor/ramping_arrival_rate.go, and
    grafana/k6#1299).
    """
    n = 0
    done = 0.0
    began_ns = 0
    for stage, rate, target in _ramps(executor):
        length_ns = stage * _NS_PER_US
        end = done + _stage_area(length_ns, rate, target)
        while n + 1 <= end:
            offset_ns = _offset_ns(n + 1 - done, rate, target, length_ns)
            yield Arrival(n, round((began_ns + offset_ns) / _NS_PER_US))
            n += 1
        done = end
        began_ns += length_ns


def _ramps(executor: RampingArrivalRate) -> Iterator[tuple[int, float, float]]:
    """Give each stage as its length in µs and its first and last rate per ns."""
    unit_ns = float(executor.time_unit_us * _NS_PER_US)
    rate = executor.start_rate / unit_ns
    for stage in executor.stages:
        target = stage.target / unit_ns
        yield stage.duration_us, rate, target
        rate = target


def _area(executor: RampingArrivalRate) -> float:
    area = 0.0
    for length_us, rate, target in _ramps(executor):
        area += _stage_area(length_us * _NS_PER_US, rate, target)
    return area


def _stage_area(length_ns: float, rate: float, target: float) -> float:
    """Give the starts of one stage; k6's order of operations, so that both round alike."""
    return length_ns * ((target - rate) / 2 + rate)


def _offset_ns(area: float, rate: float, target: float, length_ns: float) -> float:
    """Solve `rate*x + (target-rate)*x²/(2*length) = area` for x, in ns.

    Written as 2a / (r + sqrt(r² + 2a(t-r)/L)): the textbook form subtracts two nearly equal
    numbers when the ramp is shallow, and divides by zero when it is flat.
    """
    # A ramp down to 0 ends where the root is 0; rounding makes it a hair negative there.
    root = math.sqrt(max(0.0, rate * rate + 2 * area * (target - rate) / length_ns))
    return min(length_ns, 2 * area / (rate + root))
