"""Dagster's own storage is chosen by the environment, and the log is told little of a load."""

import logging
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster_postgres import DagsterPostgresStorage

from perf_pipeline.defs.narration import LogNarrator
from perf_pipeline.defs.resources import how_to_follow
from perf_pipeline.defs.storage import TEMPORARY_VARIABLE, PostgresWhereGiven
from perf_pipeline.following.announcement import announced
from perf_pipeline.stack.webserver import STORAGE_VARIABLE, storage_url
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.places import ROOT

CONFIG = {"postgres_url_variable": STORAGE_VARIABLE}


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what chooses a storage."""
    for name in (STORAGE_VARIABLE, "DAGSTER_HOME", TEMPORARY_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_without_a_url_runs_are_kept_in_dagsters_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))

    storage = PostgresWhereGiven.from_config_value(None, CONFIG)

    assert isinstance(storage, DagsterSqliteStorage)
    assert storage.base_dir == str(tmp_path / "storage")


def test_without_a_home_the_processes_of_one_command_share_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TEMPORARY_VARIABLE, str(tmp_path / "of_the_parent"))

    storage = PostgresWhereGiven.from_config_value(None, CONFIG)

    assert isinstance(storage, DagsterSqliteStorage)
    assert storage.base_dir == str(tmp_path / "of_the_parent")


def test_with_a_url_runs_are_kept_in_postgresql_and_the_password_is_not_written_down(
    monkeypatch: pytest.MonkeyPatch, postgres_dsn: str
) -> None:
    url = storage_url(postgres_dsn)
    monkeypatch.setenv(STORAGE_VARIABLE, url)

    storage = PostgresWhereGiven.from_config_value(None, CONFIG)

    assert isinstance(storage, DagsterPostgresStorage)
    assert storage.postgres_url == url
    assert storage.inst_data is not None
    assert storage.inst_data.config_yaml == f"postgres_url:\n  env: {STORAGE_VARIABLE}\n"
    assert storage.run_storage.get_runs() == []


def test_the_projects_dagster_yaml_makes_an_instance_that_tells_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))

    with dg.DagsterInstance.get() as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.run_monitoring_enabled
        assert instance.python_log_level == "INFO"


def test_of_a_loads_progress_one_line_in_ten_seconds_is_logged_and_every_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times_s = iter([0.0, 0.0, 0.0, 9.9, 10.0, 10.0])
    log = logging.getLogger("narration")
    narration = LogNarrator(log, lambda: next(times_s))

    with caplog.at_level(logging.INFO, "narration"):
        narration.say("seeding 20 users")
        narration.progress("api: 1 of 20 s", {})  # at 0 s
        narration.progress("api: 10 of 20 s", {})  # at 9.9 s: too soon
        narration.say("the stack is up")
        narration.progress("api: 11 of 20 s", {})  # at 10 s

    assert caplog.messages == [
        "seeding 20 users",
        "api: 1 of 20 s",
        "the stack is up",
        "api: 11 of 20 s",
    ]


def test_a_run_says_how_it_can_be_followed_or_where_it_is(tmp_path: Path) -> None:
    state = State(tmp_path / "with blank")

    told = how_to_follow(state)
    with announced(state, "http://127.0.0.1:8899/c2VjcmV0/"):
        told_where = how_to_follow(state)

    assert f"`perf-pipeline --state '{state.folder}' watch`" in told
    assert told_where == "this run can be followed at http://127.0.0.1:8899/c2VjcmV0/"
