"""Rules about faults and the load during which they happen.

Add here: a rule about `faults` that needs the whole benchmark. Keep out: the keys (faults.py), and
which parts a run starts (loading/fault_parts.py).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.config.executors.kinds import ArrivalRate
from perf_pipeline.config.faults import Fault
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.units import US_PER_S, format_duration

STEADY_US: Final = 3 * US_PER_S
"""Load before the first fault, with which what follows is compared, and after each undo."""


def fault_mistakes(profile: Profile) -> Iterator[str]:
    """Find faults whose effect, or the recovery from it, could not be seen in their load."""
    for name, config in profile.benchmarks.items():
        if config.faults:
            yield from (f"benchmarks.{name}.faults{found}" for found in _mistakes(config))


def _mistakes(config: BenchmarkConfig) -> Iterator[str]:
    closed = [
        (name, scenario.plan.executor)
        for name, scenario in config.scenarios.items()
        if not isinstance(scenario.plan, ArrivalRate)
    ]
    for name, executor in closed:
        yield (
            f": scenario {name} is a closed model ({executor}), which asks less while the target "
            "is slow, so that a fault hides; use an arrival-rate executor"
        )
    if len(config.load_steps) > 1:
        yield ": the benchmark has several load steps; faults need all scenarios in one step"
    if not closed and len(config.load_steps) == 1:
        yield from _moments(config)
        yield from _overlaps(config)


def _moments(config: BenchmarkConfig) -> Iterator[str]:
    begins = (plan.plan.start_time_us + plan.warm_up_us for plan in config.scenarios.values())
    begin_us = min(begins)
    end_us = load_end_us(config)
    for number, fault in enumerate(config.faults):
        undone_us = fault.at_us + fault.for_us
        if fault.at_us >= end_us:
            yield (
                f"[{number}].at is {format_duration(fault.at_us)}, but the load ends at "
                f"{format_duration(end_us)}; choose an earlier moment, or a longer load"
            )
        elif fault.at_us < begin_us + STEADY_US:
            yield (
                f"[{number}].at is {format_duration(fault.at_us)}; at least "
                f"{format_duration(STEADY_US)} of measured load come before a fault, so that there "
                f"is something to compare with: choose {format_duration(begin_us + STEADY_US)} or "
                "later"
            )
        elif undone_us + STEADY_US > end_us:
            yield (
                f"[{number}] is undone at {format_duration(undone_us)}, and the load ends at "
                f"{format_duration(end_us)}; at least {format_duration(STEADY_US)} of load come "
                "after it, so that a recovery can be seen: make the load longer"
            )


def _overlaps(config: BenchmarkConfig) -> Iterator[str]:
    """Find faults that would hit a part while it is still broken."""
    faults = sorted(enumerate(config.faults), key=lambda placed: placed[1].at_us)
    until_us: dict[str, tuple[int, int]] = {}
    for number, fault in faults:
        hit = fault.part or _leaders_of(fault)
        if not hit:
            continue
        if hit in until_us and fault.at_us <= until_us[hit][0]:
            end_us, other = until_us[hit]
            yield (
                f"[{number}] hits {hit} at {format_duration(fault.at_us)}, which faults"
                f"[{other}] makes whole at {format_duration(end_us)}; choose a later moment"
            )
        until_us[hit] = (fault.at_us + fault.for_us, number)


def _leaders_of(fault: Fault) -> str:
    return f"the leaders of {fault.topic or 'the topic'}" if fault.kind == "leader_change" else ""


def load_end_us(config: BenchmarkConfig) -> int:
    """Return when the last planned start is due at the latest, in µs since the load began."""
    return max(
        scenario.plan.start_time_us + scenario.plan.length_us
        for scenario in config.scenarios.values()
    )
