"""Figures of the engine: `python -m perf_pipeline_tests.benchmarks.bench_engine [workers]`.

Prints the schedule lag at 1,000 starts/s (real worker processes, iterations of 1 ms) and the cost
of recording one sample; medians of three runs. Run it on a quiet machine, by hand.
"""

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline_tests.integration.engine_loads import job_of, load, samples, scenario

RUNS = 3
SAMPLES = 200_000
RATE = {
    "executor": "constant-arrival-rate",
    "rate": 1_000,
    "duration": "10s",
    "preAllocatedVUs": 100,
}


def schedule_lags_us(workers: int) -> tuple[float, float, float]:
    """Give p50 and p99 of started - intended, and the worst worker's CPU in % of a core."""
    with tempfile.TemporaryDirectory() as folder:
        job = job_of(Path(folder), scenario("Sleeper", RATE, warm_up_us=1_000_000), workers=workers)
        outcome = load(job)
        lags = sorted(
            int(row["started_us"]) - int(row["intended_us"])
            for row in samples(Path(folder))
            if row["phase"] == Phase.MEASURED
        )
    cpu_percent = 100 * outcome.health.figures["cpu_ratio"]
    return lags[len(lags) // 2], lags[int(len(lags) * 0.99)], cpu_percent


def recording_us() -> float:
    """Give the cost of one `Recorder.sample`, its share of the writing included."""
    iteration = Iteration("create", "http", 17, 3, 1, Phase.MEASURED, random.Random(1))
    with tempfile.TemporaryDirectory() as folder:
        recorder = SpoolRecorder(Path(folder), "bench", 0, ("create",), print)
        began_s = time.perf_counter()
        for at_us in range(SAMPLES):
            recorder.sample(
                iteration, "create_user", at_us, at_us + 9, Outcome.OK, status=201, checks_passed=15
            )
        recorder.close()
        return (time.perf_counter() - began_s) / SAMPLES * 1e6


def main() -> None:
    """Print the table."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    runs = [schedule_lags_us(workers) for _ in range(RUNS)]
    p50_us, p99_us, cpu_percent = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"1,000 starts/s, {workers} worker(s), {RUNS} runs of 9 s, medians")
    print(f"schedule lag p50  {p50_us:8.0f} us")
    print(f"schedule lag p99  {p99_us:8.0f} us")
    print(f"CPU of a worker   {cpu_percent:8.1f} % of a core")
    cost_us = statistics.median(recording_us() for _ in range(RUNS))
    print(f"recording         {cost_us:8.2f} us a sample")


if __name__ == "__main__":
    main()
