"""Search for a capacity at several numbers of units, and keep how it grows with them.

It keeps the windows' rows, a row for each number of units, and the figures of all of them; the
answer follows from the rows.

Add here: what happens around the searches of a scaling run. Keep out: one search (searching.py),
setting units (loading/unit_setter.py), and what the points show (analysis/scaling.py).
"""

import math
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Final

from perf_pipeline.analysis.capacity.search import Capacity, CapacityKind
from perf_pipeline.analysis.scaling_answer import scaling_figures
from perf_pipeline.config.capacity import CapacitySearch
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.config.scaling import ScalingConfig
from perf_pipeline.engine.control_group import usable_cores
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.judging.capacities import cut_short
from perf_pipeline.judging.scalings import answer_of
from perf_pipeline.loading.benchmark_folder import fresh_folder, write_down, write_whole
from perf_pipeline.loading.calibrating import calibrated
from perf_pipeline.loading.figures import write_figures
from perf_pipeline.loading.needs import in_one_sentence
from perf_pipeline.loading.scaled_parts import with_units
from perf_pipeline.loading.session import Session
from perf_pipeline.loading.unit_setter import UnitSetter
from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.metrics.scaling_point import NOT_TRIED, SCALING_POINT_COLUMNS, ScalingPoint
from perf_pipeline.plan.scaling import busy_units, cores_short, free_cores
from perf_pipeline.probes.track import csv_lines
from perf_pipeline.report.capacity_texts import answer_sentence
from perf_pipeline.report.scaling_texts import scaling_sentence
from perf_pipeline.report.wording import plural
from perf_pipeline.runs.searching import STOPPED, SearchUnderWay, is_generators_limit, searched
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.records import BenchmarkOutcome, BenchmarkStatus
from perf_pipeline.store.spool_kinds import SCALING_FILE
from perf_pipeline.units import US_PER_S

_AGAIN_AFTER_S: Final = 1.0
_BEYOND_GENERATOR: Final = "the load generator was the limit at fewer units already"
_BEYOND_STOP: Final = f"not tried, because {STOPPED}"
_BEYOND_TARGET: Final = "the target was gone, or did not recover, at fewer units already"


@dataclass(slots=True)
class _ScalingUnderWay:
    """Keep the state of a scaling run under way.

    Attributes:
        session: the run.
        benchmark: the benchmark that asks for the scaling run.
        folder: the folder of the benchmark in the spool.
        windows: the windows of all searches so far.
        points: a row for each number of units so far.
        limits: the reasons why its answer is INVALID, one sentence each.
        is_gone: True if a search ended early because of the target.
    """

    session: Session
    benchmark: str
    folder: Path
    windows: list[CapacityWindow] = field(default_factory=list)
    points: list[ScalingPoint] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    is_gone: bool = False

    @property
    def config(self) -> BenchmarkConfig:
        """Return the benchmark's part of the profile."""
        return self.session.profile.benchmarks[self.benchmark]

    @property
    def search(self) -> CapacitySearch:
        """Return what is searched at each number of units."""
        assert self.config.capacity is not None
        return self.config.capacity

    @property
    def wanted(self) -> ScalingConfig:
        """Return which numbers of units are tried, and how they are set."""
        assert self.config.scaling is not None
        return self.config.scaling

    @property
    def status(self) -> BenchmarkStatus:
        """Say how it went."""
        if self.session.stop.is_set():
            return "stopped"
        return "aborted" if self.is_gone else "complete"


def find_scaling(session: Session, benchmark: str) -> BenchmarkOutcome:
    """Search for the capacity at each number of units that a profile names; leave all in the spool.

    The usual number of units is set again at the end, however the run ends. If that fails, the
    answer is INVALID, because the target is no longer the system that it was.
    """
    began_at, origin_ns = session.now(), time.monotonic_ns()
    scaling = _ScalingUnderWay(session, benchmark, fresh_folder(session, benchmark))
    problems = calibrated(session, scaling.folder, origin_ns, "before")
    status: BenchmarkStatus = "aborted"
    try:
        with UnitSetter(session, benchmark, scaling.wanted) as setter:
            _searched_all(scaling, setter)
        scaling.limits += filter(None, [setter.problem])
        status = scaling.status
        problems += calibrated(session, scaling.folder, origin_ns, "after")
        problems += _told(scaling)
    finally:
        outcome = BenchmarkOutcome(
            benchmark=benchmark,
            status=status,
            began_at=began_at.isoformat(),
            wall_s=(time.monotonic_ns() - origin_ns) / 1e9,
            measured_s=math.fsum(window.length_s for window in scaling.windows),
            valid=not scaling.limits,
            invalid_reasons=tuple(map(KNOWN.mask, dict.fromkeys(scaling.limits))),
            load_hash=session.profile.load_hash(benchmark),
            problems=tuple(map(KNOWN.mask, problems)),
        )
        write_down(scaling.folder, outcome)
    return outcome


def _searched_all(scaling: _ScalingUnderWay, setter: UnitSetter) -> None:
    """Search at each number of units, until something ends it; keep why the rest was not tried.

    Nothing is searched where the cores don't suffice for all of them: nobody could judge the rest.
    """
    if why := _searched_until(scaling, setter):
        _not_tried(scaling, why)


