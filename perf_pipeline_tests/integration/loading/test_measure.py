"""What stands around every load: its outcome is written once, and the machine is calibrated."""

import csv
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.engine import wall_clock
from perf_pipeline.loading.benchmark_folder import fresh_folder
from perf_pipeline.loading.calibrating import calibrated
from perf_pipeline.loading.deliveries import NO_TABLE
from perf_pipeline.loading.measure import measure
from perf_pipeline.loading.prepare import write_run
from perf_pipeline.loading.session import Session
from perf_pipeline.probes.calibration import CPU, DISK, LOOPBACK
from perf_pipeline.store.history import open_history
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.spool_records import read_outcome
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.loads.own_database import own_database
from perf_pipeline_tests.support.loads.sessions import session_with
from perf_pipeline_tests.support.servers.http_target import http_target

DELIVERY_TABLES = """
create table users (id bigint primary key, email text not null);
create table message_deliveries (user_id bigint, attempts integer, completed_at timestamptz);
"""
PROFILE = """
name = "one"
workers = 1
[benchmarks.visits.scenarios.all]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "1s"
[[benchmarks.visits.scenarios.all.parameters.steps]]
name = "visit"
method = "GET"
path = "/ok"
"""


def _session(
    tmp_path: Path, base_url: str, stop: threading.Event, overrides: dict[str, Any] | None = None
) -> Session:
    path = tmp_path / "one.toml"
    path.write_text(PROFILE)
    target = resolve_target("local", TargetConfig(), {"PERF_BASE_URL": base_url})
    return replace(session_with(load_profile(str(path), overrides), target, tmp_path), stop=stop)


def _calibrations(session: Session) -> list[tuple[str, str, int]]:
    files = sorted((session.folder / "visits").glob("readings-calibration-*.csv"))
    rows = [row for file in files for row in _readings(file)]
    return [(row["name"], row["source"], int(row["at_us"])) for row in rows]


def _readings(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def test_what_is_returned_is_what_was_written(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()  # before the first step: nothing is sent, and the outcome is written all the same
    with http_target() as target:
        session = _session(tmp_path, target.base_url, stop)
        returned = measure(session, "visits")

    written = read_outcome(session.folder / "visits")
    assert written is not None
    assert returned.status == written.status == "stopped"
    assert returned.wall_s == written.wall_s
    assert _calibrations(session) == []


def test_the_load_machine_is_calibrated_before_and_after_the_load_and_never_during_it(
    tmp_path: Path,
) -> None:
    with http_target() as target:
        session = _session(tmp_path, target.base_url, threading.Event())
        write_run(session)
        (scenario,) = measure(session, "visits").scenarios

    timed = _calibrations(session)
    assert [(name, side) for name, side, _ in timed] == [
        (name, side) for side in ("after", "before") for name in (CPU, LOOPBACK, DISK)
    ]
    before = [at_us for _, side, at_us in timed if side == "before"]
    after = [at_us for _, side, at_us in timed if side == "after"]
    assert max(before) < scenario.measured_from_us < scenario.measured_until_us <= min(after)
    with open_history(State(tmp_path).history_file) as history:
        stored = history.ingest(session.folder, "visits")
        summaries = history.summarise(RunKey("r1", "visits"), [])
    assert not stored.damage
    found = {
        (summary.metric, summary.tags["source"])
        for summary in summaries
        if "source" in summary.tags
    }
    assert found >= {(name, side) for name, side, _ in timed}


def test_a_wall_clock_that_is_set_before_the_load_does_not_make_it_invalid(
    tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double is the wall clock, which a first NTP answer sets during the calibration."""
    calibration = tmp_path / "spool" / "r1" / "end_to_end" / "readings-calibration-before.csv"
    monkeypatch.setattr(
        wall_clock, "wall_clock_offset_ms", lambda: 1_300.0 if calibration.exists() else 1_000.0
    )
    path = tmp_path / "one.toml"
    path.write_text(PROFILE.replace("visits", "end_to_end"))
    with http_target() as api, own_database(postgres_dsn, "measure") as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute(DELIVERY_TABLES)
        given = {"PERF_BASE_URL": api.base_url, "PERF_POSTGRES_DSN": dsn}
        target = resolve_target("local", TargetConfig(), given)
        found = measure(session_with(load_profile(str(path)), target, tmp_path), "end_to_end")

    assert calibration.exists()
    assert [reason for reason in found.invalid_reasons if "wall clock" in reason] == []
    assert NO_TABLE not in found.problems


def test_a_calibration_stands_after_a_load_and_before_the_next_one(tmp_path: Path) -> None:
    session = _session(tmp_path, "http://127.0.0.1:1", threading.Event())
    first, second = fresh_folder(session, "visits"), fresh_folder(session, "orders")
    one_ns = time.monotonic_ns()
    assert calibrated(session, first, one_ns, "after") == []
    two_ns = time.monotonic_ns()
    assert calibrated(session, second, two_ns, "before") == []

    after = _readings(first / "readings-calibration-after.csv")
    before = _readings(second / "readings-calibration-before.csv")
    assert {row["source"] for row in after} == {"after"}
    assert {row["source"] for row in before} == {"before"}
    assert [row["value"] for row in before] == [row["value"] for row in after]
    for later, earlier in zip(before, after, strict=True):
        distance_us = int(earlier["at_us"]) - int(later["at_us"])
        assert distance_us in ((two_ns - one_ns) // 1_000, (two_ns - one_ns) // 1_000 + 1)
        assert int(later["at_us"]) < 0


def test_nothing_is_loaded_while_the_benchmark_before_is_stored(
    tmp_path: Path,
) -> None:
    stored, before = Future[None](), list[object]()
    with http_target() as target:
        session = _session(tmp_path, target.base_url, threading.Event(), {"calibration": False})
        session.storing.work = stored

        def end_storing() -> None:
            before.extend(request for request in target.requests if request.path == "/ok")
            stored.set_result(None)

        ending = threading.Timer(1.0, end_storing)
        ending.start()
        outcome = measure(session, "visits")
        ending.join()

    assert before == []
    assert outcome.scenarios[0].iterations > 0


def test_a_profile_can_leave_the_calibration_out(tmp_path: Path) -> None:
    session = _session(tmp_path, "http://127.0.0.1:1", threading.Event(), {"calibration": False})
    folder = fresh_folder(session, "visits")

    assert calibrated(session, folder, 0, "before") == []
    assert list(folder.iterdir()) == []
