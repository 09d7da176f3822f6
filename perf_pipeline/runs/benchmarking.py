"""One benchmark from load to verdicts: measure, ingest, judge.

Add here: a step between a load and its verdicts. Keep out: the order of benchmarks.
"""

from dataclasses import dataclass

from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.ingest import ingest_benchmark
from perf_pipeline.judging.judge import judge_benchmark
from perf_pipeline.loading.attempt import measure_if_possible
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.store.records import BenchmarkOutcome, Ingested, RunKey
from perf_pipeline.store.state import State


@dataclass(frozen=True, slots=True)
class JudgedBenchmark:
    """Hold what one benchmark gave.

    Attributes:
        run_id: of the run.
        outcome: how it went.
        ingested: how many rows are in the history now.
        summaries: of every metric with data.
        verdicts: of its thresholds.
    """

    run_id: str
    outcome: BenchmarkOutcome
    ingested: Ingested
    summaries: tuple[Summary, ...]
    verdicts: tuple[Verdict, ...]


def run_benchmark(session: Session, benchmark: str) -> JudgedBenchmark:
    """Load, store and judge one benchmark.

    One that can't begin, because the target has not what it needs, is without data.

    Raises:
        StoreBusyError: the history is open elsewhere; the samples are safe in the spool.
    """
    outcome = measure_if_possible(session, benchmark)
    key = RunKey(session.run_id, benchmark)
    ingested, summaries = ingest_benchmark(session.state, key, profile=session.profile)
    verdicts = judge_stored(session.state, session.run_id, outcome, session.profile)
    return JudgedBenchmark(session.run_id, outcome, ingested, tuple(summaries), tuple(verdicts))


def judge_stored(
    state: State, run_id: str, outcome: BenchmarkOutcome, profile: Profile
) -> list[Verdict]:
    """Judge one ingested benchmark, by the outcome that was stored: its spool may be damaged.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        stored = [
            known for known in history.outcomes(run_id) if known.benchmark == outcome.benchmark
        ]
        return judge_benchmark(history, run_id, profile, *stored)