def _searched_until(scaling: _ScalingUnderWay, setter: UnitSetter) -> str:
    """Search at each number of units, until something ends it; return what, or nothing."""
    session, wanted = scaling.session, scaling.wanted
    cores = usable_cores()
    free = free_cores(session.profile, session.target, wanted, cores)
    busy = busy_units(session.profile, wanted)
    if short := cores_short(busy, free, session.profile.workers, cores):
        scaling.limits.append(short)
        return short
    hint: tuple[int, float] | None = None
    for units in wanted.units:
        trouble = setter.set(units)
        if session.stop.is_set():
            return _BEYOND_STOP
        if trouble:
            scaling.limits.append(trouble)
            return trouble
        answer = _searched_at(scaling, units, hint)
        if why := _ended_by(scaling):
            return why
        if answer.rate:
            hint = units, answer.rate
    return ""


def _ended_by(scaling: _ScalingUnderWay) -> str:
    """Say why no more units are tried after a search; empty where they are."""
    if scaling.session.stop.is_set():
        return _BEYOND_STOP
    if scaling.limits:
        return _BEYOND_GENERATOR
    return _BEYOND_TARGET if scaling.is_gone else ""


def _not_tried(scaling: _ScalingUnderWay, why: str) -> None:
    """Keep a point without a search for each number of units that is left."""
    for units in scaling.wanted.units[len(scaling.points) :]:
        _keep(scaling, units, cut_short(()), (), why, kind=NOT_TRIED)


def _searched_at(scaling: _ScalingUnderWay, units: int, hint: tuple[int, float] | None) -> Capacity:
    """Search at a number of units, from between the capacity before and what units could add."""
    search = scaling.search
    if hint is not None:
        rate = min(search.highest, hint[1] * math.sqrt(units / hint[0]))
        search = search.model_copy(update={"hint": rate})
    session = scaling.session
    profile = with_units(session.profile, scaling.wanted, units)
    searching = SearchUnderWay(
        replace(session, profile=profile),
        scaling.benchmark,
        scaling.folder,
        search,
        label=f"n{units}",
        before=tuple(scaling.windows),
    )
    answer = _answered(searching)
    scaling.windows += searching.windows
    told = answer_sentence(search.of, answer, searching.windows, ended=searching.ended)
    _keep(scaling, units, answer, searching.windows, told)
    if searching.is_generators or is_generators_limit(answer):
        scaling.limits.append(f"with {plural(units, 'unit')}: {told}")
    elif answer.kind is CapacityKind.UNFINISHED and not scaling.session.stop.is_set():
        scaling.is_gone = True
    return answer


def _answered(searching: SearchUnderWay) -> Capacity:
    """Search as soon as the target answers with its new number of units."""
    stop = searching.session.stop
    give_up_at = time.monotonic() + searching.wanted.recovery_us / US_PER_S
    while True:
        try:
            return searched(searching)
        except TargetUnavailableError as error:
            if time.monotonic() > give_up_at or stop.wait(_AGAIN_AFTER_S):
                searching.ended = in_one_sentence(error)
                return cut_short(())


def _keep(
    scaling: _ScalingUnderWay,
    units: int,
    answer: Capacity,
    windows: Sequence[CapacityWindow],
    told: str,
    *,
    kind: str = "",
) -> None:
    """Keep a point, and write all of them again: a file that is read is whole."""
    per_s = {
        CapacityKind.CAPACITY: answer.rate,
        CapacityKind.AT_LEAST: answer.rate,
        CapacityKind.NOTHING: 0.0,
    }.get(answer.kind)
    point = ScalingPoint(
        position=len(scaling.points) + 1,
        units=units,
        kind=kind or str(answer.kind),
        per_s=math.nan if per_s is None else per_s,
        low_per_s=(answer.low or 0.0) if per_s is not None else math.nan,
        high_per_s=math.nan if answer.high is None or per_s is None else answer.high,
        first_window=windows[0].number if windows else 0,
        last_window=windows[-1].number if windows else 0,
        told=KNOWN.mask(told),
    )
    scaling.points.append(point)
    rows = csv_lines([SCALING_POINT_COLUMNS, *map(astuple, scaling.points)])
    write_whole(scaling.folder / SCALING_FILE, rows)
    scaling.session.say(f"{scaling.benchmark}: with {plural(units, 'unit')}, {told}")


def _told(scaling: _ScalingUnderWay) -> list[str]:
    """Write the figures, print the answer, and return it as a problem where there is none."""
    answer = answer_of(scaling.config, scaling.points)
    sentence = scaling_sentence(scaling.search.of, answer, scaling.points, scaling.windows)
    if scaling.session.stop.is_set() and STOPPED not in sentence:
        sentence = f"{sentence} It ended early, because {STOPPED}."
    figures = scaling_figures(answer, scaling.wanted.units)
    write_figures(scaling.folder / "figures.csv", [Figure(*figure) for figure in figures])
    scaling.session.say(sentence)
    kinds = {point.kind for point in scaling.points}
    is_whole = kinds <= {CapacityKind.CAPACITY} and len(scaling.points) == len(scaling.wanted.units)
    is_told = kinds <= {NOT_TRIED} and bool(scaling.limits)
    return [] if is_whole or is_told else [sentence]
