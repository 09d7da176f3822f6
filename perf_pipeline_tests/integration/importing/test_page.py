"""The page on importing is executed as it stands, with a real run of k6."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.k6_files import EXPORTED, POINTS
from perf_pipeline_tests.support.pages import blocks


def commands(text: str) -> list[list[str]]:
    """Give the arguments of each perf-pipeline in an example."""
    return [shlex.split(line) for line in re.findall(r"perf-pipeline (.*)", text)]


@pytest.mark.parametrize("language", ["console", "yaml"])
def test_the_commands_of_the_page_bring_a_run_of_k6_to_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    example = blocks("import.md", language)[0]
    shutil.copy(POINTS, tmp_path / "out.ndjson.gz")
    shutil.copy(EXPORTED, tmp_path / "summary.json")
    monkeypatch.chdir(tmp_path)
    command = CommandLine(tmp_path / "state")

    answers = [command.here(*arguments) for arguments in commands(example)]

    # Of this run k6 itself said that two thresholds were missed.
    assert answers
    assert {answer.code for answer in answers} == {99}, answers[0].err
    assert "p(95)<0.001" in answers[-1].out
    assert command.value("select profile from runs") == "checkout"


def test_k6_is_called_with_the_files_that_are_imported() -> None:
    for example in (blocks("import.md", "console")[0], blocks("import.md", "yaml")[0]):
        [written] = re.findall(r"--out json=(\S+) --summary-export=(\S+)", example)
        [read] = re.findall(r"import k6 (\S+) --summary (\S+)", example)
        assert written == read
