"""Other numbers of processes and partitions of the reference system, and the usual ones."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.errors import StackError
from perf_pipeline.stack.embedded import find_running
from perf_pipeline.stack.kafka_group import shares_of
from perf_pipeline.stack.kafka_topic import messages_left, partitions_of
from perf_pipeline.stack.parts import Stack
from perf_pipeline.stack.process_register import read_register
from perf_pipeline.stack.reference import GROUP, TOPIC
from perf_pipeline.stack.resizing import resize
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


def workers(stack: Stack) -> list[str]:
    register = read_register(stack.folder)
    assert register is not None
    return [record.name for record in register.processes if record.part == "worker"]


def test_an_api_is_started_anew_with_as_many_processes(up: Up, stack: Stack) -> None:
    resize(stack, "api", 3, timeout_s=60.0)

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
    producer = Producer(kafka_settings(brokers(stack)))
    for number in range(500):
        producer.produce(TOPIC, key=str(number), value=b"no message of a worker")
    producer.flush(10.0)
    resize(stack, "partitions", 2, timeout_s=120.0)

    assert partitions_of(brokers(stack), TOPIC) == 2
    assert shares_of(brokers(stack), GROUP) == [2]
    log = (stack.folder / "logs" / "worker-1.log").read_text()
    assert "unreadable 500" in log
    assert messages_left(brokers(stack), GROUP, TOPIC) == 0
    resize(stack, "partitions", 6, timeout_s=120.0)
    assert partitions_of(brokers(stack), TOPIC) == 6


def test_what_is_not_done_in_time_is_said_and_done_when_asked_again(stack: Stack) -> None:
    with pytest.raises(StackError, match="there was not a group of 2 workers in time"):
        resize(stack, "worker", 2, timeout_s=0.01)

    resize(stack, "worker", 1, timeout_s=90.0)
