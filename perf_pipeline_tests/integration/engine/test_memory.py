"""A worker's memory is as large after minutes of load as after the first one."""

import re
import subprocess
import sys

# 44 bytes for each of the 15,000 iterations of a minute.
MOST_MIB = 0.63


def test_memory_does_not_grow_with_the_length_of_the_load() -> None:
    """Five simulated minutes at 250 starts/s, in a process of their own.

    In the first three the allocator still takes what it keeps; how much of it in which minute
    depends on the machine.
    """
    bench = "perf_pipeline_tests.benchmarks.bench_memory"
    done = subprocess.run(
        [sys.executable, "-m", bench, "5", "250"], capture_output=True, text=True, check=True
    )

    assert "75,001 iterations" in done.stdout  # k6's: starts at 0 and at the very end
    after = [float(mib) for mib in re.findall(r"after +\d+ min +([\d.]+) MiB", done.stdout)]
    assert len(after) == 5, done.stdout
    assert after[4] - after[3] < MOST_MIB
