"""What is advised for what a database's sessions wait for, by the names that PostgreSQL gives."""

import pytest

from perf_pipeline.analysis.costs import top_costs
from perf_pipeline.analysis.wait_advice import advice_for_waits
from perf_pipeline.metrics.cost import Cost


def advice(**seconds: float) -> str:
    waits = [Cost("database", "wait", name, s, 0) for name, s in seconds.items()]
    return advice_for_waits(top_costs([*waits, Cost("database", "statement", "COMMIT", 9.0, 9)]))


@pytest.mark.parametrize(
    ("seconds", "word"),
    [
        # 4 s and 2 s of 10 s are the log's: more than half.
        ({"IO: WalSync": 4.0, "LWLock: WALWrite": 2.0, "CPU": 4.0}, "write-ahead log"),
        ({"Lock: transactionid": 6.0, "CPU": 4.0}, "blocking statement"),
        ({"IO: DataFileRead": 5.0, "CPU": 5.0}, "shared_buffers"),
        ({"IO: AioIoCompletion": 6.0, "CPU": 4.0}, "shared_buffers"),
        ({"IO: BufFileWrite": 3.0, "IO: BufFileRead": 3.0, "CPU": 4.0}, "work_mem"),
    ],
)
def test_most_of_the_time_has_a_remedy_of_its_own(seconds: dict[str, float], word: str) -> None:
    assert word in advice(**seconds)


@pytest.mark.parametrize(
    "seconds",
    [
        {"CPU": 10.0},
        {"Lock: tuple": 4.9, "CPU": 5.1},
        {"IO: WalSync": 0.9},  # all of it, and nine looks only
        {"Lock: advisory": 9.0, "CPU": 1.0},
        {"LWLock: WALInsert": 9.0, "CPU": 1.0},  # a place in memory
        {"Lock: extend": 9.0, "CPU": 1.0},  # a table that grows: no order of rows helps
        {},
    ],
)
def test_nothing_is_advised_that_would_help_with_less_than_half(seconds: dict[str, float]) -> None:
    assert advice(**seconds) == ""
