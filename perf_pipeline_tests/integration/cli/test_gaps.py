"""What a run did not measure whole is told wherever it is compared or becomes a baseline."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.half_runs import A, B, HalfRun
from perf_pipeline_tests.support.histories.made_before import stored_once

NOT_RUN = f"{B} of run r1 is missing: the benchmark did not run"


def call(state: Path, *arguments: str) -> str:
    """Call the command line; give what it printed."""
    result = CliRunner().invoke(main, ["--state", str(state), *arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def half_run(state: Path) -> None:
    """Leave a run of two benchmarks that did only the first."""

    def store(_: int) -> None:
        HalfRun(state).begin().measure(A)
        recover_run(State(state), "r1")

    stored_once(state, (f"run r1 did {A} alone",), store)


def test_a_comparison_names_the_benchmark_that_did_not_run(tmp_path: Path) -> None:
    half_run(tmp_path)

    assert f"NOTICE {NOT_RUN}" in call(tmp_path, "compare", "r1")


def test_two_runs_are_compared_with_what_is_missing_in_either(tmp_path: Path) -> None:
    half_run(tmp_path)
    HalfRun(tmp_path, "r2").begin().measure(A, valid=False).measure(B)
    recover_run(State(tmp_path), "r2")

    said = call(tmp_path, "compare", "r1", "r2")

    assert NOT_RUN in said
    assert f"only run r2 has {B}" in said
    assert f"{A} of run r2 was not measured completely: invalid; worker 0 stood still" in said


def test_what_waits_in_the_spool_is_told_with_the_command_that_stores_it(tmp_path: Path) -> None:
    half_run(tmp_path)
    HalfRun(tmp_path).measure(B)

    where = "its measurements are in the spool, but not yet in the history"

    said = call(tmp_path, "compare", "r1")

    assert f"{B} of run r1 is missing: {where}: `perf-pipeline ingest r1` stores it" in said


@pytest.mark.parametrize(
    "decision",
    [("pin", "r1", "--name", "v1", "--reason", "x"), ("accept", "r1", "--reason", "x")],
    ids=["pin", "accept"],
)
def test_a_baseline_of_half_a_run_says_what_it_is_not_about(
    tmp_path: Path, decision: tuple[str, ...]
) -> None:
    half_run(tmp_path)

    assert f"!! not part of it: {NOT_RUN}" in call(tmp_path, "baseline", *decision)


def test_a_baseline_of_a_run_with_an_invalid_benchmark_says_so(tmp_path: Path) -> None:
    HalfRun(tmp_path).begin().measure(A).measure(B, valid=False)
    recover_run(State(tmp_path), "r1")

    said = call(tmp_path, "baseline", "pin", "r1", "--name", "v1", "--reason", "x")

    assert f"!! not part of it: {B} of run r1 was not measured completely: invalid" in said
    assert A not in said


def test_a_comparison_says_that_a_clock_was_set(tmp_path: Path) -> None:
    future = datetime.now(UTC) + timedelta(days=30)
    HalfRun(tmp_path, "r1", (A,), future).begin().measure(A)
    recover_run(State(tmp_path), "r1")
    HalfRun(tmp_path, "r2", (A,), datetime.now(UTC)).begin().measure(A)
    recover_run(State(tmp_path), "r2")

    told = "this run is dated before the end of run r1 ("

    assert f"NOTICE {told}" in call(tmp_path, "compare", "r2")
    assert told in call(tmp_path, "compare", "r1", "r2")


def test_a_run_that_waits_in_the_spool_alone_is_found_by_its_id(tmp_path: Path) -> None:
    """As when the history was open elsewhere at the moment in which the run was killed."""
    HalfRun(tmp_path).begin(registers=False).measure(A, status=None)

    result = CliRunner().invoke(main, ["--state", str(tmp_path), "report", "r1"])

    assert result.exit_code == 97
    assert f"{A}: its measurements are in the spool" in " ".join(result.output.split())
