"""A disk of a server's own, full and empty again: nothing acknowledged is lost, nothing stays."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis
from confluent_kafka import KafkaError, Message, Producer

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.stack import revival
from perf_pipeline.stack.embedded import own_stack
from perf_pipeline.stack.kafka_storage import has_given_up_log
from perf_pipeline.stack.part_faults import fill_disk_of, kill_part, leaders_of
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.stack.revival import make_room
from perf_pipeline.stack.service import log_path
from perf_pipeline.stack.small_disk import small_disk_obstacle
from perf_pipeline.stack.unprivileged import unprivileged_prefix
from perf_pipeline.workloads.kafka.topics import ensure_topic, watermarks
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.places import ROOT, new_state
from perf_pipeline_tests.support.silent import hush

OPTIONS = StackOptions(
    parts=frozenset({"postgres", "kafka", "redis"}),
    small_disks=frozenset({"postgres", "broker", "redis"}),
)
MEBIBYTE = "insert into kept select repeat('x', 1024) from generate_series(1, 1024)"
# Its segments have 16 MiB each.
LONG_WAL = "select pg_logical_emit_message(false, 'w', repeat('x', 40 * 1048576))"
OWNER = """
import sys, time
from pathlib import Path
from perf_pipeline.stack.embedded import own_stack
from perf_pipeline.stack.part_faults import fill_disk_of
from perf_pipeline.stack.parts import StackOptions
both = frozenset({"postgres", "redis"})
options = StackOptions(parts=both, small_disks=both)
with own_stack(Path(sys.argv[1]), options, say=lambda _: None) as stack:
    for part in both:
        fill_disk_of(stack.folder, part)
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
    disks = {it.name: it.settings["disk"] for it in stack.services}
    assert disks == dict.fromkeys(("postgres", "broker", "redis"), "4.0 GiB of its own")
    assert [told.partition(" on a disk of its own")[0] for told in stack.notices] == [
        "what PostgreSQL keeps (tables, WAL) is",
        "the log of each broker is",
        "the append-only file that the cache keeps for this is",
    ]
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
@pytest.mark.timeout(240)  # a broker starts twice
def test_a_broker_whose_disk_was_full_serves_again_all_that_it_acknowledged(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    brokers, acknowledged = stack.endpoints.brokers or "", list[int]()
    ensure_topic(brokers, "kept", 1)
    producer = Producer({**kafka_settings(brokers), "acks": "all", "log_level": 0})

    def produce() -> None:
        def heard(error: KafkaError | None, message: Message) -> None:
            if error is None:
                acknowledged.append(message.offset() or 0)

        producer.produce("kept", b"x" * 1_000, on_delivery=heard)
        producer.poll(0.01)

    while len(acknowledged) < 100:
        produce()
    (before,) = leaders_of(stack.folder, "broker")
    fill_disk_of(stack.folder, "broker")
    # A page may have room for some more.
    output = log_path(stack.folder, "broker")
    give_up_s = time.monotonic() + 60.0
    while not has_given_up_log(output) and time.monotonic() < give_up_s:
        produce()
    produce()
    # As if it told of it just after it was looked for: it answers without its log, too.
    looks = iter([output])
    monkeypatch.setattr(
        revival, "has_given_up_log", lambda it: next(looks, None) is None and has_given_up_log(it)
    )
    make_room(stack, "broker", timeout_s=120.0)

    assert leaders_of(stack.folder, "broker") != (before,)
    assert producer.flush(90.0) == 0  # what waits is sent again
    assert sum(mark.high_watermark for mark in watermarks(brokers, "kept")) > max(acknowledged)
    assert len(acknowledged) > 100
    assert not has_given_up_log(output)


@needs_disk
def test_a_cache_refuses_writes_while_its_disk_is_full_and_keeps_what_it_took(
    stack: Stack,
) -> None:
    with redis.Redis.from_url(stack.endpoints.redis_url or "", socket_timeout=30) as cache:
        cache.set("first", "1")
        fill_disk_of(stack.folder, "redis")
        wait_until(lambda: not takes(cache), 30.0)
        assert cache.get("first") == b"1"

        make_room(stack, "redis")
        wait_until(lambda: takes(cache), 30.0)
        cache.set("second", "2")
        fill_disk_of(stack.folder, "redis")
        kill_part(stack.folder, "redis")
        make_room(stack, "redis")

        wait_until(lambda: takes(cache), 30.0)
        assert cache.mget("first", "second") == [b"1", b"2"]


def takes(cache: redis.Redis) -> bool:
    """Say whether a cache takes a page of something."""
    try:
        cache.set("page", "x" * 10_000)
    except redis.ResponseError as error:
        return "MISCONF" not in str(error)
    except redis.ConnectionError:
        return False
    return True


@needs_disk
def test_nothing_of_a_full_disk_is_left_when_its_owner_is_killed(tmp_path: Path) -> None:
    state = new_state(tmp_path / "state")
    script = [sys.executable, "-c", OWNER, str(state)]
    with started(script, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert len(attached(folder)) == 2
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
