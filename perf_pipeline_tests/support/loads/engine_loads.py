"""Start loads of real worker processes on the workloads of engine_workloads.py."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.engine.job import JSON, LoadJob, LoadOutcome, ScenarioJob
from perf_pipeline.engine.processes import run_load
from perf_pipeline.engine.progress import Progress
from perf_pipeline.engine.worker_start import StartWorker, start_interpreter
from perf_pipeline_tests.support.histories.spooled_rows import all_rows

SECRET = "pa55word"
_WORKLOADS = "perf_pipeline_tests.support.loads.engine_workloads"


def scenario(
    workload: str,
    executor: Mapping[str, Any],
    *,
    name: str = "s",
    warm_up_us: int = 0,
    **parameters: JSON,
) -> ScenarioJob:
    """Give a scenario, its executor written as in k6."""
    return ScenarioJob(
        name,
        read_executor(executor),
        f"{_WORKLOADS}:{workload}",
        parameters,
        warm_up_us,
    )


def job_of(folder: Path, *scenarios: ScenarioJob, workers: int = 2) -> LoadJob:
    """Give a job of one step."""
    return LoadJob("run", "bench", "main", folder, 7, workers, scenarios)


def load(
    job: LoadJob,
    *,
    stop: threading.Event | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    start: StartWorker = start_interpreter,
    before_start: Callable[[], None] = lambda: None,
    origin_ns: int | None = None,
    apart: bool = False,
) -> LoadOutcome:
    """Run a job to its end."""
    return run_load(
        job,
        secrets={"dsn": f"postgresql://me:{SECRET}@127.0.0.1/x"},
        origin_ns=time.monotonic_ns() if origin_ns is None else origin_ns,
        stop=stop or threading.Event(),
        on_progress=on_progress,
        start=start,
        before_start=before_start,
        apart=apart,
    )


def samples(folder: Path) -> list[dict[str, str]]:
    """Read all whole rows of all workers' samples; a kill -9 may leave a torn one."""
    return all_rows(folder, "samples")
