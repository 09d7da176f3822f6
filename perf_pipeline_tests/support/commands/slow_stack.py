"""A stack of its own that is made slow on purpose in one tier at a time, and a small load on it.

Add here: another way of slowing one tier, with real means only. Keep out: what must come of it.
"""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import psycopg

from perf_pipeline.config.loading import load_profile
from perf_pipeline.report.model import RunReport
from perf_pipeline.runs.pipeline import run_pipeline
from perf_pipeline.stack.embedded import down, up
from perf_pipeline.stack.ending import end_processes, pids_of
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.stack.process_register import read_register
from perf_pipeline.stack.resizing import resize
from perf_pipeline.stack.service import Command, kept_command, spawn
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.silent import Silent, hush

BENCHMARK: Final = "end_to_end"
PROFILE: Final = """
extends = "quick"
name = "one_slow_tier"
workers = 1
calibration = false
[seeding]
users = 100
[benchmarks.end_to_end]
interval = "500ms"
drainTimeout = "5s"
[benchmarks.end_to_end.scenarios.create_users]
rate = 40
duration = "5s"
warmUp = "500ms"
preAllocatedVUs = 100
maxVUs = 200
"""
# One of the load's first requests is older than this when a fault that waits for it begins.
LOAD_RUNS_S: Final = 2.0
_SLOW: Final = """
create function slow() returns trigger language plpgsql as
'begin perform pg_sleep(0.05); return new; end';
create trigger slow before insert on users for each row execute function slow()
"""
_QUICK: Final = "drop trigger slow on users; drop function slow()"
_WORKER: Final = "worker-1"
_ANY_CREATED: Final = "select exists (select 1 from users where created_at > %s)"


@contextmanager
def slow_stack(state: Path) -> Iterator["SlowStack"]:
    """Start a stack of its own in a new state folder: what is slow in it is nobody else's."""
    stack = up(state, StackOptions(), say=hush)
    try:
        yield SlowStack(state, stack)
    finally:
        down(state, say=hush)


class SlowStack:
    """Hold a running stack, and load it with a profile of five seconds.

    Args:
        state: of the stack, with a history of its own.
        stack: that runs.
    """

    def __init__(self, state: Path, stack: Stack) -> None:
        self.state = state
        self._stack = stack
        self._pids = {service.name: service.pids for service in stack.services}
        self._dsn = stack.endpoints.postgres_dsn or ""

    def pids_of(self, part: str) -> tuple[int, ...]:
        """Give the processes of a part, as they were when the stack was started."""
        return self._pids[part]

    def run(self) -> RunReport:
        """Load the stack and give the report."""
        path = self.state / "one_slow_tier.toml"
        path.write_text(PROFILE, encoding="utf-8")
        return run_pipeline(
            load_profile(str(path)),
            state=State(self.state),
            narrator=Silent(),
            stop=threading.Event(),
            only=(BENCHMARK,),
        )

    def remember(self) -> Path:
        """Keep the history as it is now, the healthy runs, and say where."""
        healthy = self.state / "healthy.duckdb"
        shutil.copy(State(self.state).history_file, healthy)
        return healthy

    def forget(self, healthy: Path) -> None:
        """Go back to the healthy runs only, so that one slow tier is no baseline of the next."""
        shutil.copy(healthy, State(self.state).history_file)

    @contextmanager
    def slow_inserts(self) -> Iterator[None]:
        """Let PostgreSQL take 50 ms for every new user."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(_SLOW)
            try:
                yield
            finally:
                connection.execute(_QUICK)

    @contextmanager
    def locked_users(self) -> Iterator[None]:
        """Lock the table users for 1.5 s in the middle of the load."""
        with self._beside(self._lock_users):
            yield

    @contextmanager
    def throttled(self, part: str, *, off_s: float = 0.3, on_s: float = 0.2) -> Iterator[None]:
        """Let a part run for a share of the time only, as cpulimit does."""
        pids = self._pids[part]

        def throttle(stop: threading.Event) -> None:
            while not stop.is_set():
                _signal(pids, signal.SIGSTOP)
                stop.wait(off_s)
                _signal(pids, signal.SIGCONT)
                stop.wait(on_s)

        with self._beside(throttle):
            yield

    @contextmanager
    def other_worker(self, **environment: str) -> Iterator[None]:
        """Let a worker that has more settings take the place of the usual one.

        Args:
            environment: such as what its work takes; added to what the usual one has.
        """
        usual = kept_command(self._stack.folder, _WORKER)
        self._replace_worker(replace(usual, environment={**usual.environment, **environment}))
        try:
            yield
        finally:
            self._replace_worker(usual)

    def _replace_worker(self, command: Command) -> None:
        folder = self._stack.folder
        register = read_register(folder)
        assert register is not None
        end_processes(folder, [one for one in register.processes if one.name == _WORKER])
        spawn(folder, command)
        resize(self._stack, "worker", 1, timeout_s=60.0)  # returns when it has its share
        self._pids["worker"] = pids_of(folder, "worker")

    @contextmanager
    def _beside(self, act: Callable[[threading.Event], None]) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=act, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _lock_users(self, stop: threading.Event) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            row = connection.execute("select now()").fetchone()
            assert row is not None
            while not stop.wait(0.05):
                found = connection.execute(_ANY_CREATED, row).fetchone()
                if found and found[0]:
                    break
            stop.wait(LOAD_RUNS_S)
            with connection.transaction():
                connection.execute("lock table users in exclusive mode")
                stop.wait(1.5)


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)
