"""The UI with its own PostgreSQL: it serves, it says why it can't, and it leaves nothing behind."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import httpx
import pytest

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.errors import StackError
from perf_pipeline.stack.service import free_port
from perf_pipeline.stack.webserver import INSTANCE_FILE, WORKSPACE_FILE, serve_ui, storage_url
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.dagster.runs import (
    ENDLESS_INSERTS,
    IMPORTED,
    OF_SERVERS,
    of_state,
    run_config,
)
from perf_pipeline_tests.support.places import ROOT, new_state
from perf_pipeline_tests.support.silent import hush

LAUNCH = """
mutation($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename ... on LaunchRunSuccess { run { id } } ... on PythonError { message }
  }
}"""
RUNS = "{ runsOrError { ... on Runs { results { id status } } } }"
ENDS = "{ runsOrError { ... on Runs { results { endTime } } } }"
# Of the stack only PostgreSQL starts, and its load is still under way when the UI is stopped.
DATABASE_ALONE = {
    f"benchmarks.{name}.enabled": "false" for name in NAMES if name != "database_benchmark"
} | ENDLESS_INSERTS
# How long a stop waits for runs to be cancelled, before it ends what is left.
PATIENCE_S = 15.0


def ask(port: int, query: str, **variables: object) -> Any:
    """Ask Dagster's GraphQL API."""
    body = {"query": query, "variables": variables}
    answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json=body, timeout=30)
    return answer.json()["data"]


@contextmanager
def running_ui(state: Path, port: int, project: Path = ROOT) -> Iterator[Popen[str]]:
    """Start the command, wait for its address, and end it should the test not have done so."""
    command = [sys.executable, "-m", "perf_pipeline", "--state", str(state), "ui"]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PERF_")}
    with started(
        [*command, "--port", str(port)],
        modules=(*IMPORTED, *OF_SERVERS),
        cwd=project,
        env=environ,
        stdout=PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            assert any(f"http://127.0.0.1:{port}" in line for line in lines)
            yield process
        finally:
            process.terminate()


def launch(port: int, **config: object) -> str:
    """Start the job `quick` as the UI's button does and give the run's id."""
    selector = {
        "repositoryLocationName": "perf_pipeline",
        "repositoryName": "__repository__",
        "jobName": "quick",
    }
    parameters = {"selector": selector, "runConfigData": run_config(**config)}
    answer = ask(port, LAUNCH, parameters=parameters)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["id"])


def wait_for_load(state: Path) -> None:
    """Wait until a run has started what its load workers are forks of."""
    until_s = time.monotonic() + 120
    while not any("perf_pipeline.engine.worker" in command for command in of_state(state)):
        assert time.monotonic() < until_s, "no load began"
        time.sleep(0.2)


def wait_for_status(port: int, run_id: str, status: str) -> None:
    """Wait until the only run has a status.

    The UI tells its address a moment before it marks what a busy machine did not let end in time.
    """
    until_s = time.monotonic() + 60
    while (runs := ask(port, RUNS)["runsOrError"]["results"]) != [{"id": run_id, "status": status}]:
        assert time.monotonic() < until_s, runs
        time.sleep(0.2)


def project_without_code(folder: Path) -> Path:
    """Make a project with our instance, and no code location."""
    folder.mkdir()
    (folder / INSTANCE_FILE).write_bytes((ROOT / INSTANCE_FILE).read_bytes())
    (folder / WORKSPACE_FILE).write_text("load_from: []\n", encoding="utf-8")
    return folder


@pytest.mark.timeout(300)
def test_a_stopped_ui_ends_everything_and_cancels_the_run_that_is_under_way(
    tmp_path: Path,
) -> None:
    state = new_state(tmp_path / "state")
    port = free_port()
    with running_ui(state, port) as ui:
        run_id = launch(port, state=str(state), overrides=DATABASE_ALONE)
        wait_for_load(state)
        stopped_s = datetime.now(UTC).timestamp()
        ui.send_signal(signal.SIGTERM)

        assert ui.wait(60) == 0
        gone_s = datetime.now(UTC).timestamp()
    assert of_state(state) == []

    # What is kept needs no code, whose two servers take as much CPU as the UI's own.
    with running_ui(state, port, project_without_code(tmp_path / "project")) as again:
        wait_for_status(port, run_id, "CANCELED")
        (end_s,) = (run["endTime"] for run in ask(port, ENDS)["runsOrError"]["results"])
        # The stop has cancelled it, and not this start, unless a busy machine let no time for it.
        assert end_s <= gone_s or gone_s - stopped_s >= PATIENCE_S
        again.send_signal(signal.SIGINT)

        assert again.wait(60) == 0
    assert of_state(state) == []


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(StackError) as caught:
            serve_ui(tmp_path, port, say=hush, project=ROOT)

    assert f"port {port} of 127.0.0.1 can't be used for the UI" in caught.value.sentence
    assert f"--port {port + 1}" in caught.value.hint
    assert not (tmp_path / "dagster" / "postgres").exists()


def test_outside_of_the_project_the_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"there is no dagster\.yaml in "):
        serve_ui(tmp_path / "state", 3000, say=hush, project=tmp_path)


def test_the_storage_url_names_the_driver_that_dagster_can_use() -> None:
    url = storage_url("postgresql://user:secret@127.0.0.1:5432/dagster")

    assert url == "postgresql+psycopg2://user:secret@127.0.0.1:5432/dagster"
