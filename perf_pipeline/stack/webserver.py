"""Serve Dagster's UI with a PostgreSQL of its own, and really stop both.

Add here: an option of the UI. Keep out: importing dagster; it runs as a program.
"""

import json
import os
import shutil
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from perf_pipeline.errors import StackError
from perf_pipeline.narration import Say
from perf_pipeline.stack.postgres import running_postgres
from perf_pipeline.stack.process_register import is_alive
from perf_pipeline.stack.report_files import served_reports
from perf_pipeline.stack.service import (
    LOOPBACK,
    Command,
    Service,
    is_listening,
    spawn,
)
from perf_pipeline.stack.signals import ending_signals, terminal_leaver
from perf_pipeline.stack.ui_instance import SERVICES, known_instance

INSTANCE_FILE: Final = "dagster.yaml"
WORKSPACE_FILE: Final = "workspace.yaml"
REPORTS_VARIABLE: Final = "PERF_REPORTS_URL"
HISTORY_FILE: Final = "history.duckdb"
STORAGE_VARIABLE: Final = "PERF_DAGSTER_POSTGRES_URL"
_READY_WITHIN_S: Final = 90.0
_STOP_WITHIN_S: Final = 20.0
_RUN_ENDS_WITHIN_S: Final = 15.0
_POLL_S: Final = 0.2
_CLIENTS: Final = 2  # ended before the servers of the folder, of which PostgreSQL is one
_NOT_ENDED: Final = (
    "query($before: Float!) {runsOrError(filter: {statuses: "
    "[QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING], updatedBefore: $before}) "
    "{... on Runs {results {id}}}}"
)
_TERMINATE: Final = (
    "mutation($ids: [String!]!, $policy: TerminateRunPolicy!) "
    "{terminateRuns(runIds: $ids, terminatePolicy: $policy) {__typename}}"
)


def serve_ui(state: Path, port: int, *, say: Say, project: Path | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM and return 0.

    Runs that have not ended when it is stopped are cancelled first. Should this process be killed,
    its guard ends the rest, and the next start marks such runs as cancelled.

    Args:
        state: the storage's data stay in `<state>/dagster`.
        port: on 127.0.0.1.
        say: gets the address.
        project: folder with workspace.yaml and dagster.yaml; the present one when None.

    Raises:
        StackError: the files are not here, the port is taken, or a server cannot be started or
            ended by itself.
    """
    folder = (project or Path()).absolute()
    services = state.absolute() / SERVICES
    # A folder of its own: what Dagster does not know in DAGSTER_HOME it may remove (`logs`).
    home = _prepare_home(folder, services / "home")
    _require_free(port)
    began_at = datetime.now(UTC)
    with (
        stop_signals() as stop,
        running_postgres(services, say=say) as dsn,
        served_reports(state.absolute() / "reports", port + 1) as reports,
    ):
        say("starting Dagster ...")
        instance = {
            "DAGSTER_HOME": str(home),
            STORAGE_VARIABLE: storage_url(dsn),
            REPORTS_VARIABLE: os.environ.get(REPORTS_VARIABLE) or reports,
        }
        dagster = spawn(services, _command(folder, state, instance, dsn, port))
        dagster.await_ready(lambda: stop.is_set() or is_listening(port), _READY_WITHIN_S)
        say(f"Dagster's UI: http://{LOOPBACK}:{port} (Ctrl-C stops it; its log: {dagster.log})")
        _cancel_runs(port, "MARK_AS_CANCELED_IMMEDIATELY", before=began_at)
        with known_instance(services, instance):
            _bring_in_stored_runs(services, state, instance)
            _wait(stop, dagster)
        if not stop.is_set():
            raise dagster.failure("ended by itself")
        say("stopping Dagster ...")
        _cancel_runs(port, "SAFE_TERMINATE", before=datetime.now(UTC))
    return 0


def storage_url(dsn: str) -> str:
    """Name the driver that dagster-postgres can use; SQLAlchemy 2.1 would choose another."""
    return dsn.replace("postgresql://", "postgresql+psycopg2://", 1)


def _prepare_home(folder: Path, home: Path) -> Path:
    for name in (INSTANCE_FILE, WORKSPACE_FILE):
        if not (folder / name).is_file():
            raise StackError(
                f"there is no {name} in {folder}",
                hint="start the UI in the project's folder, or create the file there",
            )
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / INSTANCE_FILE, home / INSTANCE_FILE)
    return home


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StackError(
                f"port {port} of {LOOPBACK} can't be used for the UI: {error.strerror}",
                hint=f"choose another port: perf-pipeline ui --port {port + 1}",
            ) from error


def _command(
    folder: Path, state: Path, instance: Mapping[str, str], dsn: str, port: int
) -> Command:
    workspace = ("--workspace", str(folder / WORKSPACE_FILE))
    address = ("--host", LOOPBACK, "--port", str(port))
    return Command(
        name="dagster",
        argv=(sys.executable, "-P", "-m", "dagster", "dev", *workspace, *address),
        environment={
            "PYTHONSAFEPATH": "1",  # for its own children, too
            **instance,
            "PERF_STATE": str(state.absolute()),
            # Its notice that it is superseded is for us and not for readers of the log.
            "PYTHONWARNINGS": "ignore:Function",
        },
        secrets=(instance[STORAGE_VARIABLE], dsn),
        needs_secrets=True,  # its runs load targets whose addresses are in variables
        grace_s=_STOP_WITHIN_S,
        wave=_CLIENTS,
    )


def _bring_in_stored_runs(services: Path, state: Path, instance: Mapping[str, str]) -> None:
    """Show runs of the command line as well; it ends by itself, or with the other servers."""
    if (state / HISTORY_FILE).exists():
        command = Command(
            name="stored-runs",
            argv=(sys.executable, "-P", "-m", "perf_pipeline.defs.sync", str(state.absolute())),
            environment={"PYTHONSAFEPATH": "1", **instance},
            secrets=(instance[STORAGE_VARIABLE],),
            needs_secrets=True,
            grace_s=_STOP_WITHIN_S,
            wave=_CLIENTS,
        )
        spawn(services, command)


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C, SIGTERM and a closed terminal set; under `nohup` only the former.

    To be called in the main thread.
    """
    stop = threading.Event()
    leave_terminal = terminal_leaver()

    def on_signal(number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            leave_terminal()  # or what is still said would end us in the middle of ending
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in ending_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(stop: threading.Event, dagster: Service) -> None:
    while not stop.wait(_POLL_S) and is_alive(dagster.record):
        pass


def _cancel_runs(port: int, policy: str, *, before: datetime) -> None:
    """Have Dagster cancel runs that have not ended and were last heard of before a time; wait.

    At the end: a server that is stopped would leave them as running, or queued to begin a load as
    soon as somebody looks at the UI again. At the beginning: nothing can run yet, so a run that is
    said to was left by a server that was killed; it would keep every later run in the queue.
    """
    pause = threading.Event()
    # A server that does not answer is stopped all the same.
    with suppress(OSError, KeyError, TypeError, ValueError):
        for attempt in range(round(_RUN_ENDS_WITHIN_S / _POLL_S)):
            answer = _ask(port, _NOT_ENDED, before=before.timestamp())
            ids = [run["id"] for run in answer["runsOrError"]["results"]]
            if not ids:
                return
            if attempt == 0:
                _ask(port, _TERMINATE, ids=ids, policy=policy)
            pause.wait(_POLL_S)


def _ask(port: int, query: str, **variables: object) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{port}/graphql",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_RUN_ENDS_WITHIN_S) as answer:  # noqa: S310 - as above
        return json.loads(answer.read())["data"]
