"""A disk of PostgreSQL's own, full and empty again: nothing committed is lost, nothing stays."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from perf_pipeline.stack.embedded import own_stack
from perf_pipeline.stack.part_faults import fill_disk_of, kill_part
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.stack.revival import make_room
from perf_pipeline.stack.small_disk import small_disk_obstacle
from perf_pipeline.stack.unprivileged import unprivileged_prefix
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.places import ROOT, new_state
from perf_pipeline_tests.support.silent import hush

OPTIONS = StackOptions(parts=frozenset({"postgres"}), has_small_disk=True)
MEBIBYTE = "insert into kept select repeat('x', 1024) from generate_series(1, 1024)"
# Its segments have 16 MiB each.
LONG_WAL = "select pg_logical_emit_message(false, 'w', repeat('x', 40 * 1048576))"
OWNER = """
import sys, time
from pathlib import Path
from perf_pipeline.stack.embedded import own_stack
from perf_pipeline.stack.part_faults import fill_disk_of
from perf_pipeline.stack.parts import StackOptions
options = StackOptions(parts=frozenset({"postgres"}), has_small_disk=True)
with own_stack(Path(sys.argv[1]), options, say=lambda _: None) as stack:
    fill_disk_of(stack.folder, "postgres")
    print(stack.folder, flush=True)
    time.sleep(60)
"""
REFUSED = """
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.fault_parts import require_fault_parts
load = {"exec": "create_user", "executor": "constant-arrival-rate", "rate": 50, "duration": "30s",
        "preAllocatedVUs": 5}
fault = {"at": "10s", "kind": "full_disk", "part": "postgres", "for": "5s"}
benchmark = {"scenarios": {"create_users": load}, "faults": [fault]}
profile = validate_profile({"name": "full", "benchmarks": {"end_to_end": benchmark}}, "full.toml")
try:
    require_fault_parts(profile, ["end_to_end"], resolve_target("local", None, {}))
except ProfileError as error:
    print(error.exit_code, *error.problems)
"""
needs_disk = pytest.mark.skipif(bool(small_disk_obstacle()), reason=small_disk_obstacle() or "none")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    state = new_state(tmp_path_factory.mktemp("small_disk") / "state")
    with own_stack(state, OPTIONS, say=hush) as started:
        with asked(started) as connection:
            connection.execute("create table kept (text text)")
            connection.execute(MEBIBYTE)
        yield started
    wait_until(lambda: not attached(started.folder), 30.0)


def asked(stack: Stack) -> psycopg.Connection:
    return psycopg.connect(stack.endpoints.postgres_dsn or "", autocommit=True)


def committed(stack: Stack) -> int:
    """Give how many MiB of rows are there; a server that has just ended all sessions may again."""
    found: list[int] = []

    def has_told() -> bool:
        with suppress(psycopg.OperationalError), asked(stack) as connection:
            found.extend(row[0] for row in connection.execute("select count(*) from kept"))
        return bool(found)

    wait_until(has_told, 30.0)
    assert found[0] % 1024 == 0
    return found[0] // 1024


def attached(folder: Path) -> list[str]:
    """Give the loop devices whose file is in a folder, or was."""
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # it was let go of just now
            found.append(file.read_text())
    return [text for text in found if str(folder) in text]


@needs_disk
def test_a_full_disk_refuses_what_needs_room_until_it_has_some_again(stack: Stack) -> None:
    assert stack.services[0].settings["disk"] == "4.0 GiB of its own"
    assert "another only" in stack.notices[0]
    before = committed(stack)

    fill_disk_of(stack.folder, "postgres")
    with asked(stack) as connection:
        with pytest.raises(psycopg.errors.DiskFull, match="No space left on device"):
            connection.execute(MEBIBYTE)
        assert committed(stack) == before
        make_room(stack, "postgres")
        connection.execute(MEBIBYTE)

    assert committed(stack) == before + 1
    assert str(stack.folder) not in Path("/proc/self/mountinfo").read_text()


@needs_disk
def test_a_server_that_ends_of_its_full_disk_comes_back_with_all_it_had(stack: Stack) -> None:
    before = committed(stack)
    fill_disk_of(stack.folder, "postgres")

    # A WAL that can't go on is a PANIC, which ends all sessions.
    with pytest.raises(psycopg.OperationalError), asked(stack) as connection:
        connection.execute(LONG_WAL)
    make_room(stack, "postgres")

    assert committed(stack) == before
    with asked(stack) as connection:
        connection.execute(MEBIBYTE)
    assert committed(stack) == before + 1


@needs_disk
def test_a_server_that_is_killed_while_its_disk_is_full_starts_with_room(stack: Stack) -> None:
    before = committed(stack)
    fill_disk_of(stack.folder, "postgres")
    kill_part(stack.folder, "postgres")

    make_room(stack, "postgres")

    assert committed(stack) == before
    with asked(stack) as connection:
        connection.execute(LONG_WAL)


@needs_disk
def test_nothing_of_a_full_disk_is_left_when_its_owner_is_killed(tmp_path: Path) -> None:
    state = new_state(tmp_path / "state")
    script = [sys.executable, "-c", OWNER, str(state)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert attached(folder)
        owner.send_signal(signal.SIGKILL)

    wait_until(lambda: not folder.exists(), 60.0)
    wait_until(lambda: not attached(folder), 30.0)


def test_without_root_a_full_disk_is_refused_before_anything_starts(tmp_path: Path) -> None:
    prefix = unprivileged_prefix(tmp_path)

    done = subprocess.run(
        [*prefix, sys.executable, "-c", REFUSED],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )

    assert done.stdout.startswith("104 benchmarks.end_to_end.faults[0].kind is 'full_disk', and ")
    assert "postgres can't be given a disk of its own here: only root can mount one" in done.stdout
