"""What a process lacks before it does anything: a sentence, and 97."""

import os
import subprocess
import sys

from perf_pipeline_tests.support.places import ROOT


def test_an_installation_without_its_libraries_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "perf_pipeline", "status"],  # without site-packages
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 97, done.stderr
    assert done.stderr == (
        "perf-pipeline: a library can't be loaded: No module named 'click'; give it more memory, "
        "or install it again\n"
    )


def test_libraries_start_no_threads_that_a_limit_could_refuse() -> None:
    """With two cores OpenBLAS has a thread beside this one, unless it is told to have none."""
    code = """
import os, sys
from perf_pipeline.__main__ import start
sys.argv = ["perf-pipeline", "--version"]
try:
    start()
except SystemExit:
    import numpy
    print(len(os.listdir("/proc/self/task")))
"""
    free = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}

    done = subprocess.run(
        [sys.executable, "-c", code], env=free, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "1"
