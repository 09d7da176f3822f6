"""Other numbers of processes and partitions of the reference system, and the usual ones."""

import json
import os
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from confluent_kafka import Producer

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.errors import StackError
from perf_pipeline.stack.embedded import find_running
from perf_pipeline.stack.kafka_group import shares_of
from perf_pipeline.stack.kafka_topic import messages_left, partitions_of
from perf_pipeline.stack.parts import Endpoints, Stack
from perf_pipeline.stack.process_register import (
    ProcessRecord,
    ProcessRegister,
    is_alive,
    read_register,
    start_mark,
    write_register,
)
from perf_pipeline.stack.reference import GROUP, TOPIC, is_healthy
from perf_pipeline.stack.resizing import resize
from perf_pipeline.stack.service import Command, command_path, open_folder
from perf_pipeline.stack.undoing import Undo, perform
from perf_pipeline_tests.support.commands.up import Up

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def stack(up: Up) -> Iterator[Stack]:
    """Give the stack that is up; it has to be whole, and as it was, in the end."""
    yield up.stack
    running = find_running(up.command.state)
    assert running is not None
    assert len(up.pids("api")) == 1
    assert shares_of(brokers(up.stack), GROUP) == [6]


def brokers(stack: Stack) -> str:
    assert stack.endpoints.brokers is not None
    return stack.endpoints.brokers


def processes(stack: Stack, part: str) -> list[ProcessRecord]:
    register = read_register(stack.folder)
    assert register is not None
    return [record for record in register.processes if record.part == part]


def workers(stack: Stack) -> list[str]:
    return [record.name for record in processes(stack, "worker")]


def produce(stack: Stack, number: int) -> None:
    """Write messages of which no worker makes anything."""
    producer = Producer(kafka_settings(brokers(stack)))
    for key in range(number):
        producer.produce(TOPIC, key=str(key), value=b"no message of a worker")
    assert producer.flush(10.0) == 0


@contextmanager
def paused(pids: Collection[int]) -> Iterator[None]:
    """Hold processes up until the block is left."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_an_api_is_started_anew_with_as_many_processes(up: Up, stack: Stack) -> None:
    with pytest.raises(StackError, match="not all of 3 API processes serve, and its time is over"):
        resize(stack, "api", 3, timeout_s=0.01)
    resize(stack, "api", 3, timeout_s=60.0)

    assert is_healthy(stack.endpoints.base_url or "")
    assert len(up.pids("api")) == 4  # one starts the three that serve
    before = up.pids("api")
    resize(stack, "api", 3, timeout_s=60.0)
    assert up.pids("api") == before
    resize(stack, "api", 1, timeout_s=60.0)


def test_workers_come_and_go_and_the_group_is_settled_each_time(up: Up, stack: Stack) -> None:
    first = up.pids("worker")
    resize(stack, "worker", 3, timeout_s=90.0)

    assert shares_of(brokers(stack), GROUP) == [2, 2, 2]  # of 6 partitions
    assert workers(stack) == ["worker-1", "worker-2", "worker-3"]
    assert len(up.pids("worker")) == 3
    undo = Undo("growth", "resize", stack=str(stack.folder), part="worker", number=1, limit_s=90.0)
    assert perform(undo, stack.folder) is None
    assert workers(stack) == ["worker-1"]
    assert up.pids("worker") == first


def test_a_topic_is_made_anew_when_its_messages_are_consumed(stack: Stack) -> None:
    produce(stack, 500)
    resize(stack, "partitions", 2, timeout_s=120.0)

    assert partitions_of(brokers(stack), TOPIC) == 2
    assert shares_of(brokers(stack), GROUP) == [2]
    log = (stack.folder / "logs" / "worker-1.log").read_text()
    assert "unreadable 500" in log
    assert messages_left(brokers(stack), GROUP, TOPIC) == 0
    resize(stack, "partitions", 6, timeout_s=120.0)
    assert partitions_of(brokers(stack), TOPIC) == 6


def test_what_is_not_done_in_time_is_said_and_done_when_asked_again(stack: Stack) -> None:
    with pytest.raises(StackError, match="the group of 2 workers is not settled, and its time"):
        resize(stack, "worker", 2, timeout_s=0.01)

    resize(stack, "worker", 1, timeout_s=90.0)


def test_messages_that_nobody_consumes_leave_the_topic_and_the_relay_as_usual(
    up: Up, stack: Stack
) -> None:
    with paused(up.pids("worker")):
        produce(stack, 1)
        with pytest.raises(StackError, match="not all messages of the topic are consumed"):
            resize(stack, "partitions", 2, timeout_s=0.5)
    resize(stack, "partitions", 6, timeout_s=60.0)

    assert partitions_of(brokers(stack), TOPIC) == 6
    assert [is_alive(record) for record in processes(stack, "relay")] == [True]


def test_nothing_is_waited_for_in_a_stack_that_is_being_stopped(tmp_path: Path) -> None:
    # As after `kill -9` of a run with a stack of its own: one guard ends it, and another one sets
    # the usual number. Nothing answers at this port.
    open_folder(tmp_path, owner=None)
    pid = os.getpid()
    api = ProcessRecord("api", "api", pid, start_mark(pid) or "", signal.SIGTERM, 1.0, 1)
    write_register(tmp_path, ProcessRegister(owner=None, processes=(api,), is_closed=True))
    command = Command("api", ("/bin/true", "--processes", "1"))
    command_path(tmp_path, "api").write_text(json.dumps(asdict(command)), encoding="utf-8")
    ended = Stack("run", Endpoints(base_url="http://127.0.0.1:9"), (), tmp_path, ())

    with pytest.raises(StackError, match="the stack is being stopped"):
        resize(ended, "api", 1, timeout_s=200.0)
