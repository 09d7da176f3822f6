"""A worker's memory is as large after minutes of load as after the first one."""

import re
import subprocess
import sys

import pytest

MOST_MIB = 5.0


@pytest.mark.timeout(180)
def test_memory_does_not_grow_with_the_length_of_the_load() -> None:
    """Three simulated minutes at 1,000 starts/s, in a process of their own."""
    bench = "perf_pipeline_tests.benchmarks.bench_memory"
    done = subprocess.run(
        [sys.executable, "-m", bench, "3"], capture_output=True, text=True, check=True
    )

    assert "180,001 iterations" in done.stdout  # k6's: starts at 0 and at the very end
    grown = re.search(r"growth from minute 1 to 3: ([+-][\d.]+) MiB", done.stdout)
    assert grown is not None, done.stdout
    assert float(grown[1]) < MOST_MIB
