"""Search for the highest rate that a benchmark carries, and keep the answer.

This module keeps the windows' rows, and the figures of a confirmed capacity; the answer follows
from these.

Add here: something else that is kept of a search. Keep out: steps between its windows
(searching.py), and several searches (scaling.py).
"""

import math
import time

from perf_pipeline.analysis.capacity.search import Capacity, CapacityKind
from perf_pipeline.judging.capacities import cut_short
from perf_pipeline.loading.benchmark_folder import fresh_folder, write_down
from perf_pipeline.loading.calibrating import calibrated
from perf_pipeline.loading.figures import write_figures
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.catalog import CAPACITY_PER_S
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.plan.capacity import target_per_s
from perf_pipeline.report.capacity_texts import answer_sentence
from perf_pipeline.runs.searching import SearchUnderWay, is_generators_limit, searched
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.records import BenchmarkOutcome, BenchmarkStatus
from perf_pipeline.units import SECONDS_PER_DAY


def find_capacity(session: Session, benchmark: str) -> BenchmarkOutcome:
    """Search for the capacity of the benchmark that a profile names; leave everything in the spool.

    Raises:
        TargetUnavailableError: a part of the target is missing before the first window.
    """
    wanted = session.profile.benchmarks[benchmark].capacity
    assert wanted is not None, benchmark
    began_at, origin_ns = session.now(), time.monotonic_ns()
    folder = fresh_folder(session, benchmark)
    searching = SearchUnderWay(session, benchmark, folder, wanted)
    problems = calibrated(session, folder, origin_ns, "before")
    answer = cut_short(())
    status: BenchmarkStatus = "aborted"
    try:
        answer = searched(searching)
        status = _status(searching, answer)
        problems += calibrated(session, folder, origin_ns, "after")
        told = _told(searching, answer)
        session.say(told)
        if answer.kind is not CapacityKind.CAPACITY:
            problems.append(told)
        write_figures(folder / "figures.csv", _figures(searching, answer))
    finally:
        limits = _limits(searching, answer)
        outcome = BenchmarkOutcome(
            benchmark=benchmark,
            status=status,
            began_at=began_at.isoformat(),
            wall_s=(time.monotonic_ns() - origin_ns) / 1e9,
            measured_s=math.fsum(window.length_s for window in searching.windows),
            valid=not limits,
            invalid_reasons=tuple(map(KNOWN.mask, limits)),
            load_hash=session.profile.load_hash(benchmark),
            problems=tuple(map(KNOWN.mask, problems)),
        )
        write_down(folder, outcome)
    return outcome


def _status(searching: SearchUnderWay, answer: Capacity) -> BenchmarkStatus:
    if searching.session.stop.is_set():
        return "stopped"
    is_targets = answer.kind is CapacityKind.UNFINISHED and not searching.is_generators
    return "aborted" if is_targets else "complete"


def _told(searching: SearchUnderWay, answer: Capacity) -> str:
    return answer_sentence(
        searching.wanted.of,
        answer,
        searching.windows,
        target_per_s=target_per_s(searching.profile, searching.wanted),
        ended=searching.ended,
    )


def _figures(searching: SearchUnderWay, answer: Capacity) -> list[Figure]:
    """Return the figures of a confirmed capacity, 0 if no rate holds, or else none at all."""
    if answer.kind is CapacityKind.NOTHING:
        return [Figure(CAPACITY_PER_S, 0.0), Figure("capacity_per_day", 0.0)]
    if answer.kind is not CapacityKind.CAPACITY or answer.rate is None:
        return []
    figures = [
        Figure(CAPACITY_PER_S, answer.rate),
        Figure("capacity_per_day", answer.rate * SECONDS_PER_DAY),
    ]
    target = target_per_s(searching.profile, searching.wanted)
    if target is not None:
        figures.append(Figure("capacity_headroom_ratio", answer.rate / target))
    return figures


def _limits(searching: SearchUnderWay, answer: Capacity) -> list[str]:
    """Say why the load generator was the limit, if it was."""
    if searching.is_generators:
        return [searching.ended]
    return [_told(searching, answer)] if is_generators_limit(answer) else []
