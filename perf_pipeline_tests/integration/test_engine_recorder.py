"""The spool on a real disk: what was recorded is what is read, and a full disk is noticed."""

import csv
import random
import threading
from pathlib import Path

import pytest

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolError, SpoolRecorder
from perf_pipeline.engine.watch import count_open_files
from perf_pipeline.metrics.sample import (
    ITERATION_COLUMNS,
    LEDGER_COLUMNS,
    SAMPLE_COLUMNS,
    HttpPhases,
    LedgerEntry,
    LedgerEvent,
    Outcome,
    Phase,
)


def _iteration(number: int, phase: Phase = Phase.MEASURED) -> Iteration:
    return Iteration("create", "http", 3, number, 1_000 + number, phase, random.Random(1))


def _recorder(folder: Path, failures: list[SpoolError] | None = None) -> SpoolRecorder:
    kept = [] if failures is None else failures
    return SpoolRecorder(folder, "main", 0, ("create",), kept.append)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_everything_that_was_recorded_is_read_back(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    for n in range(10_000):
        recorder.sample(_iteration(n), "create_user", n, n + 7, Outcome.OK, status=201)
    recorder.close()

    rows = _rows(tmp_path / "samples-main-0.csv")
    assert [int(row["iteration"]) for row in rows] == list(range(10_000))
    assert recorder.counts["create"].ok == 10_000


def test_every_column_holds_what_its_name_says(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    recorder.sample(
        _iteration(5, Phase.WARM_UP),
        'odd, "name"\n',
        11,
        12,
        Outcome.TIMEOUT,
        intended_us=10,
        status=504,
        error="a,b",
        bytes_out=1,
        bytes_in=2,
        records=3,
        checks_passed=4,
        checks_failed=8,
        phases=HttpPhases(9, 10, 11, 12, 13, 14),
    )
    recorder.close()

    (row,) = _rows(tmp_path / "samples-main-0.csv")
    assert tuple(row) == SAMPLE_COLUMNS
    assert tuple(row.values()) == (
        "create",
        "http",
        "3",
        "5",
        'odd, "name"\n',
        "warm-up",
        "10",
        "11",
        "12",
        "timeout",
        "504",
        "a,b",
        "1",
        "2",
        "3",
        "4",
        "8",
        "9",
        "10",
        "11",
        "12",
        "13",
        "14",
    )
    assert recorder.counts["create"].failed == 1


def test_answers_of_ten_thousand_sizes_that_come_twice_keep_their_sizes(tmp_path: Path) -> None:
    # More than the recorder remembers, in an order in which it forgets and meets them again.
    sizes = [n // 2 if n % 2 else n for n in range(10_000)]
    recorder = _recorder(tmp_path)
    for n, size in enumerate(sizes):
        outcome, error = (Outcome.OK, "") if size % 3 else (Outcome.FAILED, "status")
        recorder.sample(
            _iteration(n), "read", n, n + 7, outcome, error=error, bytes_out=1, bytes_in=size
        )
    recorder.close()

    rows = _rows(tmp_path / "samples-main-0.csv")
    assert [int(row["bytes_in"]) for row in rows] == sizes
    wrong = [row for row in rows if (int(row["bytes_in"]) % 3 == 0) != (row["outcome"] == "failed")]
    assert not wrong
    assert {(row["outcome"], row["error"]) for row in rows} == {("ok", ""), ("failed", "status")}


def test_an_operation_without_phases_says_that_there_were_none(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    recorder.sample(_iteration(0), "produce", 1, 2, Outcome.OK)
    recorder.close()

    (row,) = _rows(tmp_path / "samples-main-0.csv")
    assert list(row.values())[-6:] == ["-1"] * 6


def test_an_iteration_is_a_row_of_its_own(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    recorder.iteration(_iteration(5), 1_007, 3_007, Outcome.OK)
    recorder.close()

    (row,) = _rows(tmp_path / "iterations-main-0.csv")
    assert tuple(row) == ITERATION_COLUMNS
    assert tuple(row.values()) == ("create", "3", "5", "measured", "1005", "1007", "3007", "ok")


def test_the_ledger_has_one_row_per_station(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    recorder.ledger(LedgerEntry("user,1", LedgerEvent.INTENDED, 1))
    recorder.ledger(LedgerEntry("user,1", LedgerEvent.COMPLETED, 9))
    recorder.close()

    rows = _rows(tmp_path / "ledger-main-0.csv")
    assert tuple(rows[0]) == LEDGER_COLUMNS
    assert [tuple(row.values()) for row in rows] == [
        ("user,1", "intended", "1"),
        ("user,1", "completed", "9"),
    ]


def test_what_is_flushed_is_on_disk_in_whole_lines(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    path = tmp_path / "samples-main-0.csv"
    for n in range(1_000):
        recorder.sample(_iteration(n), "create_user", n, n, Outcome.OK)
    recorder.flush()
    while path.read_text().count("\n") < 1_001:
        pass  # the writing thread is at it; the test's time limit ends this

    assert path.read_text().endswith("\n")
    recorder.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_told_once_and_again_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "samples-main-0.csv").symlink_to("/dev/full")
    told, failures = threading.Event(), list[SpoolError]()

    def tell(failure: SpoolError) -> None:
        failures.append(failure)
        told.set()

    recorder = SpoolRecorder(tmp_path, "main", 0, ("create",), tell)
    for n in range(1_000):
        recorder.sample(_iteration(n), "create_user", n, n, Outcome.OK)

    assert told.wait(10)
    with pytest.raises(SpoolError, match="samples-main-0.csv can't be written: No space left"):
        recorder.close()
    assert len(failures) == 1


def test_closing_gives_the_descriptors_back(tmp_path: Path) -> None:
    before = count_open_files()
    _recorder(tmp_path).close()

    assert count_open_files() == before
