"""A report's lines over time come from the raw rows of the history, folded into equal steps."""

from math import isnan
from pathlib import Path

import pytest

from perf_pipeline.metrics.sample import Outcome, Reading, Sample
from perf_pipeline.store.history import History
from perf_pipeline.store.timeline import CourseLine, course_lines, measured_spans, step_us
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import KEY, Spool, complete, sample


def at(
    second: float, ms: float = 10, outcome: Outcome = Outcome.OK, operation: str = "get"
) -> Sample:
    """Make a sample that is due, and begins, at a second."""
    us = round(second * 1_000_000)
    return sample(ms, operation=operation, outcome=outcome, intended_us=us, started_us=us)


def ingested(history: History, tmp_path: Path, spool: Spool) -> dict[tuple[str, str], CourseLine]:
    history.ingest(spool.write(tmp_path), "api")
    lines = course_lines(history.connection, KEY.run_id)
    return {(line.metric, line.name): line for line in lines}


def test_load_and_resources_are_drawn_over_time(tmp_path: Path) -> None:
    spool = Spool(
        samples=[at(1), at(1), at(2, 30, Outcome.FAILED)],
        readings=[
            Reading(500_000, "host", "host_cpu_percent", 12.5),
            Reading(1_500_000, "topic", "consumer_lag", 3.0),
            Reading(1_500_000, "topic/0", "consumer_lag", 2.0),
            Reading(1_500_000, "", "vus", 4.0),
            Reading(1_500_000, "create", "vus", 4.0),
            # What was dropped in the second that ends at 2 s, and in the one from 2.7 to 3.7 s.
            Reading(2_000_000, "create", "dropped_iterations", 3.0),
            Reading(2_000_000, "", "dropped_iterations", 3.0),
            Reading(3_700_000, "", "dropped_iterations", 9.0),
        ],
        outcome=complete(),
    )
    with history_at(tmp_path / "history.duckdb") as history:
        found = ingested(history, tmp_path, spool)

    assert {
        key: line.points for key, line in found.items() if key[0] not in {"get", "response_time"}
    } == {
        ("operations", "ended"): ((1.0, 2.0), (2.0, 1.0)),
        ("failed", "failed"): ((1.0, 0.0), (2.0, 100.0)),
        ("dropped", "dropped"): ((1.0, 3.0), (2.0, 0.0), (3.0, 9.0)),
        ("vus", "vus"): ((1.0, 4.0),),
        ("consumer_lag", "topic"): ((1.0, 3.0),),
        ("host_cpu_percent", "host"): ((0.0, 12.5),),
    }
    assert found["get", "max"].points == ((1.0, 10.0), (2.0, 30.0))
    assert found["get", "p50"].points == ((1.0, 10.0), (2.0, 30.0))
    assert found["get", "max"].operation == "get"


def test_a_stall_is_a_rate_of_zero_and_a_gap_of_latency(tmp_path: Path) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        found = ingested(history, tmp_path, Spool(samples=[at(1), at(4)], outcome=complete()))

    assert found["operations", "ended"].points == ((1.0, 1.0), (2.0, 0.0), (3.0, 0.0), (4.0, 1.0))
    (first, gap, last) = found["get", "p50"].points
    assert (first, last) == ((1.0, 10.0), (4.0, 10.0))
    assert gap[0] == 2.0
    assert isnan(gap[1])


def test_a_percentile_needs_its_values(tmp_path: Path) -> None:
    # 20 values carry a p(95), and no p(99): it needs 100.
    spool = Spool(samples=[at(1 + n / 100) for n in range(20)], outcome=complete())
    with history_at(tmp_path / "history.duckdb") as history:
        found = ingested(history, tmp_path, spool)

    assert found["get", "p95"].points == ((1.0, 10.0),)
    assert isnan(found["get", "p99"].points[0][1])


def test_percentiles_of_a_slow_load_are_taken_over_several_steps(tmp_path: Path) -> None:
    # 4 a second for 100 s: 100 values take 25 steps, and a course has at least 20 parts: 5 s.
    spool = Spool(samples=[at(n / 4) for n in range(400)], outcome=complete())
    with history_at(tmp_path / "history.duckdb") as history:
        found = ingested(history, tmp_path, spool)

    line = found["get", "p95"]
    assert line.every_s == 5.0
    assert [second for second, _ in line.points[:3]] == [0.0, 5.0, 10.0]
    assert found["operations", "ended"].every_s == 1.0


def test_an_operation_of_several_scenarios_is_drawn_for_each(tmp_path: Path) -> None:
    samples = [sample(1, scenario="a"), sample(2, scenario="b"), sample(3, operation="other")]
    with history_at(tmp_path / "history.duckdb") as history:
        found = ingested(history, tmp_path, Spool(samples=samples, outcome=complete()))

    names = {metric for metric, name in found if name == "p50"}
    assert names == {"response_time", "create_user of a", "create_user of b", "other"}
    assert found["create_user of b", "max"].scenario == "b"


def test_the_lowest_and_the_highest_reading_of_two_hours_stay(tmp_path: Path) -> None:
    readings = [
        Reading(second * 1_000_000, "host", "host_cpu_percent", 50.0 + second % 7)
        for second in range(7_200)
    ]
    readings[4_321] = Reading(4_321_000_000, "host", "host_cpu_percent", 99.0)
    readings[5_000] = Reading(5_000_000_000, "host", "host_cpu_percent", 1.0)
    with history_at(tmp_path / "history.duckdb") as history:
        found = ingested(history, tmp_path, Spool(readings=readings, outcome=complete()))

    line = found["host_cpu_percent", "host"]
    assert line.every_s == 15.0
    assert len(line.points) <= 600
    values = {value: second for second, value in line.points}
    # Either is at most a step of 15 s beside its time.
    assert abs(values[99.0] - 4_321) <= 15
    assert abs(values[1.0] - 5_000) <= 15


@pytest.mark.parametrize(
    ("seconds", "step"), [(0, 1), (5, 1), (600, 1), (601, 2), (1_800, 5), (7_200, 15), (36_000, 60)]
)
def test_a_course_has_at_most_600_steps_of_round_length(seconds: int, step: int) -> None:
    assert step_us(seconds * 1_000_000) == step * 1_000_000
    assert step_us(seconds * 1_000_000, 100) >= step_us(seconds * 1_000_000)


def test_a_benchmark_without_rows_has_no_lines_and_a_measured_phase(tmp_path: Path) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        assert ingested(history, tmp_path, Spool(outcome=complete())) == {}
        assert measured_spans(history.connection, KEY.run_id) == {
            "api": {"create": (1_000_000, 11_000_000)}
        }
