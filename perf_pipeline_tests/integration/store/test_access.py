"""The history and its bad days: busy, damaged, full, forbidden; with real processes and disks."""

import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from threading import Event
from time import monotonic

import duckdb
import pytest

from perf_pipeline.errors import PerfPipelineError, StoreBusyError, StoreError
from perf_pipeline.store.access import sentence_of
from perf_pipeline.store.history import open_history
from perf_pipeline_tests.support.commands.forked import ran, started
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete, sample

SPOOL = Spool(samples=[sample(10), sample(20)], outcome=complete())
_STRANGER = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True):
    print("open", flush=True)
    sys.stdin.read()
"""
_OURS = """
import sys
from pathlib import Path
from perf_pipeline.store.history import open_history
with open_history(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""
_FILL = """
import sys
from pathlib import Path
from perf_pipeline.errors import PerfPipelineError, StoreError
from perf_pipeline.store.history import open_history
disk, spool = Path(sys.argv[1]), Path(sys.argv[2])
with open_history(disk / "history.duckdb") as history:
    history.ingest(spool / "r1", "api")
try:
    with open_history(disk / "history.duckdb") as history:
        history.ingest(spool / "r2", "api")
except PerfPipelineError as error:
    print("SAID", error.sentence)
with open_history(disk / "history.duckdb", read_only=True) as history:
    print("LEFT", [run.run_id for run in history.runs()], history.outcomes("r1")[0].status)
"""


@contextmanager
def _holding(program: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has the history open until the block ends."""
    process = started(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.communicate("")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a history with one run in it."""
    path = tmp_path_factory.mktemp("made") / "history.duckdb"
    with history_at(path) as history:
        history.ingest(SPOOL.write(path.parent / "spool"), "api")
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """Give a copy of that history."""
    return Path(shutil.copy2(made, tmp_path / "history.duckdb"))


def _run_ids(path: Path) -> list[str]:
    with open_history(path, read_only=True) as history:
        return [run.run_id for run in history.runs()]


def test_a_stranger_that_holds_the_file_is_named_and_nothing_is_lost(path: Path) -> None:
    with _holding(_STRANGER, path) as stranger:
        with pytest.raises(StoreBusyError) as caught, open_history(path, wait_s=0.3):
            pass
        assert caught.value.sentence.startswith(f"history.duckdb is open in pid {stranger.pid} (")
        assert "waited 0.3 s" in caught.value.sentence
        assert caught.value.hint == (
            "samples are safe in the spool; close it and run `perf-pipeline ingest <run>`"
        )

    assert _run_ids(path) == ["r1"]


def test_a_stranger_that_goes_away_in_time_is_waited_for(path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with _holding(_STRANGER, path):
            waiting = pool.submit(_run_ids, path)
            assert not waiting.done()
        assert waiting.result(timeout=20) == ["r1"]


def test_our_own_processes_queue_up(path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with _holding(_OURS, path):
            waiting = pool.submit(_run_ids, path)
            assert not waiting.done()
        assert waiting.result(timeout=20) == ["r1"]


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")
def test_one_of_ours_that_takes_too_long_is_named(path: Path) -> None:
    with (
        _holding(_OURS, path) as other,
        pytest.raises(StoreBusyError, match=rf"is open in pid {other.pid} \("),
        open_history(path, wait_s=0.2),
    ):
        pass


def test_two_threads_of_one_process_queue_up_too(path: Path) -> None:
    inside, leave = Event(), Event()

    def hold() -> None:
        with open_history(path):
            inside.set()
            leave.wait(10)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert inside.wait(10)
        with pytest.raises(StoreBusyError), open_history(path, wait_s=0.1):
            pass
        leave.set()
        holding.result(timeout=10)

    assert _run_ids(path) == ["r1"]


def test_the_wait_is_bounded_by_what_was_asked_for(path: Path) -> None:
    with _holding(_OURS, path):
        began = monotonic()
        with pytest.raises(StoreBusyError), open_history(path, wait_s=0.5):
            pass
        assert 0.5 <= monotonic() - began < 10


def test_a_process_that_was_killed_leaves_no_lock_behind(path: Path) -> None:
    with _holding(_OURS, path) as other:
        other.kill()
        other.wait()

        assert _run_ids(path) == ["r1"]


def test_a_missing_history_cannot_be_read_and_says_how_to_get_one(tmp_path: Path) -> None:
    with (
        pytest.raises(PerfPipelineError, match="does not exist; no run has been stored yet"),
        open_history(tmp_path / "history.duckdb", read_only=True),
    ):
        pass


def test_folders_above_the_history_are_made(tmp_path: Path) -> None:
    with open_history(tmp_path / "a" / "b" / "history.duckdb") as history:
        assert history.runs() == []


def _damage_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\x00" * 4096)


def _replace_by_text(path: Path) -> None:
    path.write_text("timestamp,value\n" * 1000)


def _replace_by_nothing(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize("damage", [_damage_head, _replace_by_text, _replace_by_nothing])
def test_a_damaged_file_is_one_sentence_and_stays_as_it_is(
    damage: Callable[[Path], None], path: Path
) -> None:
    damage(path)
    before = path.read_bytes()

    with (
        pytest.raises(PerfPipelineError, match="is damaged or not a DuckDB file: .*\n.*move it"),
        open_history(path),
    ):
        pass
    assert path.read_bytes() == before


def _replace_by_sqlite(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (id integer)")


def _flip_each_block(path: Path) -> None:
    # three headers of 4 KiB, then blocks of 256 KiB
    data = bytearray(path.read_bytes())
    for at in range(3 * 4_096 + 1_000, len(data), 2**18):
        data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (_replace_by_text, "it is a text that begins with 'timestamp,value'"),
        (_replace_by_nothing, "it is empty"),
        (_replace_by_sqlite, "it is an SQLite database"),
        (lambda path: os.truncate(path, 20_000), "it was cut short to 20,000 bytes"),
        (_flip_each_block, "Corrupt database file: computed checksum"),
    ],
    ids=["text", "empty", "SQLite", "cut short", "flipped bit"],
)
def test_what_lies_where_the_history_should_is_named(
    damage: Callable[[Path], None], what: str, path: Path
) -> None:
    damage(path)

    with pytest.raises(StoreError, match="is damaged or not a DuckDB file: ") as caught:
        _run_ids(path)

    assert what in caught.value.sentence


# DuckDB's main header: checksum of 8 bytes over what follows, DUCK, then the storage version;
# the checksum is 5381, xor of all 64-bit words times this number (src/common/checksum.cpp).
_HEADER_BYTES = 4_096
_FACTOR = 0xBF58476D1CE4E5B9


def _with_storage_version(path: Path, version: int) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 12, version)
    words = struct.unpack_from(f"<{_HEADER_BYTES // 8 - 1}Q", data, 8)
    checksum = reduce(lambda sum_, word: sum_ ^ (word * _FACTOR % 2**64), words, 5381)
    struct.pack_into("<Q", data, 0, checksum)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("version", "sentence", "hint"),
    [
        (1_005, "was written by a newer DuckDB: it has storage version 1005", "upgrade"),
        (3, "was written by an older DuckDB: it has storage version 3", "that wrote it"),
    ],
)
def test_a_file_of_another_duckdb_is_whole_and_not_to_be_moved_away(
    version: int, sentence: str, hint: str, path: Path
) -> None:
    _with_storage_version(path, version)
    before = path.read_bytes()

    with pytest.raises(StoreError, match=sentence) as caught:
        _run_ids(path)

    assert "nothing in it is damaged" in caught.value.sentence
    assert hint in caught.value.hint
    assert "move it away" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_file_that_was_cut_short_is_one_sentence(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)

    with pytest.raises(PerfPipelineError, match="is damaged or not a DuckDB file"):
        _run_ids(path)


def test_a_directory_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(PerfPipelineError, match="is a directory, and the history is a file"),
        open_history(tmp_path),
    ):
        pass


def test_a_path_through_a_file_is_one_sentence(path: Path) -> None:
    with (
        pytest.raises(PerfPipelineError, match="cannot be opened"),
        open_history(path / "x.duckdb"),
    ):
        pass


def test_no_permission_is_one_sentence(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from perf_pipeline.store.history import open_history\n"
        "try: open_history(Path(sys.argv[1])).__enter__()\n"
        "except Exception as error: print(type(error).__name__, error.sentence)"
    )
    command = [sys.executable, "-c", program, str(path)]
    if os.geteuid() == 0:  # root may open everything, unless it gives up that capability
        if shutil.which("setpriv") is None:
            pytest.skip("root needs setpriv to lose its right to open everything")
        drop = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}", *command]
    path.chmod(0)

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said.strip() == f"StoreError no permission to open {path}"


