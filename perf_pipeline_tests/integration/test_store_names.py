"""Very many names of operations: stored in seconds."""

import random
from pathlib import Path
from time import process_time

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.store.history import open_history
from perf_pipeline_tests.unit.store.spool import KEY, Spool, complete, counts


def _spool(folder: Path, names: int, samples: int) -> Path:
    """Write a run whose sample n, of 2 ms, is of operation `op (n mod names)`."""
    run = Spool(outcome=complete(counts(iterations=samples))).write(folder)
    recorder = SpoolRecorder(run / "api", "1", 0, ("create",), print)
    for n in range(samples):
        iteration = Iteration("create", "http", 1, n, n * 1_000, Phase.MEASURED, random.Random(1))
        recorder.sample(
            iteration, f"op {n % names}", n * 1_000, n * 1_000 + 2_000, Outcome.OK, status=200
        )
        recorder.iteration(iteration, n * 1_000, n * 1_000 + 2_000, Outcome.OK)
    recorder.close()
    return run


def test_five_hundred_names_are_stored_and_summarised_in_seconds(tmp_path: Path) -> None:
    run = _spool(tmp_path / "spool", names=500, samples=20_000)

    with open_history(tmp_path / "history.duckdb") as history:
        began = process_time()
        history.ingest(run, KEY.benchmark)
        summaries = history.summarise(KEY)
        # 1 s on two quiet cores; it was 100 s
        assert process_time() - began < 15

    named = [one for one in summaries if one.metric == "http_reqs" and "operation" in one.tags]
    # 20,000 samples, one after the other: 40 of each name
    assert [one.count for one in named] == [40.0] * 500
