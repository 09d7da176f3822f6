"""The spool on a real disk: what was recorded is what is read, and a full disk is noticed."""

import csv
import random
import threading
from pathlib import Path

import numpy as np
import pytest

from perf_pipeline.engine.open_files import count_open_files
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.engine.spool_writer import SpoolError
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
from perf_pipeline_tests.support.histories.spooled_rows import rows_of

RNG = random.Random(1)


def _iteration(number: int, phase: Phase = Phase.MEASURED) -> Iteration:
    return Iteration("create", "http", 3, number, 1_000 + number, phase, RNG)


def _recorder(folder: Path, failures: list[SpoolError] | None = None) -> SpoolRecorder:
    kept = [] if failures is None else failures
    return SpoolRecorder(folder, "main", 0, ("create",), kept.append)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_everything_that_was_recorded_is_read_back(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    for n in range(10_000):
        recorder.sample(_iteration(n), "create_user", n, n + 7, Outcome.OK, status=201)
    recorder.close()

    rows = rows_of(tmp_path / "samples-main-0.npy")
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

    (row,) = rows_of(tmp_path / "samples-main-0.npy")
    assert set(row) == set(SAMPLE_COLUMNS)
    assert tuple(row[name] for name in SAMPLE_COLUMNS) == (
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


def test_ten_thousand_operations_that_come_twice_keep_their_names(tmp_path: Path) -> None:
    # More than the recorder remembers, in an order in which it forgets and meets them again.
    names = [str(n // 2 if n % 2 else n) for n in range(10_000)]
    recorder = _recorder(tmp_path)
    for n, name in enumerate(names):
        recorder.sample(_iteration(n), name, n, n + 7, Outcome.OK)
    recorder.close()

    rows = rows_of(tmp_path / "samples-main-0.npy")
    assert [row["operation"] for row in rows] == names
    assert [row["started_us"] for row in rows] == [str(n) for n in range(10_000)]


def test_a_closed_file_is_one_that_numpy_loads(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    for n in range(1_000):
        recorder.sample(_iteration(n), "create_user", n, n + 7, Outcome.OK, records=2)
    recorder.close()

    found = np.load(tmp_path / "samples-main-0.npy")
    assert found.shape == (1_000,)
    assert found["records"].sum() == 2_000
    assert set(found["ended_us"] - found["started_us"]) == {7}


def test_an_operation_without_phases_says_that_there_were_none(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    recorder.sample(_iteration(0), "produce", 1, 2, Outcome.OK)
    recorder.close()

    (row,) = rows_of(tmp_path / "samples-main-0.npy")
    assert [row[name] for name in SAMPLE_COLUMNS[-6:]] == ["-1"] * 6


def test_an_iteration_is_a_row_of_its_own(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    recorder.iteration(_iteration(5), 1_007, 3_007, Outcome.OK)
    recorder.close()

    (row,) = rows_of(tmp_path / "iterations-main-0.npy")
    assert set(row) == set(ITERATION_COLUMNS)
    assert [row[name] for name in ITERATION_COLUMNS] == [
        "create",
        "3",
        "5",
        "measured",
        "1005",
        "1007",
        "3007",
        "ok",
    ]


def test_the_ledger_has_one_row_per_station(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    recorder.ledger(LedgerEntry("user,1", LedgerEvent.INTENDED, 1))
    recorder.ledger(LedgerEntry("user,1", LedgerEvent.COMPLETED, 9))
    recorder.close()

    rows = _lines(tmp_path / "ledger-main-0.csv")
    assert tuple(rows[0]) == LEDGER_COLUMNS
    assert [tuple(row.values()) for row in rows] == [
        ("user,1", "intended", "1"),
        ("user,1", "completed", "9"),
    ]


def test_what_is_flushed_is_on_disk_in_whole_rows_whose_kinds_are_there(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path)
    path = tmp_path / "samples-main-0.npy"
    for n in range(1_000):
        recorder.sample(_iteration(n), f"operation {n % 7}", n, n, Outcome.OK)
    recorder.flush()
    # A head of 1,024 bytes, rows of 2 * 4 + 15 * 8 bytes; the writing thread is at it, and the
    # test's time limit ends this.
    while path.stat().st_size < 1_024 + 1_000 * 128:
        pass

    assert path.stat().st_size == 1_024 + 1_000 * 128
    assert [row["operation"] for row in rows_of(path)][:8] == [
        f"operation {n % 7}" for n in range(8)
    ]
    recorder.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_told_once_and_again_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "samples-main-0.npy").symlink_to("/dev/full")
    told, failures = threading.Event(), list[SpoolError]()

    def tell(failure: SpoolError) -> None:
        failures.append(failure)
        told.set()

    recorder = SpoolRecorder(tmp_path, "main", 0, ("create",), tell)
    for n in range(1_000):
        recorder.sample(_iteration(n), "create_user", n, n, Outcome.OK)

    assert told.wait(10)
    with pytest.raises(SpoolError, match="samples-main-0.npy can't be written: No space left"):
        recorder.close()
    assert len(failures) == 1


def test_closing_gives_the_descriptors_back(tmp_path: Path) -> None:
    before = count_open_files()
    _recorder(tmp_path).close()

    assert count_open_files() == before


def test_names_and_ids_that_no_file_can_hold_are_escaped(tmp_path: Path) -> None:
    r"""A lone surrogate, as JSON can hold it (`"\ud800"`), has no bytes in any encoding."""
    recorder = _recorder(tmp_path)
    recorder.sample(_iteration(1), "read \ud800", 1, 2, Outcome.FAILED, error="\udfff")
    recorder.ledger(LedgerEntry("id \ud800", LedgerEvent.COMPLETED, 3))
    recorder.close()

    (row,) = rows_of(tmp_path / "samples-main-0.npy")
    (entry,) = _lines(tmp_path / "ledger-main-0.csv")
    assert (row["operation"], row["error"]) == (r"read \ud800", r"\udfff")
    assert entry["message_id"] == r"id \ud800"


def test_ways_of_failing_without_end_are_counted_together(tmp_path: Path) -> None:
    """300 classes of errors: 100 are told apart, and the other 200 count as one."""
    recorder = _recorder(tmp_path)
    for n in range(300):
        recorder.sample(_iteration(n), "query", n, n + 1, Outcome.FAILED, error=f"E{n}")
    recorder.close()

    ways = recorder.counts["create"].ways
    assert len(ways) == 101
    assert ways["other errors"] == 200


def test_a_series_writes_the_rows_that_samples_would_be(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    plain, fast = _recorder(one), _recorder(other)
    series = fast.series("create", "http", "create_user")
    for n in range(3_000):
        iteration = _iteration(n, Phase.MEASURED if n % 3 else Phase.WARM_UP)
        if n % 5 == 0:
            iteration.cut_us = 10  # what begins after that is drain
        plain.sample(
            iteration, "create_user", n, n + 7, Outcome.OK, intended_us=n - 1, records=n % 4
        )
        series.answered(iteration, n - 1, n, n + 7, n % 4)
    plain.close()
    fast.close()

    for name in ("samples-main-0.npy", "kinds-samples-main-0.csv"):
        assert (other / name).read_bytes() == (one / name).read_bytes()
    assert fast.counts["create"].ok == plain.counts["create"].ok == 3_000
    assert fast.counts["create"].take_durations_us() == (3_000, [7] * 3_000)


def test_answers_write_the_rows_that_samples_would_be(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    plain, fast = _recorder(one), _recorder(other)
    answers = fast.answers("create", "http", "create_user")
    for n in range(3_000):
        iteration = _iteration(n, Phase.MEASURED if n % 3 else Phase.WARM_UP)
        if n % 5 == 0:
            iteration.cut_us = 10  # what begins after that is drain
        status = 200 + n % 2
        plain.sample(
            iteration,
            "create_user",
            n,
            n + 7,
            Outcome.OK,
            intended_us=n - 1,
            status=status,
            bytes_out=n + 100,
            bytes_in=n + 200,
            checks_passed=n % 2,
            phases=HttpPhases(0, 0, 0, 1, 4, 2),
        )
        # sent from n to n + 1, first byte at n + 1 + 4, last one at n + 5 + 2
        answers.answered(iteration, status, n - 1, n, n + 1, n + 5, n + 7, n + 100, n + 200, n % 2)
    plain.close()
    fast.close()

    for name in ("samples-main-0.npy", "kinds-samples-main-0.csv"):
        assert (other / name).read_bytes() == (one / name).read_bytes()
    assert fast.counts["create"].ok == plain.counts["create"].ok == 3_000
    assert fast.counts["create"].take_durations_us() == (3_000, [7] * 3_000)