def test_a_full_disk_is_one_sentence_and_earlier_runs_are_intact(tmp_path: Path) -> None:
    disk, spool = tmp_path / "disk", tmp_path / "spool"
    disk.mkdir()
    SPOOL.write(spool)
    rng = random.Random(1)  # columns of noise: nothing to compress
    many = [sample(vu=rng.getrandbits(60), iteration=rng.getrandbits(60)) for _ in range(25_000)]
    Spool(run_id="r2", samples=many, outcome=complete()).write(spool)
    mount = f"mount -t tmpfs -o size=2m none '{disk}'"
    probe = subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine doesn't let us mount a small disk")
    inside = f"{mount} && exec '{sys.executable}' -c \"$1\" '{disk}' '{spool}'"

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inside, "sh", _FILL],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    said, left = done.stdout.splitlines()
    assert said.startswith("SAID the disk of ")
    assert "is full; nothing of this step was stored, earlier runs are intact" in said
    assert left == "LEFT ['r1'] complete"


def test_a_killed_ingest_leaves_the_former_state(path: Path) -> None:
    program = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "from perf_pipeline.store import ingest\n"
        "from perf_pipeline.store.history import open_history\n"
        "ingest.write_checks = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with open_history(Path(sys.argv[1])) as history:\n"
        "    history.ingest(Path(sys.argv[2]), 'api')\n"
    )
    run = Spool(samples=[sample(1)] * 5, outcome=complete()).write(path.parent / "spool")

    done = ran([sys.executable, "-c", program, str(path), str(run)])

    assert done.returncode == -9
    with open_history(path) as history:
        assert history.connection.execute("select count(*) from samples").fetchone() == (2,)
        assert history.ingest(run, "api").samples == 5


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            duckdb.OutOfMemoryException(
                "Out of Memory Error: Failed to allocate block of 262144 bytes (bad allocation)"
            ),
            "this process gets too little memory to open",
        ),
        (
            duckdb.IOException('IO Error: Cannot open file "h.wal": Too many open files'),
            "this process may not open as many files as",
        ),
    ],
    ids=["memory", "open-files"],
)
def test_a_process_that_gets_too_little_calls_no_file_damaged(
    tmp_path: Path, error: duckdb.Error, told: str
) -> None:
    """The texts are DuckDB's own, under `ulimit -v 300000` and `ulimit -n 5`."""
    said = sentence_of(error, tmp_path / "history.duckdb")

    assert told in said.sentence
    assert "nothing in it is damaged" in said.sentence
    assert "move it away" not in said.hint


_INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from perf_pipeline.errors import StoppedByUserError
from perf_pipeline.store.history import memory_history, open_history
from perf_pipeline.store.snapshot import open_answer
QUERY = "select sum(range) from range(1000000)"
path = Path(sys.argv[1])
def ask():
    if sys.argv[2] == "snapshot":
        while True:
            with open_answer(path, QUERY) as answer:
                list(answer.batches)
    with open_history(path) if sys.argv[2] == "history" else memory_history() as history:
        while True:
            history.connection.execute(QUERY).fetchall()
with open_history(path):
    pass
signal.signal(signal.SIGINT, signal.default_int_handler)
for _ in range(50):
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        ask()
    except KeyboardInterrupt:
        pass  # it came between two queries
    except StoppedByUserError as error:
        print(error.exit_code, error.sentence)
        break
"""


@pytest.mark.parametrize("way", ["history", "memory", "snapshot"])
def test_a_signal_in_the_middle_of_a_query_is_a_stop_and_no_bug(path: Path, way: str) -> None:
    """In a process of its own: only a main thread takes signals."""
    program = [sys.executable, "-c", _INTERRUPTED, str(path), way]

    done = ran(program, timeout=80)

    told = "105 stopped in the middle of a query, which changed nothing\n"
    assert done.stdout == told, done.stderr
