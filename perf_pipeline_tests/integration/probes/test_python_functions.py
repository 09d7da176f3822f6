"""What a Python process works on is seen by py-spy from outside, and what can't be seen is said."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.probes.python_functions import PythonFunctions

# Three quarters of the work are in `heavy`, whose loop is the innermost function.
BUSY = """
import time
def heavy():
    until = time.process_time() + 0.03
    while time.process_time() < until: pass
def light():
    until = time.process_time() + 0.01
    while time.process_time() < until: pass
print("begun", flush=True)
while True:
    heavy(); light()
"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = tmp_path_factory.mktemp("busy") / "busy.py"
    program.write_text(BUSY, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_the_function_that_takes_most_of_the_time_leads(busy: int) -> None:
    functions = PythonFunctions("api", lambda: [busy], longest_s=60)

    functions.start()
    time.sleep(4.0)
    functions.stop()
    functions.stop()

    if any("Permission Denied" in problem for problem in functions.problems):
        pytest.skip(functions.problems[0])
    assert functions.problems == []
    first, *others = functions.costs()
    assert (first.tier, first.kind, first.calls) == ("api", "function", 0)
    assert first.name.startswith("heavy (busy.py:3")
    # 75 of 100 looks are meant; 20 a second for 4 s, fewer on a busy machine.
    whole_s = first.value + sum(cost.value for cost in others)
    assert 0.5 <= first.value / whole_s <= 0.95


def test_a_process_that_is_gone_is_a_sentence() -> None:
    functions = PythonFunctions("api", tuple, longest_s=60)

    functions.start()
    functions.stop()

    assert functions.costs() == []
    assert functions.problems == [
        "what the time of api went into is not known: it has no process on this machine"
    ]


def test_without_py_spy_it_says_what_to_install() -> None:
    functions = PythonFunctions("api", lambda: [os.getpid()], longest_s=60, program="")

    functions.start()
    functions.stop()

    assert "py-spy is not installed here; install perf_pipeline[functions]" in functions.problems[0]


def test_what_cannot_be_started_is_a_sentence_and_ends_no_load(tmp_path: Path) -> None:
    broken = tmp_path / "py-spy"
    broken.touch(mode=0o600)
    functions = PythonFunctions("api", lambda: [os.getpid()], longest_s=60, program=str(broken))

    functions.start()
    functions.stop()

    assert functions.costs() == []
    [problem] = functions.problems
    assert problem.endswith("is not known: py-spy could not be started: Permission denied")


def test_what_is_no_python_is_a_sentence() -> None:
    with subprocess.Popen(["sleep", "30"]) as process:
        functions = PythonFunctions("broker", lambda: [process.pid], longest_s=60)
        functions.start()
        time.sleep(2.0)
        functions.stop()
        process.kill()

    assert functions.costs() == []
    assert functions.problems[0].startswith(
        "what the time of broker went into is not known: py-spy said "
    )
