"""Choose the loads under which two sides are compared, and how long each load lasts.

Add here: how another executor is kept running until a comparison is decided. Keep out: the sides
(loading/) and the order in which they take turns (plan/turns.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.config.executors.kinds import Executor, IterationQuota
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.executors.ramping_vus import RampingVUs
from perf_pipeline.config.executors.replayed_arrivals import ReplayedArrivals
from perf_pipeline.config.executors.stages import Stage
from perf_pipeline.config.own_scenarios import draws_seeded_users
from perf_pipeline.config.own_topics import OwnConsumeParameters, OwnProduceParameters
from perf_pipeline.config.parameters import iteration_kind
from perf_pipeline.config.pgbench.parameters import PgbenchParameters
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.errors import ProfileError
from perf_pipeline.units import US_PER_S

_HINT: Final = (
    "name the benchmarks that load nothing else with `--only BENCHMARK`, or sides of the part that "
    "they load: two URLs for HTTP requests, two postgresql:// addresses for SQL, two kafka:// "
    "addresses for messages"
)
_LOADED: Final[Mapping[Part, str]] = MappingProxyType(
    {
        Part.API: "HTTP requests",
        Part.POSTGRES: "SQL of your own (exec sql or pgbench)",
        Part.BROKERS: "messages of your own (exec produce)",
    }
)


@dataclass(frozen=True, slots=True)
class DuetLoad:
    """Describe a load that both sides get: the scenarios of a benchmark that run at the same time.

    Attributes:
        benchmark: its name.
        step: the number of the load step.
        profile: the profile, with the scenarios of this load as they are run.
        warm_up_us: nothing is counted before this time.
        length_us: the longest time that may be measured.
    """

    benchmark: str
    step: int
    profile: Profile
    warm_up_us: int
    length_us: int


def duet_loads(
    profile: Profile,
    benchmarks: Sequence[str],
    length_us: int,
    warm_up_us: int,
    part: Part = Part.API,
    *,
    has_own_users: bool = False,
) -> list[DuetLoad]:
    """Return the loads of these benchmarks in the order of running; they share the time evenly.

    A benchmark without scenarios, such as a search for a capacity, is left out.

    A rate or a number of VUs is held as long as the comparison lasts, stages are stretched to its
    length, and VUs that share a number of iterations loop until its end.

    Args:
        profile: a checked profile.
        benchmarks: names, in the order of running.
        length_us: the time that all loads together may be measured.
        warm_up_us: the warm-up of each load; a longer `warmUp` of a scenario wins.
        part: which part of a system the two sides are.
        has_own_users: whether each side has its own tables, into which users are seeded.

    Raises:
        ProfileError: a benchmark loads something other than this part, or none of the benchmarks
            has scenarios.
    """
    named = [name for name in benchmarks if profile.benchmarks[name].scenarios]
    problems = [
        told
        for name in named
        for told in _unfit(name, profile.benchmarks[name], part, has_own_users=has_own_users)
    ]
    if not named:
        problems = [
            f"{', '.join(benchmarks)} has no scenarios, so that there is no load to compare"
        ]
    if problems:
        raise ProfileError(profile.name, problems, hint=_HINT)
    steps = [(name, step) for name in named for step, _ in profile.benchmarks[name].load_steps]
    share_us = length_us // max(1, len(steps))
    return [_load(profile, name, step, share_us, warm_up_us) for name, step in steps]


def _unfit(name: str, config: BenchmarkConfig, part: Part, *, has_own_users: bool) -> Iterator[str]:
    """Say what in a benchmark does not load this part, or needs more than two addresses."""
    for scenario, written in config.scenarios.items():
        place = f"benchmarks.{name}.scenarios.{scenario}"
        if why := _unfit_scenario(written, part, has_own_users=has_own_users):
            yield f"{place} {why}"
    if draws_seeded_users(config) and not has_own_users:
        yield f"benchmarks.{name} draws users that a run seeds; write data of your own for a duet"
    if config.deliveries is not None and not is_paced(config.scenarios, list(config.scenarios)):
        yield (
            f"benchmarks.{name} waits for deliveries, and virtual users would give the quicker "
            "side more messages to deliver; write a rate, such as constant-arrival-rate"
        )


def _unfit_scenario(written: Scenario, part: Part, *, has_own_users: bool) -> str:
    """Say why two sides can't get the same load from a scenario; empty where they can."""
    kind = iteration_kind(written.exec)
    is_loaded = kind is not None and kind.part is part and (part is Part.API or kind.is_own)
    if kind is None or not is_loaded:
        return f"runs {written.exec}, not {_LOADED[part]}"
    if isinstance(written.plan, ReplayedArrivals):
        return "replays a log, which can't go on longer"
    if kind.ids and not has_own_users:
        return "needs users that a run seeds"
    own = written.parameters
    if isinstance(own, OwnConsumeParameters):
        return "consumes; a duet of two topics compares how long producing takes (exec produce)"
    if isinstance(own, PgbenchParameters) and own.are_built_in and own.scale is None:
        return (
            "counts the rows of pgbench_branches, which may be others on each side, so that they "
            "would be asked for different rows; write parameters.scale"
        )
    return ""


