"""How many processes of the suite a machine carries.

Add here: another limit. Keep out: what runs in them (test_order_of_files.py).
"""

import pytest

from perf_pipeline_tests.support.processes_at_once import processes_of

_GB = 10**9


@pytest.mark.parametrize(
    ("cores", "memory_gb", "processes"),
    [
        (2, 18, 4),  # two for each core
        (4, 14, 8),
        (64, 250, 8),  # the longest work takes as long, so that more would bring nothing
        (4, 5, 5),  # a process with its servers takes up to 1 GB
        (1, 1, 2),  # one computes while the other waits
        (0, 18, 2),  # a container that may use half a core
    ],
)
def test_cores_and_memory_limit_the_processes(cores: int, memory_gb: int, processes: int) -> None:
    assert processes_of(cores, memory_gb * _GB) == processes
