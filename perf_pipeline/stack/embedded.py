"""The entry point: start, find, use and reliably stop a stack on this machine.

Every stack has its own folder, `<state>/stacks/<name>/`; jars are shared in `<state>/cache/`.
Cleaning up never depends on signal handlers: a run ends its stack when the `with` block is left,
the guard process does so if the run is killed, and the next start removes whatever is left
nevertheless.
Add here: another way to provide a stack. Keep out: starting a part (its own module).
"""

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from filelock import FileLock

from perf_pipeline.narration import Say
from perf_pipeline.stack.condition import (
    DOCUMENT,
    REMEDY,
    Condition,
    conditions,
    faults_of,
    is_answered,
    read_stack,
    require_whole,
)
from perf_pipeline.stack.doctor import doctor, machine_findings
from perf_pipeline.stack.ending import dispose, pids_of
from perf_pipeline.stack.parts import (
    UP,
    ServiceInfo,
    Stack,
    StackOptions,
    broker_count,
    to_document,
)
from perf_pipeline.stack.places import written
from perf_pipeline.stack.process_register import (
    is_alive,
    read_register,
    this_process,
    write_register,
)
from perf_pipeline.stack.revival import revive
from perf_pipeline.stack.service import open_folder, spawn_guard
from perf_pipeline.stack.starting import start

__all__ = [
    "REMEDY",
    "doctor",
    "down",
    "find_running",
    "look_at",
    "machine_findings",
    "revive",
    "running_stack",
    "sweep",
    "up",
]


def find_running(state: Path) -> Stack | None:
    """Return the stack that `up` left running; None unless all its parts run and answer."""
    folder = _stacks_of(state) / UP
    register = read_register(folder)
    if register is None or register.owner is not None:
        return None
    stack = read_stack(folder)
    if stack is None:
        return None
    parts = {service.name for service in stack.services}
    alive = all(is_alive(record) for record in register.processes if record.part in parts)
    return (
        _with_pids(stack)
        if alive and all(is_answered(stack.endpoints, part) for part in parts)
        else None
    )


def look_at(state: Path) -> list[Condition]:
    """Return the condition of each part of the stack of `up`; empty if none of it runs."""
    return conditions(_stacks_of(state) / UP)


@contextmanager
def running_stack(
    state: Path, options: StackOptions, *, say: Say, stop: threading.Event | None = None
) -> Iterator[Stack]:
    """Yield the stack that `up` left running, and leave it; else start one and stop it at exit.

    A stack of its own is stopped however the block ends; after a failure its logs stay until a
    later start finds this process gone. It works in any thread. Set `stop` to abandon a start.

    Raises:
        StackError: a part is not available or could not be started, or a part of the running stack
            has died.
        TargetUnavailableError: a given part does not answer.
        StoppedByUserError: `stop` was set while the stack started.
    """
    running = find_running(state)
    if running is not None and _suits(running, options):
        say("using the stack that is up")
        yield running
        return
    if running is None:
        if options.parts:
            require_whole(_stacks_of(state) / UP)
    else:
        say("the stack that is up has other parts or sizes, so this run gets a stack of its own")
    with own_stack(state, options, say=say, stop=stop) as stack:
        yield stack


@contextmanager
def own_stack(
    state: Path, options: StackOptions, *, say: Say, stop: threading.Event | None = None
) -> Iterator[Stack]:
    """Yield a stack that is started only for this block and stopped at its end.

    Raises:
        StackError: a part could not be had or started.
        TargetUnavailableError: a given part does not answer.
        StoppedByUserError: `stop` was set while the stack started.
    """
    with guarded_folder(state, say=say) as folder:
        try:
            yield _with_pids(start(folder, _cache(state), options, say, stop))
        finally:
            say("stopping the stack ...")


@contextmanager
def guarded_folder(state: Path, *, say: Say) -> Iterator[Path]:
    """Yield a folder whose register names everything started in it, which ends with the block.

    It also ends if this process is killed. After a failure its logs stay until a later start finds
    this process gone.
    """
    sweep(state, say=say)
    folder = _claim_run(state)
    failed = True
    try:
        spawn_guard(folder)
        yield folder
        failed = False
    finally:
        dispose(folder, keep_logs=failed)


