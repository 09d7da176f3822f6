"""The stages of a message's way: expected values worked out by hand from the stations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.metrics.totals import StageFigures
from perf_pipeline.store.history import History, memory_history
from perf_pipeline.store.ledger_sql import STAGES
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.spool_stages import stages_from_spool
from perf_pipeline_tests.support.histories.spool import Spool, complete, ledger

KEY = RunKey("r1", "api")
ALWAYS = (-(2**62), 2**62)
WHOLE = (
    "a:intended@1000 a:started@1001 a:queried@1004 a:acknowledged@1010 a:published@1015 "
    "a:received@1035 a:completed@1045"
)


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """Give one history: what a test stores takes the place of what the one before stored."""
    with memory_history() as opened:
        yield opened


def stages(history: History, tmp_path: Path, text: str) -> dict[str, float]:
    """Give the median of every stage that has values, and of the whole latency, in ms."""
    run = Spool(ledger=ledger(text), outcome=complete()).write(tmp_path)
    found = {}
    history.ingest(run, KEY.benchmark)
    for metric in (*STAGES, "message_latency"):
        seen = history.observe(KEY, parse_threshold(metric, "med<1"))
        if seen is not None:
            found[metric.removeprefix("stage_")] = seen
    assert found == in_view(history)
    return found


def in_view(history: History) -> dict[str, float]:
    """Give the same medians as people's queries see them."""
    rows = history.connection.execute(
        "select metric, median(value) from metric_values where list_contains(?, metric) "
        "group by metric",
        [[*STAGES, "message_latency"]],
    ).fetchall()
    return {metric.removeprefix("stage_"): median for metric, median in rows}


def tail(tmp_path: Path, text: str) -> StageFigures:
    run = Spool(ledger=ledger(text), outcome=complete()).write(tmp_path)
    return stages_from_spool(run / KEY.benchmark, *ALWAYS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            WHOLE,
            {"start": 1, "api": 3, "database": 6, "outbox": 5, "queue": 20, "worker": 10},
            id="every station is known",
        ),
        pytest.param(
            "a:intended@1000 a:acknowledged@1010 a:completed@1045",
            {"api": 10, "system": 35},
            id="a foreign system tells of nothing in between",
        ),
        pytest.param(
            "a:intended@1000 a:started@1001 a:acknowledged@1010 a:received@1035 a:completed@1045",
            {"start": 1, "api": 9, "system": 25, "worker": 10},
            id="nobody says when it was published",
        ),
        pytest.param(
            "a:intended@1000 a:acknowledged@1010 a:published@1015 a:completed@1045",
            {"api": 10, "outbox": 5, "system": 30},
            id="nobody says when it was received",
        ),
        pytest.param(
            "a:intended@1000 a:started@1001 a:queried@1030 a:acknowledged@1060 a:published@1010 "
            "a:received@1020 a:completed@1025",
            {"start": 1, "api": 9, "database": 0, "outbox": 0, "queue": 10, "worker": 5},
            id="published before the answer was there: the answer is not on its way",
        ),
        pytest.param(
            f"{WHOLE} a:published@2000 a:received@2010 a:completed@2020",
            {"start": 1, "api": 3, "database": 6, "outbox": 5, "queue": 20, "worker": 10},
            id="a second delivery changes nothing",
        ),
    ],
)
def test_stages_are_the_times_between_known_stations_and_add_up_to_the_latency(
    text: str, expected: dict[str, float], history: History, tmp_path: Path
) -> None:
    found = stages(history, tmp_path, text)

    latency = found.pop("message_latency")
    assert found == expected
    assert sum(found.values()) == latency


def test_only_messages_of_the_measured_phase_count(history: History, tmp_path: Path) -> None:
    """The window is seconds 1 to 11: b was intended before it."""
    found = stages(history, tmp_path, f"{WHOLE} b:intended@10 b:acknowledged@900 b:completed@990")

    assert found["message_latency"] == 45
    assert "system" not in found


def test_the_tail_is_the_mean_of_the_slowest_tenth(tmp_path: Path) -> None:
    """Latencies 1..20 ms: the 90th percentile (rank 17.1) is 18.1, and 19 and 20 are above it."""
    text = " ".join(
        f"m{n}:intended@1000 m{n}:acknowledged@1000 m{n}:received@1000 m{n}:completed@{1000 + n}"
        for n in range(1, 21)
    )

    assert tail(tmp_path, text).tail_ms == {"api": 0, "system": 0, "worker": 19.5}


def test_a_queue_before_full_hands_saturates_and_one_before_idle_hands_does_not(
    tmp_path: Path,
) -> None:
    """One hand, 100 ms each: b waits 100 ms and c 200 ms, always behind somebody: ratio 1.

    Then d waits 100 ms while nobody works: 300 of 400 ms.
    """
    head = "intended@0 {0}:acknowledged@0 {0}:published@{1} {0}:received@{2} {0}:completed@{3}"
    busy = [("a", 0, 0, 100), ("b", 0, 100, 200), ("c", 0, 200, 300)]
    idle = ("d", 400, 500, 600)

    def text(messages: list[tuple[str, int, int, int]]) -> str:
        return " ".join(f"{message[0]}:{head.format(*message)}" for message in messages)

    assert tail(tmp_path / "1", text(busy)).saturation_ratio == 1
    assert tail(tmp_path / "2", text([*busy, idle])).saturation_ratio == 0.75
    assert tail(tmp_path / "3", text([("a", 0, 0, 100)])).saturation_ratio is None


def test_without_a_ledger_there_is_nothing(tmp_path: Path) -> None:
    assert tail(tmp_path, "") == StageFigures()
