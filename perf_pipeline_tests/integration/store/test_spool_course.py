"""The course of a load from its spool: what became of what was due, and what waited."""

from pathlib import Path

import pytest

from perf_pipeline.metrics.sample import Outcome, Reading
from perf_pipeline.store.spool_course import (
    Answers,
    Grid,
    answers_of,
    dropped_between,
    failed_and_slow,
    lost_and_duplicated,
    waiting_of,
)
from perf_pipeline_tests.support.histories.spool import Spool, complete, ledger, sample

GRID = Grid(1_000_000, 500_000, 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # Due at 1.0, 1.4 (slow), 1.6 (failed) and 2.2 s; the last message is never completed.
    samples = [
        sample(10.0),
        sample(400.0, intended_us=1_400_000, started_us=1_400_000),
        sample(5.0, intended_us=1_600_000, started_us=1_700_000, outcome=Outcome.FAILED),
        sample(20.0, intended_us=2_200_000, started_us=2_200_000),
    ]
    messages = ledger(
        "a:acknowledged@900 a:completed@1100 b:acknowledged@1200 b:completed@2600 "
        "b:completed@2600 c:acknowledged@1600 c:completed@2100 d:acknowledged@2200"
    )
    readings = [
        Reading(1_100_000, "orders", "consumer_lag", 7.0),
        Reading(1_100_000, "orders/0", "consumer_lag", 7.0),
        Reading(1_100_000, "bills", "consumer_lag", 2.0),
        Reading(2_100_000, "orders", "consumer_lag", 0.0),
        Reading(2_000_000, "", "dropped_iterations", 3.0),
        Reading(3_000_000, "", "dropped_iterations", 4.0),
    ]
    spool = Spool(samples=samples, ledger=messages, readings=readings, outcome=complete())
    return spool.write(tmp_path) / "api"


def test_operations_are_counted_where_they_were_due(folder: Path) -> None:
    (first, second, third, fourth), _ = answers_of(folder, GRID, until_us=3_000_000)

    # p95 of 10 and 400 ms: 10 + 0.95 * 390 = 380.5; from the intended start, 100 ms + 5 ms
    assert first == Answers(2, 0, pytest.approx(380.5))  # type: ignore[arg-type]  # near enough
    assert second == Answers(0, 1, 105.0)
    assert third == Answers(1, 0, 20.0)
    assert fourth == Answers()


def test_an_operation_that_was_under_way_is_told_by_its_age_at_that_moment(
    folder: Path,
) -> None:
    _, (first, second, third, fourth) = answers_of(folder, GRID, until_us=1_650_000)

    # That of 1.4 s ends at 1.8 s, and was 250 ms old.
    assert first == Answers(1, 0, 10.0, [250.0])
    # That of 1.6 s fails at 1.705 s, which nobody knew; the last one was not due.
    assert second == Answers(0, 0, None, [50.0])
    assert third == fourth == Answers()


def test_messages_wait_from_their_acknowledgement_to_their_first_completion(folder: Path) -> None:
    # At 1.5 s: b; at 2.0 s: b, c; at 2.5 s: b, d; at 3.0 s: d
    assert waiting_of(folder, GRID, by_id=True) == [1.0, 2.0, 2.0, 1.0]


def test_a_lag_stands_until_the_next_reading_and_parts_of_it_are_left_out(folder: Path) -> None:
    assert waiting_of(folder, GRID, by_id=False) == [9.0, 9.0, 2.0, 2.0]


def test_nobody_knows_what_waits_without_ledger_and_lag(tmp_path: Path) -> None:
    empty = Spool(outcome=complete()).write(tmp_path) / "api"

    assert waiting_of(empty, GRID, by_id=True) is None
    assert waiting_of(empty, GRID, by_id=False) is None


def test_what_failed_and_what_was_slow_meanwhile_is_counted(folder: Path) -> None:
    # The one of 1.4 s ended at 1.8 s; from 1.9 s on only that of 2.2 s was under way.
    assert failed_and_slow(folder, 1_500_000, 3_000_000, slow_ms=100.0) == (1, 1)
    assert failed_and_slow(folder, 1_900_000, 3_000_000, slow_ms=10.0) == (0, 1)


def test_messages_are_lost_and_duplicated_where_they_were_acknowledged(folder: Path) -> None:
    assert lost_and_duplicated(folder, 0, 3_000_000) == (1, 1)
    assert lost_and_duplicated(folder, 1_500_000, 3_000_000) == (1, 0)
    assert lost_and_duplicated(folder, 0, 1_500_000) == (0, 1)


def test_dropped_starts_are_those_of_the_seconds_that_end_in_a_stretch(folder: Path) -> None:
    assert dropped_between(folder, 1_500_000, 2_500_000) == 3
    assert dropped_between(folder, 0, 9_000_000) == 7
