"""Load one window and judge it: every search and comparison of loads is made of these.

A window is a small run of its own, with the preparation, the probes and the judgement of any run.
Its rows are judged in memory and its files go afterwards: `JudgedWindow` is what is kept.

Add here: a fact about a window that somebody judges or shows. Keep out: which windows are loaded,
and what follows from them (capacity.py).
"""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.analysis.bottleneck import Facts, checklist
from perf_pipeline.analysis.capacity.growth import slope_of
from perf_pipeline.analysis.capacity.verdict import Piling
from perf_pipeline.analysis.finding import FindingStatus
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.judge import judge_benchmark
from perf_pipeline.loading.measure import measure
from perf_pipeline.loading.prepare import write_run
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.catalog import TARGET_ANSWERED
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.report.wording import quantity
from perf_pipeline.store.history import History, memory_history
from perf_pipeline.store.piling_up import Points, in_flight, lags, undelivered
from perf_pipeline.store.records import BenchmarkOutcome, RunKey
from perf_pipeline.store.state import State

_PLACE: Final = "windows"
_IN_FLIGHT: Final = "operations in flight"


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """Hold a window that was loaded and judged.

    Attributes:
        outcome: how its load went: complete or not, valid or not, starts that were dropped.
        verdicts: the verdicts of all thresholds of its benchmark.
        achieved_per_s: iterations that ran to their end, per second of what is measured.
        p95_ms: p95 of the response time; None where nothing was measured.
        failed_ratio: the share of operations that failed; None where nothing was measured.
        piling: queues that were watched, with how fast they grew.
        waiting: messages that waited at its end: promised ones, and those behind all groups.
        cpu_percent: average CPU use by part (`host` is the machine, where 100 is all of it).
        found: what the checklist of bottlenecks finds, one sentence each.
    """

    outcome: BenchmarkOutcome
    verdicts: tuple[Verdict, ...]
    achieved_per_s: float
    p95_ms: float | None
    failed_ratio: float | None
    piling: tuple[Piling, ...]
    waiting: float
    cpu_percent: dict[str, float]
    found: tuple[str, ...]

    @property
    def started(self) -> int:
        """Return how many iterations ran."""
        return sum(scenario.iterations for scenario in self.outcome.scenarios)

    @property
    def dropped(self) -> int:
        """Return how many planned starts found no free VU."""
        return sum(scenario.dropped_iterations or 0 for scenario in self.outcome.scenarios)


def load_window(session: Session, within: str, label: str, profile: Profile) -> JudgedWindow:
    """Load a window, judge it as any run is judged, and return what it showed.

    Args:
        session: the run that it belongs to.
        within: the benchmark of that run that needs it; its folder holds the window's files.
        label: tells windows of one benchmark apart, so that no two share a message's id.
        profile: with one benchmark, at the window's rate.

    Raises:
        TargetUnavailableError: a part that its load needs is absent.
        GeneratorLimitError: this machine can't ask, or can't write what was measured.
    """
    [benchmark] = profile.benchmarks
    state = State(session.folder / within / _PLACE)
    window = replace(
        session,
        run_id=f"{session.run_id}-{label}",
        profile=profile,
        state=state,
        began_at=session.now(),
        began_ns=time.monotonic_ns(),
        planned=(benchmark,),
    )
    try:
        write_run(window)
        outcome = measure(window, benchmark)
        return _judged(window, benchmark, outcome)
    finally:
        shutil.rmtree(state.folder, ignore_errors=True)


def _judged(window: Session, benchmark: str, outcome: BenchmarkOutcome) -> JudgedWindow:
    key = RunKey(window.run_id, benchmark)
    with memory_history(has_view=False) as history:
        history.ingest(window.folder, benchmark)
        thresholds = window.profile.benchmarks[benchmark].all_thresholds()
        summaries = history.summarise(key, thresholds)
        verdicts = judge_benchmark(history, window.run_id, window.profile, outcome)
        measured_s = outcome.measured_s
        done = sum(scenario.iterations for scenario in outcome.scenarios)
        queues = _queues(history, key, outcome)
        answered = _whole(summaries, TARGET_ANSWERED)
        latency = _whole(summaries, "response_time")
        return JudgedWindow(
            outcome=outcome,
            verdicts=tuple(verdicts),
            achieved_per_s=done / measured_s if measured_s else 0.0,
            p95_ms=None if latency is None else latency.p95,
            failed_ratio=None if answered is None or answered.rate is None else 1 - answered.rate,
            piling=tuple(_piling(queues)),
            waiting=sum(points[-1][1] for what, points in queues.items() if what != _IN_FLIGHT),
            cpu_percent=_cpu(summaries),
            found=tuple(_found(window, benchmark, summaries)),
        )


def _whole(summaries: Sequence[Summary], metric: str) -> Summary | None:
    return next((its for its in summaries if its.metric == metric and not its.tags), None)


def _queues(history: History, key: RunKey, outcome: BenchmarkOutcome) -> dict[str, Points]:
    """Return what was watched for growth, by name; what has no reading is left out."""
    if not outcome.scenarios:
        return {}
    from_us = max(scenario.measured_from_us for scenario in outcome.scenarios)
    until_us = min(scenario.measured_until_us for scenario in outcome.scenarios)
    connection = history.connection
    watched = {
        _IN_FLIGHT: in_flight(connection, key, from_us, until_us),
        "messages promised and not completed": undelivered(connection, key, from_us, until_us),
    }
    for group, points in lags(connection, key, from_us, until_us).items():
        watched[f"messages behind group {group}"] = points
    return {what: points for what, points in watched.items() if points}


def _piling(queues: Mapping[str, Points]) -> Iterator[Piling]:
    for what, points in queues.items():
        if (slope := slope_of(points)) is not None:
            yield Piling(what, slope)


def _cpu(summaries: Sequence[Summary]) -> dict[str, float]:
    found: dict[str, float] = {}
    for summary in summaries:
        if summary.metric == "host_cpu_percent" and summary.average is not None:
            found["host"] = summary.average
        elif summary.metric == "process_cpu_percent" and summary.average is not None:
            found[summary.tags.get("source", "")] = summary.average
    found.pop("", None)  # of all parts together
    return found


def _found(window: Session, benchmark: str, summaries: Sequence[Summary]) -> Iterator[str]:
    """Say what is above its bound in the checklist of bottlenecks."""
    facts = Facts(
        cores=int(window.environment.get("cores", "1")),
        worker_processes=window.profile.worker_processes,
    )
    for _, finding in checklist({benchmark: summaries}, facts):
        if finding.status is FindingStatus.FOUND and finding.observed is not None:
            observed = quantity(finding.observed, finding.unit)
            yield f"{finding.rule} ({finding.statistic} {observed})"
