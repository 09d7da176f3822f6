"""PostgreSQL's data: new ones, and as bad days leave them, with one sentence and a remedy."""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from perf_pipeline.errors import StackError
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.postgres import launch_postgres
from perf_pipeline.stack.process_register import is_alive, read_register, this_process
from perf_pipeline.stack.service import open_folder
from perf_pipeline_tests.support.silent import hush

TABLES = "base/1/1259"  # https://www.postgresql.org/docs/current/storage-file-layout.html
SEGMENTS = Path("/proc/sysvipc/shm")


@contextmanager
def server(folder: Path, cache: Path | None = None) -> Iterator[str]:
    """Start a server on the folder's data, and leave the data at the end."""
    open_folder(folder, owner=this_process(), keep_folder=True)
    try:
        launched = launch_postgres(folder, say=hush, cache=cache)
        launched.describe()
        yield launched.endpoint
    finally:
        dispose(folder)


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a cache that a first server has left its data in, and that server's password."""
    folder = tmp_path_factory.mktemp("first")
    cache = folder / "cache"
    cache.mkdir()
    with server(folder / "stack", cache):
        assert (folder / "stack" / "logs" / "postgres-initdb.log").exists()
    return cache, (folder / "stack" / "postgres.password").read_text(encoding="utf-8")


@pytest.fixture
def stopped(cached: tuple[Path, str], tmp_path: Path) -> Path:
    """Give the folder of a server that was stopped: that of the first one, once more."""
    return shutil.copytree(cached[0].parent / "stack", tmp_path / "stack")


def older(home: Path) -> None:
    (home / "PG_VERSION").write_text("9\n", encoding="ascii")


def garbled(home: Path) -> None:
    (home / "PG_VERSION").write_text("\0\0\n", encoding="ascii")


def without_version(home: Path) -> None:
    (home / "PG_VERSION").unlink()


def without_control(home: Path) -> None:
    (home / "global" / "pg_control").unlink()


def cut_off(home: Path) -> None:
    """Empty the list of tables of `template1`, which no password needs."""
    os.truncate(home / TABLES, 0)


def without_password(home: Path) -> None:
    (home.parent / "postgres.password").unlink()


@pytest.mark.parametrize(
    ("damage", "sentence", "remedy"),
    [
        (
            older,
            r"belong to PostgreSQL 9, but here there is only 18\.4",
            "install PostgreSQL 9, or move",
        ),
        (
            garbled,
            r"not a complete PostgreSQL data folder: PG_VERSION says",
            "move .* away to begin",
        ),
        (
            without_version,
            r"not a complete PostgreSQL data folder: PG_VERSION is missing",
            "move .* away",
        ),
        (without_control, r"before it was ready: could not .*pg_control", "for more"),
        (without_password, r"the password of the data in .* is not in", "put it back, or move"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_data_that_cannot_be_served_are_one_sentence(
    stopped: Path, damage: Callable[[Path], None], sentence: str, remedy: str
) -> None:
    damage(stopped / "postgres")

    with pytest.raises(StackError, match=sentence) as caught, server(stopped):
        pass

    assert "\n" not in caught.value.sentence
    assert re.search(remedy, caught.value.hint)


def test_a_start_that_was_killed_in_initdb_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "stack" / "postgres.unfinished" / "base"
    half.mkdir(parents=True)
    (half.parent / "PG_VERSION").write_text("18\n", encoding="ascii")

    with server(tmp_path / "stack") as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)

    assert not half.exists()


def test_later_data_are_a_copy_with_a_password_that_only_they_have(
    cached: tuple[Path, str], tmp_path: Path
) -> None:
    cache, first = cached
    folder = tmp_path / "stack"

    with server(folder, cache) as dsn:
        with psycopg.connect(dsn) as connection:
            found = connection.execute(
                "select current_setting('fsync'), current_setting('shared_buffers'), rolsuper,"
                " pg_encoding_to_char(encoding), datcollate from pg_database, pg_roles"
                " where datname = current_database() and rolname = current_user"
            ).fetchone()
        own = (folder / "postgres.password").read_text(encoding="utf-8")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(dsn.replace(own, first))

    assert found == ("on", "256MB", True, "UTF8", "C.UTF-8")
    assert not (folder / "logs" / "postgres-initdb.log").exists()
    assert not (folder / "postgres.password.sql").exists()
    assert all(own not in log.read_text("utf-8") for log in (folder / "logs").iterdir())
    [kept] = cache.iterdir()
    # Nobody else may read it, and it holds nothing of the stack that it came from.
    assert (kept.stat().st_mode & 0o777, (kept / "postmaster.pid").exists()) == (0o700, False)


@pytest.mark.parametrize("damage", [without_control, cut_off])
def test_kept_data_that_are_damaged_are_not_used_and_made_anew(
    cached: tuple[Path, str], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    cache = shutil.copytree(cached[0], tmp_path / "cache")
    [kept] = cache.iterdir()
    damage(kept)

    with server(tmp_path / "stack", cache) as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)

    assert (tmp_path / "stack" / "logs" / "postgres-initdb.log").exists()
    # Those of this start have taken their place.
    assert all((kept / name).stat().st_size for name in ("global/pg_control", TABLES))


def test_a_cache_that_cannot_be_written_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="ascii")

    with server(tmp_path / "stack", tmp_path / "cache") as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_lock_file_with_another_process_number_is_no_obstacle(stopped: Path) -> None:
    # Number 1 runs, and is no server of these data.
    (stopped / "postgres" / "postmaster.pid").write_text("1\n/x\n1\n1\n\n*\n", encoding="ascii")

    with server(stopped) as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def segments_of(pid: int) -> set[str]:
    """List the System V segments that a process made: other tests' servers run beside this one."""
    rows = [line.split() for line in SEGMENTS.read_text(encoding="ascii").splitlines()]
    identity, maker = rows[0].index("shmid"), rows[0].index("cpid")
    return {row[identity] for row in rows[1:] if row[maker] == str(pid)}


def shared_files_of(pid: int) -> set[Path]:
    """List the files of POSIX shared memory that a process has mapped."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return {Path(name) for name in re.findall(r"/dev/shm/PostgreSQL\.\S+", maps)}


@pytest.mark.skipif(not SEGMENTS.exists(), reason="System V shared memory is told by Linux's /proc")
def test_a_killed_server_leaves_no_shared_memory_behind_and_others_keep_theirs(
    cached: tuple[Path, str], tmp_path: Path
) -> None:
    cache, _ = cached
    with server(tmp_path / "other", cache) as other:
        with server(tmp_path / "stack", cache):
            register = read_register(tmp_path / "stack")
            assert register is not None
            (record,) = (process for process in register.processes if process.name == "postgres")
            segments, files = segments_of(record.pid), shared_files_of(record.pid)
            os.kill(record.pid, signal.SIGKILL)
            until_s = time.monotonic() + 10
            while is_alive(record) and time.monotonic() < until_s:
                time.sleep(0.02)
        assert segments
        assert files
        assert not segments_of(record.pid)
        assert not [file for file in files if file.exists()]
        psycopg.connect(other).close()
