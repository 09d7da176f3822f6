"""A second try is named, and a run in which many were needed has failed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FIRST_TRIES = """
import pytest

tried = set()


@pytest.mark.parametrize("number", range({tests}))
def test_fails_at_first(number):
    if number not in tried:
        tried.add(number)
        assert number < 0, "the server was not there yet"


def test_passes_at_once():
    pass
"""

SHARED = """
import pytest

measured = []


@pytest.fixture(scope="module")
def run():
    measured.append("run")
    yield len(measured)
    measured.append("ended")


def test_reads_the_run(run):
    assert run == 1


def test_holds_only_of_a_later_run(run):
    assert run > 1, "the machine was busy"


def test_reads_the_same_run_as_the_second_try(run):
    assert (run, measured) == (3, ["run", "ended", "run"])
"""

IN_PROCESSES = """
import os

import pytest

tried = []


def test_fails_at_first(request):
    tried.append("")
    assert not hasattr(request.config.failures_db, "sock")  # so nobody is asked
    assert len(tried) > 1, "the server was not there yet"


def test_ends_its_process():
    os._exit(1)


def test_passes_at_once():
    pass
"""


def suite_of(tests: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a suite in which so many tests fail at their first try."""
    return suite(FIRST_TRIES.format(tests=tests), folder)


def suite(text: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a file of tests, each of which may try twice."""
    (folder / "test_given.py").write_text(text, encoding="utf-8")
    plugins = ["pytest_rerunfailures", "perf_pipeline_tests.support.second_tries"]
    argv = ["-m", "pytest", "-q", "--reruns", "1", "-c", "/dev/null", "--rootdir", str(folder)]
    named = [word for plugin in plugins for word in ("-p", plugin)]
    return subprocess.run(
        [sys.executable, *argv, "-p", "no:cacheprovider", *named, *options, str(folder)],
        env={
            **os.environ,
            "PYTEST_ADDOPTS": "",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path.cwd()),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Run two files in which five tests fail at their first try, one of them of a shared run."""
    folder = tmp_path_factory.mktemp("five")
    (folder / "test_shared.py").write_text(SHARED, encoding="utf-8")
    return suite_of(4, folder)


def test_a_test_that_passes_at_its_second_try_passes_and_is_named_with_its_reason(
    five: subprocess.CompletedProcess[str],
) -> None:
    assert five.returncode == 0, five.stdout
    assert "8 passed, 5 rerun" in five.stdout.splitlines()[-1]
    named = [line for line in five.stdout.splitlines() if "test_fails_at_first[1]: " in line]
    assert len(named) == 1
    assert named[0].endswith(
        "test_fails_at_first[1]: AssertionError: the server was not there yet assert 1 < 0"
    )


def test_a_run_in_which_six_tests_need_a_second_try_fails(tmp_path: Path) -> None:
    ended = suite_of(6, tmp_path)

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "6 tests needed a second try, and at most 5 may: this run failed." in ended.stdout


def test_a_second_try_measures_anew_what_the_tests_of_a_file_share(
    five: subprocess.CompletedProcess[str],
) -> None:
    told = [line for line in five.stdout.splitlines() if "test_shared.py::" in line]

    # The tests themselves say what is measured when; only the second has to try twice.
    assert five.returncode == 0, five.stdout
    assert {line.partition("::")[2].partition(":")[0] for line in told} == {
        "test_holds_only_of_a_later_run"
    }


def test_processes_try_twice_without_asking_and_each_death_of_one_is_a_failure(
    tmp_path: Path,
) -> None:
    # The second test ends one process and the one in its place; the next one leaves it out.
    ended = suite(IN_PROCESSES, tmp_path, "-p", "xdist", "-n", "1", "--dist", "loadfile")

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout
    assert "2 failed, 2 passed, " in ended.stdout.splitlines()[-1]
    assert ", 1 rerun" in ended.stdout.splitlines()[-1]
    assert "crashed while running" in ended.stdout
