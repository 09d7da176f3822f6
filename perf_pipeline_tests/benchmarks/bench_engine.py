"""Figures of the engine: `python -m perf_pipeline_tests.benchmarks.bench_engine [workers]`.

Prints the schedule lag at 1,000 starts/s (real worker processes) of iterations that wait for 1 ms,
and of ones that compute instead, so that the worker is near its limit of 80 % of a core; and the
cost of recording one sample. Medians of three runs. Run it on a quiet machine, by hand.
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
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, samples, scenario

RUNS = 3
SAMPLES = 200_000
COMPUTING_US = (0, 500, 650)
RATE = {
    "executor": "constant-arrival-rate",
    "rate": 1_000,
    "duration": "10s",
    "preAllocatedVUs": 100,
}


def schedule_lags_us(workers: int, computing_us: int) -> tuple[float, float, float]:
    """Give p50 and p99 of started - intended, and the worst worker's CPU in % of a core."""
    with tempfile.TemporaryDirectory() as folder:
        workload = "Hog" if computing_us else "Sleeper"
        each_ms = computing_us / 1_000 or 1
        one = scenario(workload, RATE, warm_up_us=1_000_000, service_ms=each_ms)
        job = job_of(Path(folder), one, workers=workers)
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
    print(f"1,000 starts/s, {workers} worker(s), {RUNS} runs of 9 s in turns, medians")
    runs = [
        [schedule_lags_us(workers, computing) for computing in COMPUTING_US] for _ in range(RUNS)
    ]
    for computing, found in zip(COMPUTING_US, zip(*runs, strict=True), strict=True):
        p50_us, p99_us, cpu_percent = map(statistics.median, zip(*found, strict=True))
        print(
            f"computing {computing} us: schedule lag p50 {p50_us:.0f} us, p99 {p99_us:.0f} us, "
            f"{cpu_percent:.0f} % of a core"
        )
    cost_us = statistics.median(recording_us() for _ in range(RUNS))
    print(f"recording         {cost_us:8.2f} us a sample")


if __name__ == "__main__":
    main()
