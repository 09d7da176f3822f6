"""A state folder in which something else lies where our files should be: a sentence, and 97."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline_tests.support.histories.half_runs import A, HalfRun


@pytest.mark.parametrize("arguments", [("report",), ("sql", "select 1"), ("ingest", "r1")])
def test_a_history_that_is_a_pipe_is_refused_and_not_waited_for(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    HalfRun(tmp_path).begin(registers=False).measure(A)
    os.mkfifo(tmp_path / "history.duckdb")

    result = CliRunner().invoke(main, ["--state", str(tmp_path), *arguments])

    assert result.exit_code == 97
    assert "history.duckdb is a pipe or a device, and the history is a file" in result.output
    assert "--state FOLDER" in result.output


@pytest.mark.parametrize("arguments", [("ingest",), ("ingest", "r1")], ids=" ".join)
def test_a_spool_that_is_a_file_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "spool").touch()

    result = CliRunner().invoke(main, ["--state", str(tmp_path), *arguments])

    assert result.exit_code == 97
    assert "spool is a file, but the spool must be a folder" in result.output


@pytest.mark.parametrize(
    "text", ["{}", "[" * 100_000, "\0", "", '{"run_id": "r1"}'], ids=lambda text: text[:9]
)
def test_a_run_whose_run_json_says_nothing_is_told_as_damaged(tmp_path: Path, text: str) -> None:
    HalfRun(tmp_path).begin(registers=False)
    (tmp_path / "spool" / "r1" / "run.json").write_text(text, encoding="utf-8")

    result = CliRunner().invoke(main, ["--state", str(tmp_path), "ingest"])

    assert result.exit_code == 97
    assert "run.json cannot be read: " in result.output


@pytest.mark.parametrize("name", ["stack.json", "ledger.json"])
@pytest.mark.parametrize("command", ["status", "down"])
def test_a_stack_whose_files_say_nothing_is_no_stack(
    tmp_path: Path, name: str, command: str
) -> None:
    place = tmp_path / "stacks" / "up" / name
    place.parent.mkdir(parents=True)
    for text in ("", "{}", "null", "[" * 100_000, '{"services": 5}', '{"processes": [{}]}', "\0"):
        place.write_text(text, encoding="utf-8")

        result = CliRunner().invoke(main, ["--state", str(tmp_path), command])

        assert result.exit_code == 0, result.output
        assert result.output in {
            "no stack is up; `perf-pipeline up` starts one\n",
            "nothing was running\n",
        }
        place.parent.mkdir(parents=True, exist_ok=True)
