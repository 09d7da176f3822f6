"""Start one process of the stack, wait until it is ready, and say why when it is not.

Add here: what every service needs. Keep out: what only one service knows (its own module).
"""

import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from perf_pipeline.errors import StackError
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.complaints import cause_in, last_lines, read_log
from perf_pipeline.stack.ending import MARKER, reap
from perf_pipeline.stack.places import shown, written
from perf_pipeline.stack.priority import put_behind_us
from perf_pipeline.stack.process_register import (
    Owner,
    ProcessRecord,
    ProcessRegister,
    birth_mark,
    is_alive,
    start_process,
    this_process,
    write_register,
)

LOOPBACK = "127.0.0.1"
POLL_S = 0.02
# Below every system's ephemeral range: a port in it can be taken by an outgoing connection of the
# load while its server restarts in a fault step.
PORTS = range(15_000, 32_000)
# Started with `&` from a script, a process ignores SIGINT and hands that on to its children.
DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT)
GUARD = "guard"
# A server that takes all cores must not stop the clock that measures it: the generator goes first.
BEHIND_THE_LOAD = 5


@dataclass(frozen=True, slots=True)
class Command:
    """Say how to start and end one process.

    Attributes:
        name: unique in the folder; also the name of its log.
        argv: program and arguments, never with a secret: `ps` shows them to everybody.
        part: the service it belongs to; the name where empty.
        environment: added to this process's own.
        secrets: what must not be shown when its log is quoted.
        needs_secrets: it gets those of this process's variables, too, that hold a secret.
        stop_signal: what asks it to end.
        grace_s: how long it may take to end.
        wave: 2 for clients, 1 for servers, 0 for the guard; higher ones end first.
        nice: how much lower its priority is than that of this process (nice(2)).
        stdin: a file that it reads.
    """

    name: str
    argv: tuple[str, ...]
    part: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    needs_secrets: bool = False
    stop_signal: int = signal.SIGTERM
    grace_s: float = 8.0
    wave: int = 1
    nice: int = 0
    stdin: str = os.devnull


