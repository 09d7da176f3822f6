"""Rules about the key `growth` and the load during which something may grow.

Add here: a rule about `growth` that needs the whole benchmark. Keep out: the keys (growth.py).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.growth import GrowthWatch
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.metrics.growth import OF_READINGS
from perf_pipeline.units import format_duration

LEAST_READINGS: Final = 30
"""Fewer say so little that nobody should wait for them."""


def growth_mistakes(profile: Profile) -> Iterator[str]:
    """Find loads that are not steady, or are too short to show growth."""
    grown = {name for name, config in profile.benchmarks.items() if config.growth is not None}
    for name, config in profile.benchmarks.items():
        if config.capacity is not None and config.capacity.of in grown:
            yield (
                f"benchmarks.{name}.capacity.of: {config.capacity.of} asks what grows, which no "
                "window is long enough for; search a benchmark without growth"
            )
        if config.growth is not None:
            found = _mistakes(config, config.growth)
            yield from (f"benchmarks.{name}.growth: {mistake}" for mistake in found)
        elif named := sorted(set(OF_READINGS.values()) & _metrics_of(config)):
            yield (
                f"benchmarks.{name}.thresholds: {named[0]} is measured only with the key growth; "
                f"write [benchmarks.{name}.growth]"
            )


def _metrics_of(config: BenchmarkConfig) -> set[str]:
    return {key.partition("{")[0].strip() for key in config.thresholds}


def _mistakes(config: BenchmarkConfig, growth: GrowthWatch) -> Iterator[str]:
    if config.capacity is not None:
        yield "a search for a capacity loads at many rates; growth needs one that stays"
        return
    for name, scenario in config.scenarios.items():
        if not isinstance(scenario.plan, ConstantArrivalRate):
            yield (
                f"scenario {name} has the executor {scenario.plan.executor}, under which the load "
                "changes and what is used with it; use constant-arrival-rate"
            )
    if len(config.load_steps) > 1:
        yield "the benchmark has several load steps; put all scenarios into one step"
    if config.faults:
        yield "the benchmark has faults, after which much grows; leave one of the two out"
    yield from _too_short(config, growth)


def _too_short(config: BenchmarkConfig, growth: GrowthWatch) -> Iterator[str]:
    begins_us, ends_us = zip(*map(_measured_us, config.scenarios.values()), strict=True)
    measured_us = max(0, min(ends_us) - max(begins_us))
    watched_us = measured_us - growth.settled_after_us(measured_us)
    if watched_us < LEAST_READINGS * config.interval_us:
        together = " while all scenarios run" if len(config.scenarios) > 1 else ""
        yield (
            f"{format_duration(max(0, watched_us))} are measured after settle{together}, and a "
            f"reading is taken every {format_duration(config.interval_us)}; at least "
            f"{LEAST_READINGS} readings are needed: make the load longer, or interval or settle "
            "shorter"
        )


def _measured_us(scenario: Scenario) -> tuple[int, int]:
    """Return when a scenario's measured phase begins and ends, in µs since the load began."""
    starts_us = scenario.plan.start_time_us
    return starts_us + scenario.warm_up_us, starts_us + scenario.plan.length_us
