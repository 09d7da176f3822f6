"""What a comparison reads of its samples is what was recorded, each side apart.

Add here: another column that a comparison needs. Keep out: verdicts (unit/analysis/test_duet.py).
"""

import random
from pathlib import Path

import pytest

from perf_pipeline.analysis.duet_record import SIDES
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.engine.side_recorder import recorder_of, side_folder
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent, Outcome, Phase
from perf_pipeline.store.duet_samples import (
    before_promises,
    ids_of,
    name_of_side,
    read_delivered,
    read_sides,
)


def test_times_outcomes_and_rows_of_each_side_are_read(tmp_path: Path) -> None:
    names = tuple(name_of_side("reads", side) for side in range(len(SIDES)))
    recorder = SpoolRecorder(tmp_path, "1", 0, names, lambda _: None)
    for name, took_us, rows in zip(names, (500, 300), ((4, 6), (0, 0)), strict=True):
        for number, records in enumerate(rows):
            at_us = 1_000 * number
            iteration = Iteration(
                name, "postgres", 1, number, at_us, Phase.MEASURED, random.Random(1)
            )
            ended_us = at_us + took_us
            recorder.sample(
                iteration,
                "look",
                at_us,
                ended_us,
                Outcome.OK,
                records=records,
                checks_failed=int(not records),
            )
    failed = Iteration(names[0], "postgres", 1, 2, 2_000, Phase.MEASURED, random.Random(1))
    recorder.sample(failed, "look", 2_000, 2_100, Outcome.FAILED, error="42P01", records=0)
    recorder.close()

    (found,) = read_sides(tmp_path, "1", {"reads": True})

    assert found.operation == "look"
    assert sorted(found.baseline.took_us.tolist()) == [100, 500, 500]
    assert found.candidate.took_us.tolist() == [300, 300]
    assert (found.baseline.failed, found.candidate.failed) == (1, 0)
    assert (found.baseline.bad.tolist(), found.candidate.bad.tolist()) == (
        [False, False, True],
        [True, True],
    )
    # (4 + 6) / 2: the one that failed is in no average.
    assert (found.baseline.records_each, found.candidate.records_each) == (5.0, 0.0)
    cut = found.within(1_000, 2_000)
    assert (cut.baseline.records_each, cut.candidate.records_each) == (6.0, 0.0)


def test_messages_of_each_side_are_read_apart_also_where_their_ids_are_the_same(
    tmp_path: Path,
) -> None:
    recorder = SpoolRecorder(tmp_path, "1", 0, (), lambda _: None)
    # By side and id: intended, sent, acknowledged, and completed how often; all in ms.
    planned = {
        (0, "a"): (10, 11, 12, [61]),
        (0, "b"): (20, None, 22, []),  # never delivered
        (1, "a"): (15, 15, 16, [35, 40]),  # twice
        (1, "c"): (25, 25, None, [30]),  # delivered, and never promised
    }
    for (side, name), (intended, sent, acknowledged, completed) in planned.items():
        passed = (
            (LedgerEvent.INTENDED, intended),
            (LedgerEvent.STARTED, sent),
            (LedgerEvent.ACKNOWLEDGED, acknowledged),
            *((LedgerEvent.COMPLETED, at) for at in completed),
        )
        for event, at_ms in passed:
            if at_ms is not None:
                recorder_of(recorder, side).ledger(LedgerEntry(name, event, at_ms * 1_000))
    recorder.close()

    old, new = (read_delivered(side_folder(tmp_path, side)) for side in range(2))

    by_time = sorted(zip(old.samples.intended_us, old.samples.took_us, old.samples.ok, strict=True))
    # "a" is delivered 61 - 11 ms after it was sent, "b" never.
    assert by_time[0] == (10_000, 50_000, True)
    assert (by_time[1][0], by_time[1][2]) == (20_000, False)
    assert (new.samples.took_us.tolist(), new.twice, old.twice) == ([20_000], 1, 0)
    assert (old.last_us, new.last_us) == (61_000, 35_000)  # the second of "a" is none
    assert [ids_of(side_folder(tmp_path, side)) for side in range(2)] == [{"a", "b"}, {"a"}]


