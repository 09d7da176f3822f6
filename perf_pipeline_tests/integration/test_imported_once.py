"""Pytest's processes are forks of one that has imported all tests, and are replaced when they die.

Each test here runs pytest with two processes on files of its own.
Add here: what a fork could have in common with another one, and must not. Keep out: the order of
files, and turns.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.forks_on_request import can_fork_on_request
from perf_pipeline_tests.support.places import ROOT

pytestmark = pytest.mark.skipif(not can_fork_on_request(), reason="no process forks for its parent")
NOTES = """
import os, pathlib, time

def note(name, *more):
    with open(name, "a") as file:
        print(os.getpid(), *more, file=file)

note("imported")
"""
RUNS = """
def test_it():
    note("ran", os.environ["PYTEST_XDIST_WORKER"])
    until_s = time.monotonic() + 30
    # Neither process gets both files, however slowly the other one starts.
    while len(pathlib.Path("ran").read_text().splitlines()) < 2 and time.monotonic() < until_s:
        time.sleep(0.01)
"""
BEGINS_A_THREAD = """
import threading

threading.Thread(target=threading.Event().wait, daemon=True).start()
"""
DIES = """
def test_it():
    os._exit(1)
"""


def run_pytest(folder: Path, **files: str) -> str:
    """Run files with two processes, and give what pytest says."""
    for name, test in files.items():
        (folder / f"test_{name}.py").write_text(NOTES + test)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    plugins = ("xdist.plugin", "perf_pipeline_tests.support.imported_once")
    words = [word for plugin in plugins for word in ("-p", plugin)]
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--numprocesses", "2", "--dist", "load"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def noted(folder: Path, name: str) -> list[list[str]]:
    return [line.split() for line in (folder / name).read_text().splitlines()]


def test_one_process_imports_the_files_and_others_run_them(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, one=RUNS, other=RUNS)

    assert "2 passed" in said, said
    importers = [pid for (pid,) in noted(tmp_path, "imported")]
    runners = {pid: worker for pid, worker in noted(tmp_path, "ran")}  # noqa: C416 - two columns
    assert len(importers) == 2
    assert len(set(importers)) == 1
    assert sorted(runners.values()) == ["gw0", "gw1"]
    assert runners.keys().isdisjoint(importers)


def test_where_an_import_has_begun_a_thread_each_process_imports_the_files(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, one=BEGINS_A_THREAD + RUNS, other=RUNS)

    assert "2 passed" in said, said
    importers = {pid for (pid,) in noted(tmp_path, "imported")}
    assert {pid for pid, _ in noted(tmp_path, "ran")} < importers
    assert len(importers) == 3


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, dies=DIES, one=RUNS, other=RUNS)

    assert "1 failed, 2 passed" in said, said
    assert "crashed while running 'test_dies.py::test_it'" in said
    assert len({pid for pid, _ in noted(tmp_path, "ran")}) == 2
