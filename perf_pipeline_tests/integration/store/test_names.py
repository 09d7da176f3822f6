"""Very many names of operations: stored in seconds."""

import json
import random
import shutil
from pathlib import Path
from time import process_time

import pytest

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline_tests.support.histories.new_history import history_at
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
    recorder, rng = SpoolRecorder(run / "api", "1", 0, ("create",), print), random.Random(1)
    for n in range(samples):
        iteration = Iteration("create", "http", 1, n, n * 1_000, Phase.MEASURED, rng)
        recorder.sample(
            iteration, f"op {n % names}", n * 1_000, n * 1_000 + 2_000, Outcome.OK, status=200
        )
        recorder.iteration(iteration, n * 1_000, n * 1_000 + 2_000, Outcome.OK)
    recorder.close()
    return run


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run with 1,102 names in 2,103 samples: the first 1,001 have two, the others one."""
    return _spool(tmp_path_factory.mktemp("many") / "spool", names=1_102, samples=2_103)


def test_five_hundred_names_are_stored_and_summarised_in_seconds(tmp_path: Path) -> None:
    run = _spool(tmp_path / "spool", names=500, samples=10_000)

    with history_at(tmp_path / "history.duckdb") as history:
        began = process_time()
        history.ingest(run, KEY.benchmark)
        summaries = history.summarise(KEY)
        # 0.5 s on two quiet cores; it was 50 s
        assert process_time() - began < 10

    named = [
        summary
        for summary in summaries
        if summary.metric == "http_reqs" and "operation" in summary.tags
    ]
    # 10,000 samples, one after the other: 20 of each name
    assert [summary.count for summary in named] == [20.0] * 500


def test_beyond_a_thousand_names_the_rarest_count_together_and_it_is_told(
    many: Path, tmp_path: Path
) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        (told,) = history.ingest(many, KEY.benchmark).notices
        summaries = history.summarise(KEY)
        (outcome,) = history.outcomes(KEY.run_id)

    # 999 names stay, with two samples each; 103 have the other 2,103 - 1,998
    assert told.startswith(
        "1,102 names of operations are more than the 1,000 that are told apart: the 103 rarest, "
        "105 samples, count as '(other operations)'"
    )
    assert outcome.problems == (told,)
    named = {
        summary.tags["operation"]: summary.count
        for summary in summaries
        if summary.metric == "http_reqs" and "operation" in summary.tags
    }
    assert len(named) == 1_000
    assert named.pop(_OTHER) == 105
    assert set(named.values()) == {2}


def test_a_name_that_a_threshold_asks_for_is_never_folded(many: Path, tmp_path: Path) -> None:
    profile = {"benchmarks": {"api": {"thresholds": {"http_reqs{operation:op 1101}": ["count>0"]}}}}
    run = Path(shutil.copytree(many, tmp_path / many.name))
    path = run / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "profile_json": json.dumps(profile)}), encoding="utf-8")

    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(run, KEY.benchmark)

        assert observe(history, "http_reqs{operation:op 1101}", "count>0") == 1
        assert observe(history, "http_reqs{operation:op 1100}", "count>0") is None
        assert observe(history, "http_reqs", "count>0") == 2_103


def test_checks_of_folded_operations_keep_their_names(tmp_path: Path) -> None:
    many = [sample(operation=f"op {n}", checks_passed=1) for n in range(1_200)]
    checks: dict[str, tuple[str, ...]] = {f"op {n}": ("status is 201",) for n in range(1_200)}
    run = Spool(samples=many, outcome=complete(checks=checks)).write(tmp_path / "spool")

    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(run, KEY.benchmark)
        found = {check.operation: check for check in history.checks(KEY.run_id)}

    assert len(found) == 1_000
    assert (found[_OTHER].check, found[_OTHER].passes) == ("status is 201", 201)
