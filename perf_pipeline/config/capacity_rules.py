"""Rules about searches for a capacity that need the whole profile.

Add here: another reason why a benchmark can't be searched. Keep out: the keys (capacity.py).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.benchmarks.registry import is_shipped
from perf_pipeline.config.capacity import CapacitySearch
from perf_pipeline.config.executors.kinds import ArrivalRate
from perf_pipeline.config.needed_parts import parts_of
from perf_pipeline.config.own_files import variables_in
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.scaled_load import open_scenarios, planned_rates
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.templated import Templated
from perf_pipeline.config.templates import Source
from perf_pipeline.metrics.catalog import OF_CAPACITY, OF_SCALING
from perf_pipeline.spelling import meant

_OPEN: Final = "constant-arrival-rate or ramping-arrival-rate"


def capacity_mistakes(profile: Profile) -> Iterator[str]:
    """Find searches of a benchmark that does not exist, or that has no rate to search."""
    for name, config in profile.benchmarks.items():
        path = f"benchmarks.{name}"
        if config.capacity is None:
            yield from _foreign_thresholds(name, config)
            if config.scaling is not None:
                yield (
                    f"{path} has scaling and no capacity, so nothing says what is searched; write "
                    'capacity = { of = "..." } beside it'
                )
            continue
        if config.scenarios:
            yield (
                f"{path} has scenarios and capacity; the scenarios that are searched are those of "
                f"{config.capacity.of}, so leave one of the two out"
            )
        if config.deliveries is not None:
            yield f"{path}.deliveries: write them into {config.capacity.of}, which is searched"
        if config.faults:
            yield f"{path}.faults: a search breaks nothing on purpose; leave them out"
        yield from _own_thresholds(path, config)
        yield from (f"{path}.capacity.{told}" for told in _of_mistakes(profile, config.capacity))


def searchable(profile: Profile) -> Iterator[str]:
    """Name the benchmarks that are switched on and whose scenarios have rates and run at once.

    The author's own benchmarks come first, then those that load an API; benchmarks with faults are
    left out.
    """
    for name in sorted(profile.enabled_names, key=lambda name: _remoteness(profile, name)):
        scenarios = profile.benchmarks[name].scenarios.values()
        is_open = all(isinstance(scenario.plan, ArrivalRate) for scenario in scenarios)
        is_at_once = len({scenario.step for scenario in scenarios}) == 1
        if scenarios and is_open and is_at_once and not profile.benchmarks[name].faults:
            yield name


def _remoteness(profile: Profile, benchmark: str) -> tuple[bool, bool]:
    return is_shipped(benchmark), Part.API not in parts_of(profile, benchmark)


def _of_mistakes(profile: Profile, search: CapacitySearch) -> Iterator[str]:
    loads = [name for name, config in profile.benchmarks.items() if config.capacity is None]
    config = profile.benchmarks.get(search.of)
    if config is None or search.of not in loads:
        there = ", ".join(loads)
        yield f"of: {search.of!r} is not one of {there}{meant(search.of, loads)}"
        return
    if config.faults:
        yield (
            f"of: {search.of} has faults, which would break the target in every window; search a "
            "benchmark with the same scenarios and without them"
        )
    for name in search.scenarios:
        if name not in config.scenarios:
            known = ", ".join(config.scenarios)
            yield f"scenarios: {name!r} is not one of {known}{meant(name, config.scenarios)}"
    scenarios = open_scenarios(config, search.scenarios)
    closed = [name for name, its in scenarios.items() if not isinstance(its.plan, ArrivalRate)]
    if closed:
        plan = scenarios[closed[0]].plan
        yield (
            f"of: scenario {closed[0]} of {search.of} is {plan.description}: it has no rate that "
            "could be raised, because it starts as fast as the target answers; give it the "
            f"executor {_OPEN}, or name the scenarios that have one: scenarios = [...]"
        )
        return
    yield from _rate_mistakes(search, scenarios)


def _rate_mistakes(search: CapacitySearch, scenarios: Mapping[str, Scenario]) -> Iterator[str]:
    """Find reasons why the rates of these scenarios can't be raised together."""
    for name in filter(lambda name: _asks_a_log(scenarios[name]), scenarios):
        yield (
            f"of: scenario {name} of {search.of} asks for the paths of a log, which has one for "
            "each of its own starts alone; give its steps paths of their own to be searched"
        )
    if len({its.step for its in scenarios.values()}) > 1:
        yield (
            f"of: {search.of} loads {', '.join(scenarios)} one after another (step); name those "
            "that are to be loaded at once: scenarios = [...]"
        )
    if scenarios and sum(planned_rates(scenarios).values()) == 0:
        yield f"of: the scenarios of {search.of} have rates of 0; give one of them a rate"
    if search.hint is not None and search.hint > search.highest:
        yield (
            f"hint: {search.hint:g}/s is above highest, which is {search.highest:g}/s; no higher "
            "rate would be tried"
        )


def _asks_a_log(scenario: Scenario) -> bool:
    parameters = scenario.parameters
    used = variables_in(parameters) if isinstance(parameters, Templated) else ()
    return any(variable.source is Source.REPLAY for variable in used)


def _own_thresholds(path: str, config: BenchmarkConfig) -> Iterator[str]:
    own, what = (OF_CAPACITY, "capacity") if config.scaling is None else (OF_SCALING, "scaling run")
    for key in config.thresholds:
        metric = key.partition("{")[0].strip()
        if metric not in own:
            of = config.capacity.of if config.capacity else ""
            yield (
                f"{path}.thresholds.{key}: what must hold in a window are the thresholds of {of}; "
                f"a {what} itself has {', '.join(sorted(own))}{meant(metric, own)}"
            )


def _foreign_thresholds(name: str, config: BenchmarkConfig) -> Iterator[str]:
    for key in config.thresholds:
        metric = key.partition("{")[0].strip()
        if metric in OF_CAPACITY:
            yield (
                f"benchmarks.{name}.thresholds.{key}: only a benchmark with the key capacity finds "
                f'one; write it into one with capacity = {{ of = "{name}" }}'
            )
        elif metric in OF_SCALING:
            yield (
                f"benchmarks.{name}.thresholds.{key}: only a benchmark with the keys capacity and "
                "scaling has it (docs/scaling.md)"
            )
