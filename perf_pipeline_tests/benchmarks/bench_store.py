"""Measure how fast the history takes in a million samples and summarises them.

Run with: python perf_pipeline_tests/benchmarks/bench_store.py [samples] [rounds]

Add here: another figure of store/ that docs quote. Keep out: assertions (tests have them).
"""

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import HttpPhases, Outcome, Phase
from perf_pipeline.metrics.spool_rows import SAMPLE_ROWS
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.history import open_history
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, RunRecord, ScenarioCounts

_IN_FLIGHT = 200_000
_OPERATIONS = {"create": "create_user", "read": "get_user", "delete": "delete_user"}


def write_samples(folder: Path, samples: int) -> None:
    """Write two workers' sample files: three scenarios, service times log-normal, 1 ms apart."""
    rng = random.Random(1)
    for worker in range(2):
        write_worker(folder, worker, list(_OPERATIONS.items()), samples // 2, rng)


def write_worker(
    folder: Path,
    worker: int,
    operations: Sequence[tuple[str, str]],
    samples: int,
    rng: random.Random,
) -> None:
    """Write a worker's file: one request each ms, service times log-normal, operations in turns.

    Args:
        folder: of the benchmark.
        worker: its number.
        operations: each with its scenario before it.
        samples: how many.
        rng: what times are drawn from.
    """
    scenarios = tuple(dict.fromkeys(scenario for scenario, _ in operations))
    recorder = SpoolRecorder(folder, "1", worker, scenarios, print)
    file = folder / f"samples-1-{worker}.npy"
    for n in range(samples):
        if n % _IN_FLIGHT == 0:
            _wait_for_disk(file, n - _IN_FLIGHT)
        scenario, operation = operations[n % len(operations)]
        started_us = n * 1000 + rng.randrange(500)
        ended_us = started_us + int(rng.lognormvariate(8, 0.5))
        recorder.sample(
            Iteration(scenario, "http", n % 50, n // 50, n * 1000, Phase.MEASURED, rng),
            operation,
            started_us,
            ended_us,
            Outcome.OK,
            status=201,
            bytes_out=350,
            bytes_in=200,
            checks_passed=15,
            phases=HttpPhases(0, 0, 0, 5, ended_us - started_us - 15, 10),
        )
    recorder.close()


def _wait_for_disk(file: Path, rows: int) -> None:
    """Wait until a file has so many rows: no target answers as fast as this loop writes."""
    while rows > 0 and file.stat().st_size < rows * SAMPLE_ROWS.packing.size:
        sleep(0.01)


def write_spool(run: Path, samples: int) -> None:
    """Write a run of one benchmark: its samples, its outcome and what is known of the run."""
    folder = run / "api"
    folder.mkdir(parents=True)
    write_samples(folder, samples)
    span_us = samples // 2 * 1000
    scenarios = [
        ScenarioCounts(name, samples // 3, 0, 0, samples // 3, 0, span_us) for name in _OPERATIONS
    ]
    checks = {operation: ["status", "id", "fast", "email"] for operation in _OPERATIONS.values()}
    outcome = BenchmarkOutcome(
        "api",
        "complete",
        "2026-01-01T00:00:00Z",
        1.0,
        span_us / 1e6,
        scenarios=scenarios,
        checks=checks,
    )
    (folder / "outcome.json").write_text(outcome.to_json(), encoding="utf-8")
    record = RunRecord(
        "r1", "full", "", "c", 1, "local", "cli", "0", "2026-01-01T00:00:00Z", {"cpu": "x"}
    )
    (run / "run.json").write_text(record.to_json(), encoding="utf-8")


def main() -> None:
    """Print the medians over all rounds, each with a fresh history."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    times: dict[str, list[float]] = {"ingest": [], "summarise": [], "observe p(95)": []}
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "spool" / "r1"
        write_spool(run, samples)
        for number in range(rounds):
            path = Path(scratch) / f"{number}.duckdb"
            began = perf_counter()
            with open_history(path) as history:
                history.ingest(run, "api")
            times["ingest"].append(perf_counter() - began)
            with open_history(path) as history:
                began = perf_counter()
                history.summarise(RunKey("r1", "api"))
                times["summarise"].append(perf_counter() - began)
                began = perf_counter()
                history.observe(
                    RunKey("r1", "api"),
                    parse_threshold("http_req_duration{scenario:read}", "p(95)<1"),
                )
                times["observe p(95)"].append(perf_counter() - began)
    times["end of run"] = [sum(parts) for parts in zip(*times.values(), strict=True)]
    for name, seconds in times.items():
        print(f"{name:14} {median(seconds):6.2f} s  {samples / median(seconds):12,.0f} samples/s")


if __name__ == "__main__":
    main()
