"""Scale all open scenarios of a benchmark to another total rate: the load of one window.

Add here: anything else that has to change with the rate. Keep out: choosing the rate
(analysis/capacity/), and running the load (runs/).
"""

import math
from collections.abc import Mapping
from typing import Final

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.executors.kinds import (
    ArrivalRate,
    RampedRate,
    RecordedRate,
    SteadyRate,
)
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.units import US_PER_MS, US_PER_S

_TIME_UNIT_US: Final = 1_000 * US_PER_S
_STARTS_IN_FLIGHT_S: Final = 2
_LEAST_VUS: Final = 10
_MOST_VUS: Final = 10_000
_LEAST_WARM_UP_US: Final = US_PER_S // 2
_LONGEST_STOP_US: Final = 10 * US_PER_S
SLOWEST_PER_S: Final = 0.01
"""A scenario starts at least once in 100 s, or a window would see nothing of it."""


def open_scenarios(config: BenchmarkConfig, names: tuple[str, ...] = ()) -> dict[str, Scenario]:
    """Return the scenarios that are run: those that are named, or else all of them."""
    return {name: its for name, its in config.scenarios.items() if not names or name in names}


def planned_rates(scenarios: Mapping[str, Scenario]) -> dict[str, float]:
    """Return each open scenario's rate in its profile: the highest of a ramp, the mean of a log."""
    return {
        name: _highest_per_s(scenario.plan)
        for name, scenario in scenarios.items()
        if isinstance(scenario.plan, ArrivalRate)
    }


def at_rate(
    profile: Profile, benchmark: str, names: tuple[str, ...], rate: float, *, length_us: int
) -> Profile:
    """Return the profile with only one benchmark, whose scenarios start at a steady rate.

    A warm-up of a sixth of its length precedes each window; it is not counted.

    Args:
        profile: a checked profile.
        benchmark: the benchmark whose scenarios are run.
        names: the names of its scenarios that are run; empty for all of them.
        rate: starts per second of all these scenarios together, divided as their rates in the
            profile.
        length_us: the length of the measured time.
    """
    config = profile.benchmarks[benchmark]
    scenarios = open_scenarios(config, names)
    planned = planned_rates(scenarios)
    factor = rate / sum(planned.values())
    warm_up_us = max(_LEAST_WARM_UP_US, length_us // 6)
    scaled = {
        name: scenario.model_copy(
            update={
                "plan": _steady(scenario, planned[name], factor, length_us + warm_up_us),
                "step": 1,
                "warm_up_us": warm_up_us,
                "ceiling": False,
            }
        )
        for name, scenario in scenarios.items()
    }
    window = config.model_copy(update={"enabled": True, "scenarios": scaled})
    return profile.model_copy(update={"benchmarks": {benchmark: window}, "calibration": False})


def _steady(
    scenario: Scenario, planned: float, factor: float, length_us: int
) -> ConstantArrivalRate:
    per_s = max(SLOWEST_PER_S, planned * factor)
    return ConstantArrivalRate(
        executor="constant-arrival-rate",
        rate=max(1, round(per_s * _TIME_UNIT_US / US_PER_S)),
        # A profile has durations in ms, and so must a part that is made for it.
        time_unit_us=_TIME_UNIT_US // US_PER_MS,
        duration_us=length_us // US_PER_MS,
        pre_allocated_vus=_vus(scenario.plan.most_vus, per_s, factor),
        graceful_stop_us=min(scenario.plan.graceful_stop_us, _LONGEST_STOP_US) // US_PER_MS,
    )


def _vus(given: int, per_s: float, factor: float) -> int:
    """Return VUs for twice as many operations in flight as in the profile, at this rate."""
    wanted = max(_LEAST_VUS, given, _STARTS_IN_FLIGHT_S * per_s, 2 * given * factor)
    return min(_MOST_VUS, math.ceil(wanted))


def _highest_per_s(plan: ArrivalRate) -> float:
    match plan.planned_rate:
        case SteadyRate() as rate:
            return rate.per_s
        case RampedRate() as ramp:
            highest = max(ramp.starts, *(stage.target for stage in ramp.stages))
            return highest * US_PER_S / ramp.time_unit_us
        case RecordedRate() as recorded:
            return recorded.starts * US_PER_S / recorded.length_us
