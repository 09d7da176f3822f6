"""Very many names of operations: stored in seconds."""

import json
import random
from pathlib import Path
from time import process_time

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.store.history import open_history
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    Spool,
    complete,
    counts,
    observe,
    sample,
)

_OTHER = "(other operations)"


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

    named = [
        summary
        for summary in summaries
        if summary.metric == "http_reqs" and "operation" in summary.tags
    ]
    # 20,000 samples, one after the other: 40 of each name
    assert [summary.count for summary in named] == [40.0] * 500


def test_beyond_a_thousand_names_the_rarest_count_together_and_it_is_told(tmp_path: Path) -> None:
    # name n mod 2,002 of 3,003 samples: the first 1,001 names have two, the others one
    run = _spool(tmp_path / "spool", names=2_002, samples=3_003)

    with open_history(tmp_path / "history.duckdb") as history:
        (told,) = history.ingest(run, KEY.benchmark).notices
        summaries = history.summarise(KEY)
        (outcome,) = history.outcomes(KEY.run_id)

    # 999 names stay, with two samples each; 1,003 have the other 3,003 - 1,998
    assert told.startswith(
        "2,002 names of operations are more than the 1,000 that are told apart: the 1,003 rarest, "
        "1,005 samples, count as '(other operations)'"
    )
    assert outcome.problems == (told,)
    named = {
        summary.tags["operation"]: summary.count
        for summary in summaries
        if summary.metric == "http_reqs" and "operation" in summary.tags
    }
    assert len(named) == 1_000
    assert named.pop(_OTHER) == 1_005
    assert set(named.values()) == {2}


def test_a_name_that_a_threshold_asks_for_is_never_folded(tmp_path: Path) -> None:
    profile = {"benchmarks": {"api": {"thresholds": {"http_reqs{operation:op 2001}": ["count>0"]}}}}
    run = _spool(tmp_path / "spool", names=2_002, samples=3_003)
    path = run / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "profile_json": json.dumps(profile)}), encoding="utf-8")

    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(run, KEY.benchmark)

        assert observe(history, "http_reqs{operation:op 2001}", "count>0") == 1
        assert observe(history, "http_reqs{operation:op 2000}", "count>0") is None
        assert observe(history, "http_reqs", "count>0") == 3_003


def test_checks_of_folded_operations_keep_their_names(tmp_path: Path) -> None:
    many = [sample(operation=f"op {n}", checks_passed=1) for n in range(1_200)]
    checks: dict[str, tuple[str, ...]] = {f"op {n}": ("status is 201",) for n in range(1_200)}
    run = Spool(samples=many, outcome=complete(checks=checks)).write(tmp_path / "spool")

    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(run, KEY.benchmark)
        found = {check.operation: check for check in history.checks(KEY.run_id)}

    assert len(found) == 1_000
    assert (found[_OTHER].check, found[_OTHER].passes) == ("status is 201", 201)
