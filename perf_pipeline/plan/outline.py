"""Describe what a run of a profile will do: what starts when, how much, and how fast.

Add here: another figure of the plan that follows from the profile alone. Keep out: showing it
(report/outline.py), and anything that depends on the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.executors.kinds import (
    ArrivalRate,
    IterationQuota,
    LoopingVUs,
    VuLine,
)
from perf_pipeline.config.faults import fault_names
from perf_pipeline.config.http_steps import HttpStepsParameters
from perf_pipeline.config.own_topics import OwnProduceParameters
from perf_pipeline.config.parameters import HttpParameters, iteration_kind
from perf_pipeline.config.pgbench.parameters import PgbenchParameters
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.sql_statements import SqlParameters
from perf_pipeline.plan.iterations import intended_iterations
from perf_pipeline.plan.rates import Knot, rate_of


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """Describe a planned fault.

    Attributes:
        benchmark: the benchmark during whose load it happens.
        name: the name of the fault.
        begins_us: when it begins, in µs of load since the first start of the run.
        does: what it does, in words.
    """

    benchmark: str
    name: str
    begins_us: int
    does: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Describe what one scenario does in a run.

    Attributes:
        benchmark: the name of the benchmark.
        step: the number of its load step.
        scenario: the name of the scenario.
        exec: what an iteration does.
        load: the executor in words.
        begins_us: its earliest first start, in µs of load since the first start of the run.
        delay_us: how much later it may start, because scenarios before it end only after a number
            of iterations.
        length_us: its planned length; for a number of iterations, the longest.
        graceful_stop_us: how long its last iterations may take beyond that.
        starts: how many iterations there are; None if only the target's speed decides.
        is_most: whether there may be fewer, because the target's speed also decides.
        requests_each: HTTP requests of an iteration without redirects; None if unknown.
        is_quota: whether it ends as soon as its number of iterations is done.
        rate: its starts per second over time; empty if the target's speed decides.
    """

    benchmark: str
    step: int
    scenario: str
    exec: str
    load: str
    begins_us: int
    delay_us: int
    length_us: int
    graceful_stop_us: int
    starts: int | None
    is_most: bool
    requests_each: int | None
    is_quota: bool
    rate: tuple[Knot, ...]

    @property
    def shortest_us(self) -> int:
        """Return its shortest length: a number of iterations may be done at once."""
        return 0 if self.is_quota else self.length_us

    @property
    def requests(self) -> int | None:
        """Return how many HTTP requests it sends; None if unknown."""
        if self.starts is None or self.requests_each is None:
            return None
        return self.starts * self.requests_each


def outline(profile: Profile, benchmarks: Sequence[str]) -> list[Turn]:
    """Return what each scenario of these benchmarks does, in the order of a run.

    Times count only load; preparing, draining and judging in between is not planned.
    """
    turns: list[Turn] = []
    begins_us = delay_us = 0
    for benchmark in benchmarks:
        for step, scenarios in profile.benchmarks[benchmark].load_steps:
            step_turns = [
                _turn(benchmark, step, name, scenario, begins_us, delay_us)
                for name, scenario in scenarios.items()
            ]
            shortest_us, longest_us = load_length_us(step_turns)
            begins_us, delay_us = shortest_us, longest_us - shortest_us
            turns += step_turns
    return turns


def planned_faults(profile: Profile, turns: Sequence[Turn]) -> list[PlannedFault]:
    """Return the faults of a run in the order of their begin, on the time line of its turns."""
    begins: dict[str, int] = {}
    for turn in turns:
        plan = profile.benchmarks[turn.benchmark].scenarios[turn.scenario].plan
        begins.setdefault(turn.benchmark, turn.begins_us - plan.start_time_us)
    found = []
    for benchmark, begin_us in begins.items():
        faults = profile.benchmarks[benchmark].faults
        found += [
            PlannedFault(benchmark, name, begin_us + fault.at_us, fault.in_words)
            for name, fault in zip(fault_names(faults), faults, strict=True)
        ]
    return sorted(found, key=lambda fault: fault.begins_us)


def load_length_us(turns: Sequence[Turn]) -> tuple[int, int]:
    """Return the shortest and longest duration of the load, without late iterations."""
    shortest = max((turn.begins_us + turn.shortest_us for turn in turns), default=0)
    longest = max((turn.begins_us + turn.delay_us + turn.length_us for turn in turns), default=0)
    return shortest, longest


