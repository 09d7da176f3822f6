"""DuckDB is made once for one file after the other: a file is nobody's between two openings."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from perf_pipeline.store import engines
from perf_pipeline.store.engines import (
    LARGE_BYTES,
    attached,
    attached_memory,
    in_any_order,
    in_memory,
    use_all_threads,
)


def is_open(path: Path) -> bool:
    """Say whether this process has a file open."""
    return any(fd.exists() and fd.samefile(path) for fd in Path("/proc/self/fd").iterdir())


def put(path: Path, *values: int) -> None:
    """Make a file with a table of some values."""
    with attached(path, read_only=False) as connection:
        connection.execute("create table kept as select unnest(?) as value", [values])
        assert is_open(path)


def kept(path: Path) -> list[tuple[int]]:
    """Give the values of a file."""
    with attached(path, read_only=True) as connection:
        return connection.execute("select value from kept").fetchall()


def test_a_file_that_was_closed_is_whole_and_open_no_more(tmp_path: Path) -> None:
    path = tmp_path / "it's; one.duckdb"

    put(path, 1, 2)

    assert not is_open(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # no log is left to be read
    assert kept(path) == [(1,), (2,)]
    with duckdb.connect(path) as connection:  # as a shell of DuckDB's
        assert connection.execute("select value from kept").fetchall() == [(1,), (2,)]


def test_a_fork_of_a_process_that_has_read_a_file_reads_and_writes_any_file(
    tmp_path: Path,
) -> None:
    path, other = tmp_path / "one.duckdb", tmp_path / "other.duckdb"
    put(path, 1)
    assert kept(path) == [(1,)]

    if (pid := os.fork()) == 0:  # DuckDB's threads are no part of it
        put(other, 2)
        os._exit(0 if (kept(path), kept(other)) == ([(1,)], [(2,)]) else 1)
    ended, _, _ = select.select([os.pidfd_open(pid)], [], [], 20)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)

    assert (bool(ended), status) == (True, 0)
    assert kept(path) == [(1,)]


def test_two_files_that_are_open_at_once_are_not_mixed_up(tmp_path: Path) -> None:
    one, other = tmp_path / "one.duckdb", tmp_path / "other.duckdb"
    put(one, 1)
    put(other, 2)

    with attached(one, read_only=False) as first, attached(other, read_only=False) as second:
        first.execute("insert into kept values (11)")
        second.execute("insert into kept values (22)")
        names = first.execute("select count(*) from duckdb_tables()").fetchone()

    assert names == (1,)
    assert (kept(one), kept(other)) == ([(1,), (11,)], [(2,), (22,)])


def test_what_was_begun_and_not_committed_is_undone_with_the_block(tmp_path: Path) -> None:
    path = tmp_path / "one.duckdb"
    put(path, 1)

    with attached(path, read_only=False) as connection:
        connection.begin()
        connection.execute("insert into kept values (2)")

    assert not is_open(path)
    assert kept(path) == [(1,)]


@pytest.mark.parametrize("error", [duckdb.FatalException, duckdb.InternalException])
def test_after_an_error_that_duckdb_does_not_survive_it_is_made_anew(
    error: type[duckdb.Error], tmp_path: Path
) -> None:
    path = tmp_path / "one.duckdb"
    put(path, 1)
    (before,) = engines._IDLE

    with pytest.raises(error), attached(path, read_only=False):
        raise error("database has been invalidated because of a previous fatal error")

    assert kept(path) == [(1,)]
    assert before not in engines._IDLE


def spilled_to(connection: duckdb.DuckDBPyConnection) -> str:
    """Tell where a connection puts what does not fit into memory."""
    row = connection.execute("select current_setting('temp_directory')").fetchone()
    assert row is not None
    return str(row[0])


def test_one_duckdb_serves_file_after_file_and_what_it_spills_is_beside_each(
    tmp_path: Path,
) -> None:
    one, other = tmp_path / "one.duckdb", tmp_path / "it's other.duckdb"
    put(one, 1)
    (before,) = engines._IDLE

    with attached(other, read_only=False) as connection:
        assert spilled_to(connection) == f"{other}.tmp"
        assert engines._IDLE == []  # nobody else gets it meanwhile

    assert [before] == engines._IDLE
    with attached(one, read_only=True) as connection:
        assert spilled_to(connection) == f"{one}.tmp"


def spill(connection: duckdb.DuckDBPyConnection) -> list[Path]:
    """Fill more than the memory that a connection may take, and give the files that were needed."""
    connection.execute("set memory_limit = '20MB'")
    connection.execute(
        "create temp table large as select hash(range), hash(range + 1) from range(2000000)"
    )
    return list(Path(spilled_to(connection)).iterdir())


def test_a_duckdb_that_has_spilled_beside_one_file_serves_no_other(tmp_path: Path) -> None:
    one, other = tmp_path / "one.duckdb", tmp_path / "other.duckdb"
    put(one, 1)
    (before,) = engines._IDLE
    with attached(one, read_only=False) as connection:
        files = spill(connection)
        assert {file.parent for file in files} == {Path(f"{one}.tmp")}

    assert before not in engines._IDLE
    assert not Path(f"{one}.tmp").exists()
    with attached(other, read_only=False) as connection:
        assert spilled_to(connection) == f"{other}.tmp"


@pytest.mark.parametrize("kind", ["file", "database in memory", "spool"])
def test_after_a_folder_was_made_anew_what_does_not_fit_into_memory_goes_there(
    kind: str, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    again = {
        "file": attached(state / "history.duckdb", read_only=False),
        "database in memory": attached_memory(),
        "spool": in_memory(state),
    }[kind]
    with attached(state / "history.duckdb", read_only=False) as connection:
        assert spill(connection)
    shutil.rmtree(state)
    state.mkdir()

    with again as connection:
        assert spill(connection)
        assert connection.execute("select count(*) from large").fetchone() == (2_000_000,)


def test_a_table_in_memory_is_gone_with_its_block(tmp_path: Path) -> None:
    path = tmp_path / "one.duckdb"
    with in_memory(tmp_path) as connection:
        connection.execute("create temp table of_block as select 7 as value")
    put(path, 1)

    with in_memory(tmp_path) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("select * from of_block")

    assert kept(path) == [(1,)]


def threads(connection: duckdb.DuckDBPyConnection) -> int:
    """Give the number of threads that a connection's DuckDB has."""
    row = connection.execute("select current_setting('threads')").fetchone()
    assert row is not None
    return int(row[0])


