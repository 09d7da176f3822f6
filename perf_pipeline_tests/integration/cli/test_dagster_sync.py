"""`perf-pipeline dagster sync`, and a run that tells Dagster by a program that may fail or hang."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perf_pipeline.cli import telling_dagster
from perf_pipeline.cli.telling_dagster import (
    _PROGRAM,
    DagsterProgram,
    _lines,
    instance_of,
    tell_of_run,
)
from perf_pipeline.errors import ExitCode
from perf_pipeline.stack.ui_instance import SERVICES, known_instance
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.dagster.runs import IMPORTED
from perf_pipeline_tests.support.histories.synthetic_history import add_runs, api_runs
from perf_pipeline_tests.support.places import ROOT

# It has begun, says two lines, and then silence for a minute.
SILENT = "import time; print('.', flush=True); print('one\\ntwo', flush=True); time.sleep(60)"


@pytest.fixture
def forked_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program that tells Dagster be a fork of a process that has imported Dagster.

    Only an interpreter that starts heeds PYTHONWARNINGS, and nobody reads what warnings go to.
    """

    def popen(words: Sequence[str], *, env: Mapping[str, str], **how: Any) -> subprocess.Popen[Any]:
        own = {name: text for name, text in env.items() if name != "PYTHONWARNINGS"}
        return started(words, modules=(*IMPORTED, _PROGRAM), env=own, **how)

    monkeypatch.setattr(
        telling_dagster, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": popen})
    )


@pytest.mark.usefixtures("forked_program")
def test_stored_runs_are_in_dagster_after_the_command(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    add_runs(tmp_path, api_runs(80.0))

    answer = CommandLine(tmp_path).here("dagster", "sync", DAGSTER_HOME=str(home))

    assert answer.code == 0, answer.err
    assert answer.out.splitlines() == [
        "run r001 is in Dagster (1 of 1)",
        "1 run was new to Dagster",
    ]
    [index] = home.rglob("index.db")
    with sqlite3.connect(index) as connection:
        rows = connection.execute("select asset_key from asset_keys").fetchall()
    assert ('["api_user_creation"]',) in rows


def test_without_an_instance_the_command_says_what_to_set(tmp_path: Path) -> None:
    answer = CommandLine(tmp_path).here("dagster", "sync", DAGSTER_HOME="")

    assert answer.code == 104
    assert "there is no instance of Dagster: DAGSTER_HOME is not set" in answer.err


@pytest.mark.usefixtures("forked_program")
def test_a_run_is_what_it_was_where_the_instance_can_not_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    url = "postgresql+psycopg2://dagster:open-sesame@127.0.0.1:9/dagster"  # nobody listens there
    monkeypatch.setenv("PERF_DAGSTER_POSTGRES_URL", url)

    tell_of_run(State(tmp_path), "r1", quiet=True)

    said = capsys.readouterr().err
    assert said.startswith("run r1 is not in Dagster: ")
    assert "`perf-pipeline dagster sync` brings it in later" in said
    assert "open-sesame" not in said


def test_an_instance_that_hangs_is_given_up() -> None:
    began_s = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", SILENT], stdout=subprocess.PIPE, text=True
    ) as program:
        heard = list(_lines(program, silent_s=5))

    assert heard == ["one", "two"]
    assert program.returncode < 0
    assert time.monotonic() - began_s < 50


def test_a_program_that_ends_without_a_word_is_told(tmp_path: Path) -> None:
    program = DagsterProgram()

    assert list(program.sentences(State(tmp_path), {"PYTHONHASHSEED": "wrong"}, [])) == []
    assert program.trouble == "its program ended with 1"


def test_what_could_not_be_reported_is_told_with_what_went_wrong(tmp_path: Path) -> None:
    answer = CommandLine(tmp_path).here(
        "dagster", "sync", DAGSTER_HOME=str(tmp_path), PYTHONHASHSEED="wrong"
    )

    assert answer.code == ExitCode.NOT_MEASURED
    assert answer.err == (
        "perf-pipeline: runs could not be reported to Dagster: its program ended with 1\n"
    )


def test_the_ui_that_serves_the_folder_is_told_while_it_is_up(tmp_path: Path) -> None:
    services = tmp_path / SERVICES
    services.mkdir()
    variables = {"DAGSTER_HOME": str(tmp_path / "home")}

    with known_instance(services, variables):
        during = instance_of(State(tmp_path), {})
        [file] = services.iterdir()
        assert oct(file.stat().st_mode & 0o777) == "0o600"

    assert during == variables
    assert instance_of(State(tmp_path), {}) == {}
    assert instance_of(State(tmp_path), {"DAGSTER_HOME": "/srv"}) == {"DAGSTER_HOME": "/srv"}


def test_a_command_that_tells_nobody_imports_no_dagster() -> None:
    code = (
        "import os, sys, pathlib\n"
        "from perf_pipeline.cli.main import main\n"
        "from perf_pipeline.cli.telling_dagster import tell_of_run\n"
        "from perf_pipeline.store.state import State\n"
        "tell_of_run(State(pathlib.Path('nowhere')), 'r1', quiet=False)\n"
        "assert 'dagster' not in sys.modules"
    )
    environ = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}

    done = subprocess.run([sys.executable, "-c", code], env=environ, check=False)

    assert done.returncode == 0
