"""The courses of what may grow, from a spool whose figures are worked out by hand."""

from pathlib import Path

import pytest

from perf_pipeline.metrics.sample import Phase, Reading
from perf_pipeline.store.spool_growth import (
    LEAST_OF_A_POINT,
    courses_of_latencies,
    courses_of_readings,
)
from perf_pipeline_tests.support.histories.spool import Spool, complete, ledger, sample

HOUR_US = 3_600_000_000
BEGINS_US, ENDS_US = 1_000_000, 5_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # 40 operations every 50 ms from 1 s on: 20 of 10 ms, then 20 of 30 ms; 5 of another one.
    steady = [
        sample(10.0 if n < 20 else 30.0, intended_us=us, started_us=us)
        for n in range(40)
        for us in [1_000_000 + 50_000 * n]
    ]
    rare = [sample(1.0, operation="rare", intended_us=1_000_000 + n) for n in range(5)]
    warm_up = [sample(900.0, phase=Phase.WARM_UP, intended_us=1_500_000)]
    # Message n is promised at 1000 + 50 n ms, acknowledged 5 ms and completed 25 ms later.
    words = [
        f"m{n}:intended@{ms} m{n}:acknowledged@{ms + 5} m{n}:completed@{ms + 25}"
        for n in range(20)
        for ms in [1_000 + 50 * n]
    ]
    readings = [
        Reading(500_000, "api", "process_memory_bytes", 1.0),
        Reading(1_500_000, "api", "process_memory_bytes", 2.0),
        Reading(2_500_000, "api", "process_memory_bytes", 3.0),
        Reading(1_500_000, "worker", "process_memory_bytes", 9.0),
        Reading(1_500_000, "api", "process_cpu_percent", 50.0),
        Reading(1_500_000, "orders/0", "consumer_lag", 5.0),
    ]
    spool = Spool(
        samples=[*steady, *rare, *warm_up],
        ledger=ledger(" ".join(words)),
        readings=readings,
        outcome=complete(),
    )
    return spool.write(tmp_path) / "api"


def test_readings_are_those_that_were_asked_for_of_whole_sources(folder: Path) -> None:
    asked = {"process_memory_bytes", "consumer_lag"}

    assert courses_of_readings(folder, asked, BEGINS_US, ENDS_US) == {
        ("process_memory_bytes", "api"): [
            (1_500_000 / HOUR_US, 2.0),
            (2_500_000 / HOUR_US, 3.0),
        ],
        ("process_memory_bytes", "worker"): [(1_500_000 / HOUR_US, 9.0)],
    }


def test_a_point_is_the_p95_of_as_many_operations_as_make_one(folder: Path) -> None:
    found = courses_of_latencies(folder, BEGINS_US, ENDS_US)

    assert LEAST_OF_A_POINT == 20
    # 40 operations are two points, due at 1.475 s and 2.475 s on average; 5 are none.
    moments, values = zip(*found["create_user"], strict=True)
    assert moments == pytest.approx([1_475_000 / HOUR_US, 2_475_000 / HOUR_US])
    assert values == (10.0, 30.0)
    assert "rare" not in found


def test_a_stage_of_messages_is_a_course_as_well(folder: Path) -> None:
    found = courses_of_latencies(folder, BEGINS_US, ENDS_US)

    # 20 messages are one point; the system tells only when it accepted and completed them.
    assert [value for _, value in found["stage_api"]] == [5.0]
    assert [value for _, value in found["stage_system"]] == [20.0]
    assert "stage_worker" not in found