def needs_users(load: DuetLoad) -> bool:
    """Say whether a load requests users that have to be seeded first."""
    config = load.profile.benchmarks[load.benchmark]
    kinds = (iteration_kind(scenario.exec) for scenario in config.scenarios.values())
    return draws_seeded_users(config) or any(kind is not None and kind.ids for kind in kinds)


def at_topic(profile: Profile, topic: str) -> Profile:
    """Return a profile whose messages all go to one topic; unchanged if no topic is named."""
    if not topic:
        return profile
    benchmarks = {
        name: config.model_copy(
            update={
                "scenarios": {
                    key: _at_topic(scenario, topic) for key, scenario in config.scenarios.items()
                }
            }
        )
        for name, config in profile.benchmarks.items()
    }
    return profile.model_copy(update={"benchmarks": benchmarks})


def _at_topic(scenario: Scenario, topic: str) -> Scenario:
    own = scenario.parameters
    if not isinstance(own, OwnProduceParameters):
        return scenario
    return scenario.model_copy(update={"parameters": own.model_copy(update={"topic": topic})})


def _load(profile: Profile, name: str, step: int, length_us: int, warm_up_us: int) -> DuetLoad:
    config = profile.benchmarks[name]
    scenarios = dict(config.load_steps)[step]
    begins_us = max(warm_up_us, *(_warm_from_us(scenario) for scenario in scenarios.values()))
    played = {
        key: _going_on(scenario, begins_us, begins_us + length_us)
        for key, scenario in scenarios.items()
    }
    alone = config.model_copy(update={"scenarios": played})
    only = profile.model_copy(update={"benchmarks": {name: alone}})
    return DuetLoad(name, step, only, begins_us, length_us)


def _warm_from_us(scenario: Scenario) -> int:
    return scenario.plan.start_time_us + scenario.warm_up_us


def _going_on(scenario: Scenario, begins_us: int, ends_us: int) -> Scenario:
    """Return a scenario that runs until `ends_us` and is measured from `begins_us` on."""
    start_us = scenario.plan.start_time_us
    return scenario.model_copy(
        update={
            "plan": _prolonged(scenario.plan, ends_us - start_us),
            "warm_up_us": begins_us - start_us,
        }
    )


def _prolonged(plan: Executor, length_us: int) -> Executor:
    if isinstance(plan, ConstantArrivalRate | ConstantVUs):
        return plan.model_copy(update={"duration_us": length_us})
    if isinstance(plan, RampingArrivalRate | RampingVUs):
        return plan.model_copy(update={"stages": _stretched(plan.stages, length_us)})
    assert isinstance(plan, IterationQuota), plan
    looping = ConstantVUs(executor="constant-vus", vus=plan.vus, duration_us=US_PER_S)
    return looping.model_copy(
        update={
            "duration_us": length_us,
            "start_time_us": plan.start_time_us,
            "graceful_stop_us": plan.graceful_stop_us,
        }
    )


def _stretched(stages: Sequence[Stage], length_us: int) -> tuple[Stage, ...]:
    """Return the stages stretched to a length; the last one takes what rounding leaves over."""
    whole_us = sum(stage.duration_us for stage in stages)
    lengths = [stage.duration_us * length_us // whole_us for stage in stages]
    lengths[-1] += length_us - sum(lengths)
    return tuple(
        stage.model_copy(update={"duration_us": length})
        for stage, length in zip(stages, lengths, strict=True)
    )


def is_paced(scenarios: Mapping[str, Scenario], names: Sequence[str]) -> bool:
    """Say whether the plan decides how many iterations these scenarios start."""
    return all(scenarios[name].plan.most_starts > 0 for name in names)
