"""What the tests of defs/ share: the tiny profile, a state folder, and the command in a process."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, Final

import dagster as dg
import psutil

from perf_pipeline.loading.locks import LOCK_FOLDER_VARIABLE
from perf_pipeline_tests.support.commands.forked import ForkedProcess, forked
from perf_pipeline_tests.support.places import ROOT

TINY = str(Path(__file__).with_name("tiny.toml"))
# A million statements, one after the other: longer than anybody waits here.
ENDLESS_INSERTS: Final = {
    "benchmarks.database_benchmark.scenarios.insert.iterations": "1_000_000",
    "benchmarks.database_benchmark.scenarios.insert.parameters.batch": "1",
}
MODULE = "perf_pipeline.definitions"
JUDGING = ("threshold_checks", "confirmation", "baseline_diff", "bottlenecks", "report")
# What Dagster's command imports on its way to our definitions, and when it runs their assets.
IMPORTED: Final = (
    "dagster",
    "dagster._cli.asset",
    "dagster._core.definitions.antlr_asset_selection.antlr_asset_selection",
    "dagster._core.definitions.external_asset",
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.instance.runs.run_domain",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.system_config.composite_descent",
    "dagster._core.utility_ops",
    "dagster._core.workspace.autodiscovery",
    "dagster._utils.test.definitions",
    "perf_pipeline.definitions",
    "perf_pipeline.defs.metadata.benchmarks",
    "perf_pipeline.defs.storage",
    "perf_pipeline.following.announcement",
    "perf_pipeline.runs.benchmarking",
    "psycopg2.extras",
    "upath.implementations.local",
)
# What its servers import beside that.
OF_SERVERS: Final = (
    "anyio._backends._asyncio",
    "dagster._api.list_repositories",
    "dagster._api.snapshot_execution_plan",
    "dagster._daemon.cli",
    "dagster._grpc.server_watcher",
    "dagster_graphql.schema.config_type_or_error",
    "dagster_webserver.cli",
    "grpc_health.v1.health",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)


@dataclass(frozen=True, slots=True)
class Forked:
    """Hold Dagster's command as a fork of a process that has imported Dagster."""

    process: ForkedProcess
    log: Path

    @property
    def returncode(self) -> int | None:
        """Give its exit code, None while nobody has awaited its end."""
        return self.process.returncode

    def poll(self) -> int | None:
        """Give its exit code, None while it runs."""
        return self.process.poll()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end, and give its output."""
        out, _ = self.process.communicate(timeout)
        return out, self.log.read_text(encoding="utf-8")

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as nobody can prevent."""
        self.process.kill()


Materializing = Popen[str] | Forked
_STARTED: Final[list[Materializing]] = []


def run_config(**config: object) -> dict[str, Any]:
    """Write run config as people do, with the tiny profile."""
    return {"resources": {"perf_run": {"config": {"profile": TINY, **config}}}}


def start_materialize(
    selection: str, state: Path, *, environ: Mapping[str, str] | None = None, **config: object
) -> Materializing:
    """Start CI's command in a process; its output is on stderr and comes with `communicate`."""
    asked = ["asset", "materialize", "--select", selection, "-m", MODULE]
    config_json = json.dumps(run_config(**config))
    words = [sys.executable, "-m", "dagster", *asked, "--config-json", config_json]
    given = {key: value for key, value in os.environ.items() if not key.startswith("PERF_")}
    given.pop("DAGSTER_HOME", None)
    given[LOCK_FOLDER_VARIABLE] = os.environ[LOCK_FOLDER_VARIABLE]
    given |= {"PERF_STATE": str(state), **(environ or {})}
    started = _started(words, given, state / f"dagster-{time.monotonic_ns()}.txt")
    _STARTED.append(started)
    return started


def _started(words: list[str], environment: dict[str, str], log: Path) -> Materializing:
    process = forked(words, environment, log, modules=IMPORTED)
    if process is not None:
        return Forked(process, log)
    return Popen(
        words,
        cwd=ROOT,
        env=environment,
        stdout=DEVNULL,
        stderr=PIPE,
        text=True,
        start_new_session=True,
    )


@contextmanager
def none_left_running() -> Iterator[None]:
    """End the processes that the block has started and that still run when it is left.

    What a failed test leaves would be a child, or a zombie, of every test after it.
    """
    try:
        yield
    finally:
        for process in _STARTED:
            if process.returncode is None:
                process.kill()
                process.communicate()
        _STARTED.clear()


def of_state(state: Path) -> list[str]:
    """Give the command lines of all live processes that know of the state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            told = [*words, *process.environ().values()]
        except psutil.Error:
            continue
        if any(str(state) in text for text in told) and process.pid != os.getpid():
            found.append(" ".join(words))
    return found


def began(began_at: str) -> datetime:
    """Read when a benchmark began."""
    return datetime.fromisoformat(began_at)


def ended(began_at: str, wall_s: float) -> datetime:
    """Work out when a benchmark ended."""
    return began(began_at) + timedelta(seconds=wall_s)


def checks_by_status(result: dg.ExecuteInProcessResult) -> dict[str, set[tuple[str, str]]]:
    """Group the evaluated checks, as (asset, check), by the status in their metadata."""
    grouped: dict[str, set[tuple[str, str]]] = {}
    for evaluation in result.get_asset_check_evaluations():
        status = evaluation.metadata.get("status")
        label = "gate" if status is None else str(status.value)
        key = (evaluation.asset_key.to_user_string(), evaluation.check_name)
        grouped.setdefault(label, set()).add(key)
    return grouped