@dataclass(frozen=True, slots=True)
class Service:
    """Hold a started process."""

    record: ProcessRecord
    log: Path
    secrets: tuple[str, ...]
    log_begins_at: int = 0

    def await_ready(
        self, ready: Callable[[], bool], timeout_s: float, *, poll_s: float = POLL_S
    ) -> None:
        """Wait until `ready`, asked every `poll_s`, says so.

        Raises:
            StackError: it ended, or was not ready in time; with the last lines of its log.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            self.require_alive()
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready within {timeout_s:g} s")
            time.sleep(poll_s)

    def require_alive(self) -> None:
        """Refuse to wait for a process that has ended.

        Raises:
            StackError: it ended; with the last lines of its log.
        """
        if not is_alive(self.record):
            code = reap(self.record.pid)
            raise self.failure(f"ended with exit code {code} before it was ready")

    def await_end(self, timeout_s: float) -> None:
        """Wait until it has ended by itself with exit code 0.

        Raises:
            StackError: another exit code, or not in time; with the last lines of its log.
        """
        deadline = time.monotonic() + timeout_s
        while is_alive(self.record):
            if time.monotonic() > deadline:
                raise self.failure(f"did not end within {timeout_s:g} s")
            time.sleep(POLL_S)
        code = reap(self.record.pid)
        if code != 0:
            raise self.failure(f"failed with exit code {code}")

    def failure(self, what: str) -> StackError:
        """Return the error that says what happened and why, from the log, with secrets masked."""
        try:
            text = read_log(self.log, self.log_begins_at, self.secrets)
        except OSError as error:
            text = f"(unreadable: {error.strerror})"
        cause = cause_in(text)
        name, log = self.record.name, shown(self.log)
        if cause is not None:
            return StackError(f"{name} {what}: {cause}", hint=f"read {log} for more")
        return StackError(
            f"{name} {what}; the end of {log}:\n{last_lines(text)}",
            hint=f"read {log}, or use a system of your own",
        )


def open_folder(folder: Path, *, owner: Owner | None, keep_folder: bool = False) -> None:
    """Make the folder, with an empty register.

    Raises:
        StackError: it cannot be written.
    """
    with written(folder):
        for name in ("logs", "commands"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        # Others get in only where PostgreSQL has to run under another account (unprivileged.py).
        folder.chmod(0o700)
        write_register(folder, ProcessRegister(owner=owner, keep_folder=keep_folder))


def command_path(folder: Path, name: str) -> Path:
    """Return where the command is kept, so that a killed process can be started again."""
    return folder / "commands" / f"{name}.json"


def log_path(folder: Path, name: str) -> Path:
    """Return where a process writes; one that is started again goes on in the same file."""
    return folder / "logs" / f"{name}.log"


def kept_command(folder: Path, name: str) -> Command:
    """Return the command that a process was started by."""
    document = json.loads(command_path(folder, name).read_text(encoding="utf-8"))
    return Command(**{**document, "argv": tuple(document["argv"])})


def spawn(folder: Path, command: Command) -> Service:
    """Start the process in a session of its own and write it into the folder's register.

    Output goes to `logs/<name>.log`.

    Raises:
        StackError: the stack is being stopped, so nothing is started.
    """
    _keep_command(folder, command)
    log = log_path(folder, command.name)
    begins_at = log.stat().st_size if log.exists() else 0
    record = start_process(folder, lambda: _start(folder, command, log))
    if record is None:
        raise StackError(f"{command.name} was not started, because the stack is being stopped")
    return Service(record, log, command.secrets, begins_at)


def _start(folder: Path, command: Command, log: Path) -> ProcessRecord:
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    environment = {**_inherited(command), **command.environment, MARKER: str(folder)}
    # posix_spawn: it resets ignored signals, which subprocess cannot without preexec_fn (unsafe
    # with threads), and needs no object that must be waited for when a stack outlives us.
    pid = os.posix_spawn(
        command.argv[0],
        command.argv,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, command.stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=DEFAULT_SIGNALS,
        setsigmask=(),
    )
    if command.nice:
        put_behind_us(pid, command.nice)
    return ProcessRecord(
        name=command.name,
        part=command.part or command.name,
        pid=pid,
        mark=birth_mark(pid),
        stop_signal=int(command.stop_signal),
        grace_s=command.grace_s,
        wave=command.wave,
    )


def _inherited(command: Command) -> dict[str, str]:
    """Return this process's variables; those that hold a secret only where they are needed."""
    if command.needs_secrets:
        return dict(os.environ)
    return {name: value for name, value in os.environ.items() if not KNOWN.holds(value)}


def _keep_command(folder: Path, command: Command) -> None:
    path = command_path(folder, command.name)
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)  # its environment holds passwords
    draft.write_text(json.dumps(asdict(command)), encoding="utf-8")
    draft.replace(path)  # who is killed here leaves the command before, and not half of one


def spawn_guard(folder: Path, *, needs_secrets: bool = False) -> None:
    """Start the process that ends all of the folder when this process dies.

    Args:
        folder: guarded.
        needs_secrets: what it is to undo may need the variables that hold a secret.
    """
    argv = (sys.executable, "-P", "-m", "perf_pipeline.stack.guard", str(folder))
    guard = Command(name=GUARD, argv=argv, grace_s=1.0, wave=0, needs_secrets=needs_secrets)
    spawn(folder, guard)


def run_once(folder: Path, command: Command, timeout_s: float) -> None:
    """Run a preparing command until it ends.

    Raises:
        StackError: it failed; with the last lines of its log.
    """
    spawn(folder, command).await_end(timeout_s)


def free_port() -> int:
    """Return a loopback port on which nothing listens now."""
    candidates = random.sample(PORTS, 200)
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise StackError(
        f"none of the {len(candidates)} ports that were tried between {PORTS.start} and "
        f"{PORTS.stop} is free",
        hint="end the programs that listen there",
    )


def is_listening(port: int, host: str = LOOPBACK) -> bool:
    """Say whether something accepts connections on the port."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def own_folder(folder: Path, *, keep_folder: bool = False, needs_secrets: bool = False) -> None:
    """Open the folder for the life of this process, guarded."""
    open_folder(folder, owner=this_process(), keep_folder=keep_folder)
    spawn_guard(folder, needs_secrets=needs_secrets)
