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
