"""A worker's memory is as large after minutes of load as after the first one."""

import re
import subprocess
import sys

# 44 bytes for each of the 15,000 iterations of a minute.
MOST_MIB = 0.63


def test_memory_does_not_grow_with_the_length_of_the_load() -> None:
    """Two simulated minutes at 250 starts/s, in a process of their own."""
    bench = "perf_pipeline_tests.benchmarks.bench_memory"
    done = subprocess.run(
        [sys.executable, "-m", bench, "2", "250"], capture_output=True, text=True, check=True
    )

    assert "30,001 iterations" in done.stdout  # k6's: starts at 0 and at the very end
    grown = re.search(r"growth from minute 1 to 2: ([+-][\d.]+) MiB", done.stdout)
    assert grown is not None, done.stdout
    assert float(grown[1]) < MOST_MIB