def test_what_begins_after_the_end_of_another_in_one_iteration_stands_behind_it(
    tmp_path: Path,
) -> None:
    names = tuple(name_of_side("shop", side) for side in range(len(SIDES)))
    recorder = SpoolRecorder(tmp_path, "1", 0, names, lambda _: None)
    # Two pictures of a page at once, after it; the other side's times are no part of the order.
    planned = {"page": (0, 10), "logo": (10, 30), "photo": (11, 25)}
    for side, name in enumerate(names):
        for vu in (1, 2):
            iteration = Iteration(name, "http", vu, 0, 0, Phase.MEASURED, random.Random(1))
            for operation, (began, ended) in planned.items():
                at = 1_000 * side + 100 * vu
                recorder.sample(iteration, operation, at + began, at + ended, Outcome.OK)
    recorder.close()

    found = {
        operation.operation: operation.before
        for operation in read_sides(tmp_path, "1", {"shop": True})
    }

    assert found == {
        "page": frozenset(),
        "logo": frozenset({"page"}),
        "photo": frozenset({"page"}),
    }


def test_a_message_stands_behind_what_ended_before_its_request_began(tmp_path: Path) -> None:
    names = tuple(name_of_side("shop", side) for side in range(len(SIDES)))
    recorder = SpoolRecorder(tmp_path, "1", 0, names, lambda _: None)
    # A message is promised by the second of three requests, of one side in this case.
    planned = {"enter": (0, 10), "order": (10, 30), "leave": (30, 35)}
    for side, name in enumerate(names):
        iteration = Iteration(name, "http", 1, 0, 0, Phase.MEASURED, random.Random(1))
        for operation, (began, ended) in planned.items():
            at = 1_000 * side
            recorder.sample(iteration, operation, at + began, at + ended, Outcome.OK)
            ledger = recorder_of(recorder, side).ledger
            if (side, operation) == (1, "order"):
                ledger(LedgerEntry("a", LedgerEvent.STARTED, at + began))
                ledger(LedgerEntry("a", LedgerEvent.ACKNOWLEDGED, at + ended))
            elif operation == "leave":  # of a message of which only one time is the same
                ledger(LedgerEntry("b", LedgerEvent.STARTED, at + began))
                ledger(LedgerEntry("b", LedgerEvent.ACKNOWLEDGED, at + ended + 1))
    recorder.close()

    assert before_promises(tmp_path, "1") == frozenset({"enter"})


@pytest.mark.parametrize(
    ("requests", "behind"),
    [
        ([(1, 0, 10), (1, 10, 30)], {"order"}),
        ([(1, 10, 30), (1, 30, 40)], set()),
        ([(1, 0, 15), (1, 10, 30)], set()),
        ([(2, 0, 10), (1, 10, 30)], set()),
    ],
    ids=["a redirect before it", "one after it", "one at the same time", "another virtual user's"],
)
def test_a_message_stands_behind_an_earlier_request_of_the_operation_that_promises_it(
    tmp_path: Path, requests: list[tuple[int, int, int]], behind: set[str]
) -> None:
    names = tuple(name_of_side("shop", side) for side in range(len(SIDES)))
    recorder = SpoolRecorder(tmp_path, "1", 0, names, lambda _: None)
    # A form that answers 303: both requests are called "order", and that of 10 to 30 promises.
    for side, name in enumerate(names):
        for vu, began, ended in requests:
            iteration = Iteration(name, "http", vu, 0, 0, Phase.MEASURED, random.Random(1))
            recorder.sample(iteration, "order", began, ended, Outcome.OK)
        ledger = recorder_of(recorder, side).ledger
        ledger(LedgerEntry("a", LedgerEvent.STARTED, 10))
        ledger(LedgerEntry("a", LedgerEvent.ACKNOWLEDGED, 30))
    recorder.close()

    assert before_promises(tmp_path, "1") == behind
