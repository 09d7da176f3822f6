"""PostgreSQL on loopback: SCRAM with a generated password, durable, sized for 400 connections.

Add here: a server setting, with its reason. Keep out: tables (the reference system's own) and
anything that makes writes cheaper than they are in production.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from perf_pipeline.config.postgres_encryption import encryption_remedy
from perf_pipeline.errors import StackError, TargetUnavailableError
from perf_pipeline.narration import Say
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.parts import EXTERNAL, Launched, PartFinding, ServiceInfo
from perf_pipeline.stack.places import plain_path, written
from perf_pipeline.stack.postgres_binaries import (
    HINT,
    binaries_version,
    find_binaries,
    find_postgres,
)
from perf_pipeline.stack.postgres_data import (
    LOCK,
    clear_stale,
    major_of,
    password_of,
)
from perf_pipeline.stack.postgres_new_data import data_beside, make_data
from perf_pipeline.stack.process_register import is_alive, read_register
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    Service,
    free_port,
    own_folder,
    spawn,
)
from perf_pipeline.stack.small_disk import ON_DISK, disk_of, on_new_disk, small_disk_notice
from perf_pipeline.stack.unprivileged import unprivileged_prefix

USER = "birthday"
DATABASE = "birthday"
READY_S = 60.0
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
# Of the data folder; the rest, with the lock file that we read, stays beside that disk.
ON_SMALL_DISK = ("base", "pg_wal")


def launch_postgres(
    folder: Path,
    *,
    say: Say,
    database: str = DATABASE,
    cache: Path | None = None,
    has_small_disk: bool = False,
) -> Launched:
    """Start a server on a free port; data in `postgres/` of the folder, made where missing.

    Data that are there are served by binaries of their own major version.

    Args:
        folder: the folder of the stack.
        say: gets a sentence.
        database: created where it is missing.
        cache: keeps what initdb wrote, so that later data are copies of it.
        has_small_disk: its tables and its WAL are on a disk that can be filled (small_disk.py).

    Raises:
        StackError: there are no such binaries, the data are damaged or in use, initdb failed, or
            no such disk can be made.
    """
    home = folder / "postgres"
    major = major_of(home)
    binaries, version, source = find_binaries(home, major)
    say(f"starting PostgreSQL {version} ({source}) ...")
    if major is None:
        kept = None if cache is None else data_beside(cache, binaries, version)
        with written(folder):
            _initialise(folder, binaries, kept)
    clear_stale(home)
    password = password_of(folder)
    port = free_port()
    # Without its address written out, libpq would go where PGHOSTADDR points to.
    dsn = f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{database}?hostaddr={LOOPBACK}"
    KNOWN.add_address(dsn)
    service = _start_server(folder, binaries, port, has_small_disk=has_small_disk)
    if not has_small_disk:
        return Launched(dsn, lambda: _describe(service, home, dsn, database, source))

    def describe() -> ServiceInfo:
        found = _describe(service, home, dsn, database, source)
        return replace(found, settings={**found.settings, **ON_DISK})

    return Launched(dsn, describe, (small_disk_notice("what PostgreSQL keeps (tables, WAL) is"),))


def _start_server(folder: Path, binaries: Path, port: int, *, has_small_disk: bool) -> Service:
    home = plain_path(folder) / "postgres"
    argv = (*unprivileged_prefix(home), str(binaries / "postgres"), "-D", str(home))
    argv = (*argv, "-p", str(port))
    if has_small_disk:
        argv = on_new_disk(disk_of(folder, "postgres"), home, ON_SMALL_DISK, argv)
    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    command = Command(
        name="postgres",
        argv=argv,
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
                f"PostgreSQL can't be reached: {error}".strip(),
                hint=encryption_remedy(str(error))
                or (
                    "start PostgreSQL, correct PERF_POSTGRES_DSN, or unset it to use the embedded "
                    "PostgreSQL"
                ),
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
    register = read_register(folder)
    if register is not None and register.owner is not None and is_alive(register.owner):
        raise StackError(
            f"{folder} is in use by pid {register.owner.pid}",
            hint="stop that process, or name another folder",
        )
    if register is not None:
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


def postgres_finding() -> PartFinding:
    """Say which binaries would be started."""
    found = find_postgres()
    if found is None:
        return PartFinding("postgres", ok=False, sentence=f"there is no PostgreSQL here: {HINT}")
    return PartFinding(
        "postgres", ok=True, sentence=f"PostgreSQL {binaries_version(found[0])} ({found[1]})"
    )


def _initialise(folder: Path, binaries: Path, kept: Path | None) -> None:
    home = make_data(folder, binaries, USER, kept)
    settings = dict(SETTINGS)
    if any((binaries.parent / "lib").rglob(f"{STATEMENTS}.*")):
        settings["shared_preload_libraries"] = f"'{STATEMENTS}'"
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    with (home / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(f"\n# perf_pipeline\n{lines}")
    home.rename(home.with_name("postgres"))


def _is_ready(home: Path, pid: int) -> bool:
    try:
        lines = (home / LOCK).read_text(encoding="utf-8").splitlines()
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
