"""How many processes run the suite side by side where nobody says it (`--numprocesses auto`).

Add here: another thing of the machine that limits them. Keep out: which files run in which of them
(shared_work.py).
"""

from typing import Final

import psutil

from perf_pipeline.engine.control_group import read_limits, usable_cores

_FOR_EACH_CORE: Final = 2  # tests wait for their loads about as long as they compute
_FEWEST: Final = 2
# What is one piece of work takes some minutes, however many other processes there are.
_MOST: Final = 8
# Measured: 3 GB in five processes, servers included.
_EACH_BYTES: Final = 10**9


def processes_here() -> int:
    """Return how many processes this machine carries at a time."""
    return processes_of(usable_cores(), free_memory_bytes())


def processes_of(cores: int, memory_bytes: int) -> int:
    """Return how many processes a machine carries at a time.

    Args:
        cores: that tests may keep busy.
        memory_bytes: that is free for them.
    """
    return max(_FEWEST, min(_MOST, _FOR_EACH_CORE * cores, memory_bytes // _EACH_BYTES))


def free_memory_bytes() -> int:
    """Return how much memory is free, as far as the limit of a container lets us have it."""
    free = psutil.virtual_memory().available
    limit = read_limits().memory_bytes
    return free if limit is None else min(free, limit)
