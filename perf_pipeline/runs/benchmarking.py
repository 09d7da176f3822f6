"""Take one benchmark from load to verdicts: measure, ingest, judge.

Add here: a step between a load and its verdicts. Keep out: the order of benchmarks.
"""

from dataclasses import dataclass

from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.benchmark_reports import report_of_benchmark
from perf_pipeline.judging.ingest import ingest_benchmark
from perf_pipeline.judging.judge import judge_benchmark
from perf_pipeline.loading.session import Session
from perf_pipeline.report.model import BenchmarkReport
from perf_pipeline.runs.measuring import measured
from perf_pipeline.store.records import Ingested, RunKey
from perf_pipeline.store.state import State


@dataclass(frozen=True, slots=True)
class JudgedBenchmark:
    """Hold the result of one benchmark.

    Attributes:
        run_id: the id of the run.
        ingested: the numbers of rows that are now in the history.
        report: what reports show about the benchmark.
    """

    run_id: str
    ingested: Ingested
    report: BenchmarkReport


def run_benchmark(session: Session, benchmark: str) -> JudgedBenchmark:
    """Load, store and judge one benchmark.

    A benchmark that can't begin, because the target lacks something that it needs, has no data.

    Raises:
        StoreBusyError: the history is open elsewhere; the samples are safe in the spool.
    """
    measured(session, benchmark)
    key = RunKey(session.run_id, benchmark)
    ingested, _ = ingest_benchmark(session.state, key, profile=session.profile)
    judge_stored(session.state, key, session.profile)
    report = report_of_benchmark(session.state, session.run_id, benchmark)
    return JudgedBenchmark(session.run_id, ingested, report)


def judge_stored(state: State, key: RunKey, profile: Profile) -> None:
    """Judge one ingested benchmark by its stored outcome, since its spool may be damaged.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        [stored] = [
            known for known in history.outcomes(key.run_id) if known.benchmark == key.benchmark
        ]
        judge_benchmark(history, key.run_id, profile, stored)
