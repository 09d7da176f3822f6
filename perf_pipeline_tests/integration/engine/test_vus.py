"""k6's gauges vus and vus_max, and iterations with their think time, of real worker processes."""

import csv
from collections import defaultdict
from pathlib import Path

from perf_pipeline.engine.progress import PartProgress
from perf_pipeline.engine.vu_readings import VuReadings
from perf_pipeline_tests.support.histories.spooled_rows import all_rows
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, scenario

_Second = dict[tuple[str, str], float]


def _readings(folder: Path) -> list[_Second]:
    """Give the readings second by second, by name and scenario (empty: the whole)."""
    seconds: dict[int, _Second] = defaultdict(dict)
    with (folder / "readings-vus-main.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            seconds[int(row["at_us"])][row["name"], row["source"]] = float(row["value"])
    return list(seconds.values())


def test_each_second_has_the_vus_of_all_workers_by_scenario_and_in_all(tmp_path: Path) -> None:
    looping = scenario(
        "Sleeper", {"executor": "constant-vus", "vus": 3, "duration": "2500ms"}, name="looping"
    )
    # 20 starts a second of 0.25 s each need 5 VUs; 2 exist before, so others are made.
    arriving = scenario(
        "Sleeper",
        {
            "executor": "constant-arrival-rate",
            "rate": 20,
            "duration": "1s",
            "startTime": "1500ms",
            "preAllocatedVUs": 2,
            "maxVUs": 8,
        },
        name="arriving",
        service_ms=250,
    )
    load(job_of(tmp_path, looping, arriving))

    first, second, *_ = _readings(tmp_path)
    assert (first["vus", "looping"], first["vus_max", "looping"]) == (3, 3)
    assert (first["vus", "arriving"], first["vus_max", "arriving"]) == (0, 2)
    assert (first["vus", ""], first["vus_max", ""]) == (3, 5)
    # k6 counts every VU that the arrival-rate executor holds, busy or not
    assert 2 < second["vus", "arriving"] == second["vus_max", "arriving"] <= 8
    assert 0 < second["vus_busy", "arriving"] <= second["vus", "arriving"]
    assert second["vus", ""] == second["vus", "looping"] + second["vus", "arriving"]


def test_a_second_that_nobody_looked_at_has_no_reading(tmp_path: Path) -> None:
    """The driver was away from 1.2 to 3.4 s: readings say when they were taken, none is made up."""
    part = PartProgress("a,b", active=1, vus=2, vus_made=4)
    readings = VuReadings(tmp_path, "main")
    for now_us in (6_100_000, 6_200_000, 6_900_000, 8_400_000):
        readings.note(now_us, 5_000_000, [part, part])
    readings.close()

    whole = {("vus", ""): 4, ("vus_max", ""): 8, ("vus_busy", ""): 2}
    of_scenario = {(name, "a,b"): value for (name, _), value in whole.items()}
    assert _readings(tmp_path) == [whole | of_scenario] * 2
    assert (tmp_path / "readings-vus-main.csv").read_text().count("\n8000000,") == 6


def test_starts_that_were_dropped_are_told_with_the_second_in_which_they_were(
    tmp_path: Path,
) -> None:
    readings = VuReadings(tmp_path, "main")
    for second, (shop, search) in enumerate([(0, 0), (3, 0), (3, 0), (10, 2)], start=1):
        parts = [PartProgress("shop", dropped=shop), PartProgress("search", dropped=search)]
        readings.note(second * 1_000_000 + 200_000, 0, parts)
    readings.end(4_700_000, [PartProgress("shop", dropped=11), PartProgress("search", dropped=2)])
    readings.close()

    with (tmp_path / "readings-vus-main.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["name"] == "dropped_iterations"]
    # Of 3, 7 and 1 starts of shop and 2 of search; a second without any has no reading.
    assert [(int(row["at_us"]), row["source"], row["value"]) for row in rows] == [
        (2_000_000, "shop", "3"),
        (2_000_000, "", "3"),
        (4_000_000, "shop", "7"),
        (4_000_000, "search", "2"),
        (4_000_000, "", "9"),
        (4_700_000, "shop", "1"),
        (4_700_000, "", "1"),
    ]


def test_every_iteration_is_recorded_once_with_its_think_time(tmp_path: Path) -> None:
    quota = {"executor": "per-vu-iterations", "vus": 4, "iterations": 5}
    load(job_of(tmp_path, scenario("Sleeper", quota, service_ms=10, think_ms=40)))

    rows = all_rows(tmp_path, "iterations")
    assert sorted((int(row["vu"]), int(row["iteration"])) for row in rows) == [
        (vu, number) for vu in range(1, 5) for number in range(5)
    ]
    for row in rows:
        assert (row["phase"], row["outcome"]) == ("measured", "ok")
        # uvloop's timers may fire a millisecond early, two of them
        assert int(row["ended_us"]) - int(row["started_us"]) >= 48_000


def test_an_iteration_that_raised_is_failed_and_one_that_was_cut_is_interrupted(
    tmp_path: Path,
) -> None:
    buggy = {"executor": "per-vu-iterations", "vus": 1, "iterations": 3}
    idle = {"executor": "constant-vus", "vus": 1, "duration": "1s", "gracefulStop": "0s"}
    load(
        job_of(
            tmp_path,
            scenario("Buggy", buggy, name="buggy"),
            scenario("Idle", idle, name="idle"),
            workers=1,
        )
    )

    rows = [
        (row["scenario"], row["outcome"], row["phase"]) for row in all_rows(tmp_path, "iterations")
    ]
    assert sorted(rows) == [
        ("buggy", "failed", "measured"),
        ("buggy", "ok", "measured"),
        ("buggy", "ok", "measured"),
        ("idle", "interrupted", "measured"),
    ]