def test_databases_in_memory_are_apart_and_gone_with_their_blocks(tmp_path: Path) -> None:
    read = "select value from kept"
    with attached_memory() as one, attached_memory() as other:
        for value, connection in enumerate((one, other)):
            connection.execute(f"create table kept as select {value} as value")
        assert one.execute(read).fetchall() == [(0,)]
        assert other.execute(read).fetchall() == [(1,)]
    with attached_memory() as later:
        later.execute("create table kept as select 2 as value")
        assert later.execute(read).fetchall() == [(2,)]

    put(tmp_path / "one.duckdb", 3)
    assert kept(tmp_path / "one.duckdb") == [(3,)]
    with in_memory(tmp_path) as connection:
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == []


def test_a_small_file_is_asked_by_one_thread_and_a_large_one_by_all(tmp_path: Path) -> None:
    small, large = tmp_path / "small.duckdb", tmp_path / "large.duckdb"
    put(small, 1)
    with duckdb.connect() as connection:
        everyone = threads(connection)  # what DuckDB takes by itself
    with attached(large, read_only=False) as connection:
        assert threads(connection) == 1
        # random numbers, which no compression makes smaller: 8 bytes each
        connection.execute(
            "create table kept as select random() as value from range(?)", [LARGE_BYTES // 7]
        )

    with attached(large, read_only=True) as connection:
        assert threads(connection) == everyone
    with attached(small, read_only=True) as connection:
        assert threads(connection) == 1
        use_all_threads(connection)
        assert threads(connection) == everyone
    with attached(small, read_only=True) as connection:
        assert threads(connection) == 1
    with in_memory(tmp_path) as connection:  # the large file is in it
        assert threads(connection) == everyone
    with in_memory(tmp_path / "absent") as connection:
        assert threads(connection) == 1


_SPILLING = """
import atexit, os, sys
from pathlib import Path
from perf_pipeline.store.engines import attached

file = Path(sys.argv[1])
with attached(file, read_only=False) as connection:
    connection.execute("set memory_limit = '20MB'")
    connection.execute("create temp table t as select random() as x from range(2_000_000)")
    connection.execute("select count(*) from (select * from t order by x)").fetchone()
    print(Path(f"{file}.tmp").exists(), flush=True)
atexit._run_exitfuncs()
os._exit(0)  # as a command ends
"""


def test_rows_have_no_order_only_while_an_insert_asks_for_none(tmp_path: Path) -> None:
    def ask() -> object:
        return connection.execute("select current_setting('preserve_insertion_order')").fetchone()

    with attached(tmp_path / "one.duckdb", read_only=False) as connection:
        with in_any_order(connection):
            during = ask()
        connection.begin()
        with pytest.raises(duckdb.Error, match="nothing"), in_any_order(connection):
            connection.execute("select * from nothing")
        connection.rollback()
        after = ask()

    assert (during, after) == ((False,), (True,))


def test_what_did_not_fit_into_memory_leaves_no_folder_behind(tmp_path: Path) -> None:
    file = tmp_path / "history.duckdb"

    ended = subprocess.run(
        [sys.executable, "-c", _SPILLING, str(file)], check=True, stdout=subprocess.PIPE, text=True
    )

    assert ended.stdout == "True\n"  # it had one
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
