"""Only one run at a time on a machine; the one who waits says for whom, and may stop waiting."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import StoppedByUserError, TargetUnavailableError
from perf_pipeline.loading.locks import load_generator, lock_folders
from perf_pipeline.loading.prepare import open_session
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.silent import Silent

HOLDER = """
import sys, threading
from pathlib import Path
from perf_pipeline.loading.locks import load_generator
with load_generator(Path(sys.argv[1]), "run r1", say=print, stop=threading.Event()):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(state: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Let another process hold the machine."""
    with started(
        [sys.executable, "-c", HOLDER, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder
        holder.kill()


def test_a_free_machine_is_taken_without_a_word(tmp_path: Path) -> None:
    said: list[str] = []
    with load_generator(tmp_path / "new", "run r2", say=said.append, stop=threading.Event()):
        assert str(os.getpid()) in (tmp_path / "new" / "load_generator.lock.holder").read_text()
    assert said == []


def test_the_one_who_waits_says_for_whom_and_gives_up_in_the_end(tmp_path: Path) -> None:
    said: list[str] = []
    with (
        held(tmp_path) as holder,
        pytest.raises(
            TargetUnavailableError, match=r"run r1 .* was still going after .* waited 0.2 s"
        ),
        load_generator(tmp_path, "run r2", say=said.append, stop=threading.Event(), wait_s=0.2),
    ):
        pytest.fail("two at once")
    assert said == [
        (
            f"waiting for run r1 (pid {holder.pid}), because two runs at once would disturb each "
            "other's figures"
        )
    ]


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    with held(tmp_path) as holder:
        holder.kill()
        holder.wait()
        with load_generator(tmp_path, "run r2", say=said.append, stop=threading.Event()):
            pass
    assert said == []


def test_who_waits_can_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with (
        held(tmp_path),
        pytest.raises(StoppedByUserError, match="nothing was measured"),
        load_generator(tmp_path, "run r2", say=lambda _: None, stop=stop),
    ):
        pytest.fail("two at once")


def test_checkouts_share_the_machines_lock_and_containers_that_of_their_state(
    tmp_path: Path,
) -> None:
    one, other = lock_folders(tmp_path / "one", {}), lock_folders(tmp_path / "other", {})

    assert one[0] == other[0]
    assert (one[1], other[1]) == (tmp_path / "one", tmp_path / "other")
    assert lock_folders(tmp_path, {"PERF_LOCK_FOLDER": str(tmp_path / "lock")}) == (
        tmp_path / "lock",
        tmp_path,
    )


def test_a_folder_named_twice_is_locked_once(tmp_path: Path) -> None:
    same = {"PERF_LOCK_FOLDER": str(tmp_path / "." / "state")}
    assert lock_folders(tmp_path / "state", same) == (tmp_path / "state",)


BUSY_AFTERWARDS = """
import sys, threading, time
from pathlib import Path
import duckdb
from perf_pipeline.loading.locks import load_generator
state = Path(sys.argv[1])
with duckdb.connect(str(state / "history.duckdb")):
    with load_generator(state, "run r1", say=print, stop=threading.Event()):
        print("held", flush=True)
        sys.stdin.readline()
    time.sleep(7)
"""


def test_who_waited_for_a_run_waits_for_the_history_that_it_is_judged_in(tmp_path: Path) -> None:
    environ = {"PERF_BASE_URL": "http://127.0.0.1:9", "PERF_LOCK_FOLDER": str(tmp_path)}
    command = [sys.executable, "-c", BUSY_AFTERWARDS, str(tmp_path)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        assert first.stdin is not None
        leaving = threading.Timer(0.5, first.stdin.close)
        leaving.start()
        # Nobody listens there: the session comes as far as to ask for the target.
        with (
            pytest.raises(TargetUnavailableError, match="127.0.0.1:9"),
            open_session(
                load_profile("quick"),
                state=State(tmp_path),
                trigger="test",
                narrator=Silent(),
                environ=environ,
                planned=["api_user_creation"],
            ),
        ):
            pytest.fail("there is no target")
        leaving.join()