def up(state: Path, options: StackOptions, *, say: Say) -> Stack:
    """Start the stack that stays until `down`; return the running one if it fits.

    Raises:
        StackError: a part could not be had or started; nothing is left running.
        TargetUnavailableError: a given part does not answer.
    """
    with _lock(state, "up"):
        running = find_running(state)
        if running is not None and _suits(running, options):
            return running
        sweep(state, say=say)
        folder = _claim_up(state, say)
        try:
            stack = _with_pids(start(folder, _cache(state), options, say))
            _write_document(stack)
            register = read_register(folder)
            assert register is not None
            write_register(folder, replace(register, owner=None))
        except BaseException:
            dispose(folder, keep_logs=True)
            raise
        return stack


def down(state: Path, *, say: Say) -> list[str]:
    """Stop the stack of `up`, sweep, and return the names of the ended processes."""
    if not _stacks_of(state).is_dir():
        return []
    with _lock(state, "up"):
        folder = _stacks_of(state) / UP
        ended: list[str] = []
        if folder.exists():
            ended = [f"{UP}/{name}" for name in dispose(folder)]
            say(f"stopped {', '.join(ended) or 'nothing, because everything had already ended'}")
        return ended + sweep(state, say=say)


def sweep(state: Path, *, say: Say) -> list[str]:
    """End processes of stacks with dead owners, remove their folders, and return the names."""
    ended: list[str] = []
    with _lock(state, "sweep"):
        for folder in sorted(path for path in _stacks_of(state).iterdir() if path.is_dir()):
            if _is_left_over(folder):
                ended += [f"{folder.name}/{name}" for name in dispose(folder)]
    if ended:
        say(f"ended processes that an earlier run left behind: {', '.join(ended)}")
    return ended


def _is_left_over(folder: Path) -> bool:
    register = read_register(folder)
    if register is None:
        return True
    if register.owner is None:
        return not any(is_alive(record) for record in register.processes)
    return not is_alive(register.owner)


def _claim_run(state: Path) -> Path:
    with _lock(state, "sweep"):  # a folder without a register would be swept
        for number in count(1):
            folder = _stacks_of(state) / f"run-{os.getpid()}-{number}"
            if not folder.exists():
                break
        open_folder(folder, owner=this_process())
        return folder


def _claim_up(state: Path, say: Say) -> Path:
    folder = _stacks_of(state) / UP
    with _lock(state, "sweep"):
        if folder.exists():
            why = "; ".join(faults_of(folder)) or "it has other parts or sizes, or it has ended"
            say(f"replacing the stack that was up, because {why}")
            dispose(folder)
        # It has an owner until it is ready, so that a killed start is swept.
        open_folder(folder, owner=this_process())
    return folder


def _suits(stack: Stack, options: StackOptions) -> bool:
    if options.links or options.small_disks:
        return False
    endpoints = stack.endpoints
    given = {
        "postgres": (options.postgres_dsn, endpoints.postgres_dsn),
        "broker": (options.brokers, endpoints.brokers),
        "redis": (options.redis_url, endpoints.redis_url),
    }
    services = {service.name: service for service in stack.services}
    for name, (wanted, running) in given.items():
        is_given = name in services and services[name].is_external
        if wanted != (running if is_given else None):
            return False
    broker = services.get("broker")
    is_own = broker is not None and not broker.is_external and "kafka" in options.parts
    if is_own and broker_count(stack) != options.broker_count:
        return False
    sizes = {"api": options.api_processes, "worker": options.worker_processes}
    if "reference" in options.parts and any(
        name not in services or services[name].settings["processes"] != str(size)
        for name, size in sizes.items()
    ):
        return False
    needed = {"postgres": "postgres", "kafka": "broker"}
    if "reference" not in options.parts:
        needed["redis"] = "redis"
    return all(needed[part] in services for part in options.parts & needed.keys())


def _with_pids(stack: Stack) -> Stack:
    def refreshed(service: ServiceInfo) -> ServiceInfo:
        return replace(service, pids=pids_of(stack.folder, service.name))

    return replace(stack, services=tuple(refreshed(service) for service in stack.services))


def _write_document(stack: Stack) -> None:
    path = stack.folder / DOCUMENT
    path.touch(mode=0o600)  # it contains the endpoints' passwords
    path.write_text(json.dumps(to_document(stack), indent=1), encoding="utf-8")


def _stacks_of(state: Path) -> Path:
    folder = state.absolute() / "stacks"
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))
    return folder


def _cache(state: Path) -> Path:
    return state.absolute() / "cache"


def _lock(state: Path, name: str) -> FileLock:
    with written(state.absolute()):
        _stacks_of(state).mkdir(parents=True, exist_ok=True)
        _cache(state).mkdir(exist_ok=True)
        path = _stacks_of(state) / f"{name}.lock"
        path.touch()
    return FileLock(path)
