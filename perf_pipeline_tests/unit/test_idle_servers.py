"""When servers that files share are ended: with the work that used them, and not before.

Add here: another moment. Keep out: which files make one work (test_order_of_files.py).
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from perf_pipeline_tests.support.places import ROOT

_CONFTEST: Final = """
import pytest
from perf_pipeline_tests.support.idle_servers import end_idle, remember

@pytest.fixture(scope="session")
def servers():
    print("server begins")
    yield 1
    print("server ends")

@pytest.fixture(scope="session")
def brokers(servers):
    return servers

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    end_idle(item, item.path.stem[-1])
    print(item.name)

@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    remember(fixturedef, request)
"""
_FILES: Final = {
    "test_1_a.py": "def test_first(brokers): pass\ndef test_without(): pass\n",
    "test_2_a.py": "def test_again(servers): pass\n",
    "test_3_b.py": "def test_other_work_that_needs_it(brokers): pass\n",
    "test_4_c.py": "def test_other_work(): pass\ndef test_that_needs_it_later(brokers): pass\n",
}


def test_a_server_ends_with_the_work_that_used_it_and_begins_anew_where_it_is_needed(
    tmp_path: Path,
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    for name, text in _FILES.items():
        (tmp_path / name).write_text(text)

    words = [sys.executable, "-m", "pytest", "-qs", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )

    told = [line.lstrip(".") for line in done.stdout.splitlines()]
    assert [line for line in told if line.startswith(("test_", "server"))] == [
        "test_first",
        "server begins",
        "test_without",
        "test_again",
        "test_other_work_that_needs_it",
        "server ends",
        "test_other_work",
        "test_that_needs_it_later",
        "server begins",
        "server ends",
    ]
