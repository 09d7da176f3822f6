"""The files of a worker whose clock was wrong, after they were corrected: times by hand."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.fleet.corrected_spool import Shifts, SpoolCorrection
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent, Outcome, Phase
from perf_pipeline.metrics.spool_rows import HEAD_BYTES
from perf_pipeline.store.spool_manifest import check_spool
from perf_pipeline_tests.support.histories.spooled_rows import all_rows

S = 1_000_000
# 500 ppm fast: after 60 s by the driver's clock, 60.03 s by the worker's.
FAST = Shifts((0.0, 120_060_000.0), (0.0, -60_000.0))
# 500 ppm slow: after 60 s by the driver's clock, 59.97 s by the worker's.
SLOW = Shifts((0.0, 119_940_000.0), (0.0, 60_000.0))
PLANNED, LOOPED = "planned", "looped"
Times = tuple[int, int, int]


def written(folder: Path, host_us: Callable[[int], int]) -> None:
    """Record what happened at moments of the driver's clock, as a worker's clock read them.

    The worker has the plan's 60 s by its own clock: it starts 1 ms after that. Its answer comes
    100 ms later, and a second request follows at once for 50 ms.
    """
    recorder = SpoolRecorder(folder, "main", 0, (PLANNED, LOOPED), print)
    for scenario in (PLANNED, LOOPED):
        intended_us = 60 * S if scenario == PLANNED else host_us(60 * S)
        started_us = 60 * S + 1_000 if scenario == PLANNED else intended_us
        ended_us = host_us(driver_us(host_us, started_us) + 100_000)
        last_us = host_us(driver_us(host_us, ended_us) + 50_000)
        one = Iteration(scenario, "http", 3, 7, intended_us, Phase.MEASURED, random.Random(1))
        recorder.sample(one, "first", started_us, ended_us, Outcome.OK)
        recorder.sample(one, "second", ended_us, last_us, Outcome.OK, intended_us=ended_us)
        recorder.iteration(one, started_us, last_us, Outcome.OK)
        if scenario == PLANNED:
            recorder.ledger(LedgerEntry('a "m", 1', LedgerEvent.INTENDED, intended_us))
            recorder.ledger(LedgerEntry('a "m", 1', LedgerEvent.STARTED, started_us))
    recorder.close()


def driver_us(host_us: Callable[[int], int], its_us: int) -> int:
    """Turn a clock around; all clocks here are straight from 0."""
    return round(its_us * 60 * S / host_us(60 * S))


def times(folder: Path, kind: str, scenario: str) -> list[Times]:
    return [
        (int(row["intended_us"]), int(row["started_us"]), int(row["ended_us"]))
        for row in all_rows(folder, kind)
        if row["scenario"] == scenario
    ]


def corrected(folder: Path, host_us: Callable[[int], int], shifts: Shifts) -> None:
    written(folder, host_us)
    SpoolCorrection(folder, "main-0", shifts, {PLANNED}).apply()


def near(expected: list[Times]) -> list[object]:
    """Allow for the µs to which clocks are read."""
    return [pytest.approx(row, abs=1) for row in expected]


def test_times_of_a_slow_clock_are_later_and_starts_late_by_the_plan(tmp_path: Path) -> None:
    # 60.001 s of a clock that does 59.97 s in 60 are 60.001 * 60 / 59.97 = 60.031016 s: the start
    # was 31 ms late. The answer took 100 ms, of which the worker's clock saw 99.95.
    corrected(tmp_path, lambda at: at * 5_997 // 6_000, SLOW)

    first, second = times(tmp_path, "samples", PLANNED)
    assert [first] == near([(60_000_000, 60_031_016, 60_131_016)])
    # It followed the first one at once, whatever the plan was.
    assert [second] == near([(60_131_016, 60_131_016, 60_181_016)])
    assert times(tmp_path, "iterations", PLANNED) == near([(60_000_000, 60_031_016, 60_181_016)])


def test_times_of_a_fast_clock_are_earlier_and_nothing_waited_before_its_start(
    tmp_path: Path,
) -> None:
    # Its 60 s were 60 * 60 / 60.03 = 59.970015 s, and it started 1 ms (0.9995) after that: 29 ms
    # before the plan. So the response took 101 ms from when its worker wanted it, and not 71.
    corrected(tmp_path, lambda at: at * 6_003 // 6_000, FAST)

    (first, _) = times(tmp_path, "samples", PLANNED)
    assert [first] == near([(59_970_015, 59_971_014, 60_071_014)])


@pytest.mark.parametrize("parts", [(5_997, SLOW), (6_003, FAST)], ids=["slow", "fast"])
def test_what_loops_starts_when_it_did(tmp_path: Path, parts: tuple[int, Shifts]) -> None:
    rate, shifts = parts
    corrected(tmp_path, lambda at: at * rate // 6_000, shifts)

    (first, _) = times(tmp_path, "samples", LOOPED)
    assert [first] == near([(60_000_000, 60_000_000, 60_100_000)])


def test_stations_of_a_message_are_the_drivers(tmp_path: Path) -> None:
    corrected(tmp_path, lambda at: at * 5_997 // 6_000, SLOW)

    assert (tmp_path / "ledger-main-0.csv").read_text().splitlines()[1:] == [
        '"a ""m"", 1",intended,60000000',
        '"a ""m"", 1",started,60031016',
    ]


def test_a_corrected_spool_is_sealed_and_tells_what_was_added(tmp_path: Path) -> None:
    corrected(tmp_path, lambda at: at * 5_997 // 6_000, SLOW)

    assert check_spool(tmp_path, run_is_sealed=False).damage == ()
    told = json.loads((tmp_path / "clock-main-0.json").read_text())
    assert told == {"at_us": [0.0, 119_940_000.0], "by_us": [0.0, 60_000.0]}
    assert list(tmp_path.glob("*.part")) == []


def test_rows_that_are_not_as_they_were_written_are_told(tmp_path: Path) -> None:
    written(tmp_path, lambda at: at)
    rows = tmp_path / "samples-main-0.npy"
    rows.write_bytes(rows.read_bytes()[: HEAD_BYTES + 7])

    with pytest.raises(ValueError, match=r"samples-main-0\.npy ends within a row"):
        SpoolCorrection(tmp_path, "main-0", SLOW, {PLANNED}).apply()


def test_what_a_worker_did_not_seal_stays_as_it_is(tmp_path: Path) -> None:
    written(tmp_path, lambda at: at)
    (tmp_path / "seal-main-0.json").unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    SpoolCorrection(tmp_path, "main-0", SLOW, {PLANNED}).apply()

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