def longest_wait_us(turns: Sequence[Turn]) -> int:
    """Return how much longer the graceful stops of all load steps may take, at most."""
    ends: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for turn in turns:
        end_us = turn.begins_us + turn.length_us
        ends.setdefault((turn.benchmark, turn.step), []).append(
            (end_us, end_us + turn.graceful_stop_us)
        )
    return sum(
        max(late for _, late in step) - max(end for end, _ in step) for step in ends.values()
    )


def peak_requests_per_s(turns: Sequence[Turn]) -> float | None:
    """Return the most HTTP requests per second that are planned at once; None where none are.

    Rates are linear between their knots, so a sum of them is largest at a knot.
    """
    paced = [turn for turn in turns if turn.rate and turn.requests_each]
    moments = sorted({at_us for turn in paced for at_us, _ in turn.rate})
    sums = (
        sum(_rate_at(turn.rate, at_us, side) * (turn.requests_each or 0) for turn in paced)
        for at_us in moments
        for side in (_BEFORE, _AFTER)
    )
    return max(sums, default=None)


_BEFORE: Final = 0
_AFTER: Final = -1


def _rate_at(knots: tuple[Knot, ...], at_us: int, side: int) -> float:
    """Return a rate at a moment; at a jump the one before or after it."""
    here = [rate for moment, rate in knots if moment == at_us]
    if here:
        is_edge = at_us == (knots[0][0] if side == _BEFORE else knots[-1][0])
        return 0.0 if is_edge else here[side]
    for (left_us, left), (right_us, right) in pairwise(knots):
        if left_us < at_us < right_us:
            return left + (right - left) * (at_us - left_us) / (right_us - left_us)
    return 0.0


def _turn(
    benchmark: str, step: int, name: str, scenario: Scenario, begins_us: int, delay_us: int
) -> Turn:
    plan = scenario.plan
    first_us = begins_us + plan.start_time_us
    starts, is_most = _starts(scenario)
    return Turn(
        benchmark=benchmark,
        step=step,
        scenario=name,
        exec=scenario.exec,
        load=plan.description,
        begins_us=first_us,
        delay_us=delay_us,
        length_us=plan.length_us,
        graceful_stop_us=plan.graceful_stop_us,
        starts=starts,
        is_most=is_most,
        requests_each=_requests_each(scenario),
        is_quota=isinstance(plan, IterationQuota),
        rate=tuple(rate_of(plan, first_us)),
    )


def _starts(scenario: Scenario) -> tuple[int | None, bool]:
    """Count the iterations, and say whether there may be fewer.

    Looping VUs make at most one iteration per think time, plus the one that each has begun.
    """
    match scenario.plan:
        case ArrivalRate() as plan:
            return intended_iterations(plan), False
        case IterationQuota() as plan:
            return intended_iterations(plan), True
        case LoopingVUs() as plan:
            think_us = _shortest_think_us(scenario)
            if not think_us:
                return None, True
            return int(_vu_us(plan.planned_vus, plan.length_us) // think_us) + plan.most_vus, True


def _shortest_think_us(scenario: Scenario) -> int:
    """Return the pauses of an iteration that nothing ends early; 0 if it may have none."""
    match scenario.parameters:
        case HttpStepsParameters(think_time_us=pause_us, steps=steps):
            return pause_us[0] + sum(step.think_time_us[0] for step in steps)
        case SqlParameters(think_time_us=pause_us, statements=statements):
            return pause_us[0] + sum(statement.think_time_us[0] for statement in statements)
        case HttpParameters(think_time_us=pause_us):
            return pause_us[0]
        case PgbenchParameters(think_time_us=pause_us):
            return pause_us[0]
        case OwnProduceParameters(think_time_us=pause_us):
            return pause_us[0]
        case _:
            return 0


def _vu_us(line: VuLine, length_us: int) -> float:
    """Return the area under the number of VUs, in VUs times µs."""
    if not line.stages:
        return line.start * length_us
    area, vus = 0.0, line.start
    for stage in line.stages:
        area += stage.duration_us * (vus + stage.target) / 2
        vus = stage.target
    return area


def _requests_each(scenario: Scenario) -> int | None:
    if isinstance(scenario.parameters, HttpStepsParameters):
        return len(scenario.parameters.steps)
    kind = iteration_kind(scenario.exec)
    is_one_request = kind is not None and kind.part is Part.API and bool(kind.operation)
    return 1 if is_one_request else None
