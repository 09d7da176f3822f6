"""Serve Dagster's UI with a PostgreSQL of its own, and really stop both.

Add here: an option of the UI. Keep out: importing dagster; it runs as a program.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from perf_pipeline.errors import StackError
from perf_pipeline.stack.parts import Say
from perf_pipeline.stack.postgres import running_postgres

INSTANCE_FILE: Final = "dagster.yaml"
WORKSPACE_FILE: Final = "workspace.yaml"
STORAGE_VARIABLE: Final = "PERF_DAGSTER_POSTGRES_URL"
_STOP_WITHIN_S: Final = 20.0


def serve_ui(state: Path, port: int, *, say: Say, project: Path | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM and give the server's exit code (0 when it was stopped).

    Args:
        state: the storage's data stay in `<state>/dagster`.
        port: on 127.0.0.1.
        say: gets the address.
        project: folder with workspace.yaml and dagster.yaml; the present one when None.

    Raises:
        StackError: the files are not here, or PostgreSQL cannot be started.
    """
    folder = (project or Path()).absolute()
    home = _prepare_home(folder, state)
    with running_postgres(home / "postgres", say=say) as dsn:
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            STORAGE_VARIABLE: storage_url(dsn),
            "PERF_STATE": str(state.absolute()),
        }
        say(f"Dagster's UI: http://127.0.0.1:{port} (Ctrl-C stops it)")
        return _run(folder, port, environment)


def storage_url(dsn: str) -> str:
    """Name the driver that dagster-postgres can use; SQLAlchemy 2.1 would choose another."""
    return dsn.replace("postgresql://", "postgresql+psycopg2://", 1)


def _prepare_home(folder: Path, state: Path) -> Path:
    for name in (INSTANCE_FILE, WORKSPACE_FILE):
        if not (folder / name).is_file():
            raise StackError(
                f"there is no {name} in {folder}",
                hint="start the UI in the project's folder, or write one after the project's",
            )
    home = state.absolute() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / INSTANCE_FILE, home / INSTANCE_FILE)
    return home


def _run(folder: Path, port: int, environment: Mapping[str, str]) -> int:
    """Run `dagster dev` in a process group of its own, so that nothing of it outlives us."""
    command = [sys.executable, "-m", "dagster", "dev", "--workspace", WORKSPACE_FILE]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env=dict(environment),
        start_new_session=True,
    )
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: stopped.append(got) or _interrupt(process))  # type: ignore[func-returns-value]  # append gives None
    try:
        code = process.wait()
    finally:
        _end_group(process)
    return 0 if stopped else code


def _interrupt(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of the group: dagster's webserver and daemon are its children."""
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
