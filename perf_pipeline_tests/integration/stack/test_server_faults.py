"""What faults hold of a server: a table, its connections, a place in a group; or do to it."""

import time
from contextlib import suppress
from threading import Thread

import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer
from psycopg import conninfo

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.errors import StackError
from perf_pipeline.stack.kafka_member import HeldMembership
from perf_pipeline.stack.postgres_connections import HeldConnections
from perf_pipeline.stack.postgres_lock import HeldLock
from perf_pipeline.stack.redis import flush
from perf_pipeline_tests.support.loads.kafka_topics import own_topic


@pytest.fixture
def table(postgres_dsn: str) -> str:
    name = "faults_of_a_lock"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} (n int)")
    return name


def reads(dsn: str, table: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set lock_timeout = '200ms'")
        try:
            connection.execute(f"select count(*) from {table}")
        except psycopg.errors.LockNotAvailable:
            return False
    return True


def test_a_locked_table_can_be_read_by_nobody_until_the_lock_goes(
    postgres_dsn: str, table: str
) -> None:
    assert reads(postgres_dsn, table)

    lock = HeldLock(postgres_dsn, table, 10.0, lambda: False)

    assert not reads(postgres_dsn, table)
    lock.release()
    assert reads(postgres_dsn, table)
    HeldLock(postgres_dsn, f"public.{table}", 10.0, lambda: False).release()


def test_a_lock_that_cannot_be_had_is_told(postgres_dsn: str, table: str) -> None:
    with psycopg.connect(postgres_dsn) as other:
        other.execute(f"lock table {table} in access share mode")
        began_s = time.monotonic()

        with pytest.raises(StackError, match=f"nobody released table {table} within 0.5 s"):
            HeldLock(postgres_dsn, table, 0.5, lambda: False)
        with pytest.raises(StackError, match="nobody released"):
            HeldLock(postgres_dsn, table, 60.0, lambda: True)

    assert time.monotonic() - began_s < 30
    with pytest.raises(StackError, match='no_such can\'t be locked: relation "no_such" does not'):
        HeldLock(postgres_dsn, "no_such", 1.0, lambda: False)


def test_a_flush_removes_the_keys_of_its_database_alone(redis_url: str) -> None:
    root = redis_url.rpartition("/")[0]
    here, beside = redis.Redis.from_url(f"{root}/3"), redis.Redis.from_url(f"{root}/4")
    with here, beside:
        for client in (here, beside):
            client.set("kept", "1", ex=60)

        flush(f"{root}/3")

        assert here.get("kept") is None
        assert beside.get("kept") == b"1"
    with pytest.raises(StackError, match="Redis can't be flushed"):
        flush("redis://127.0.0.1:1/0")


def test_all_connections_but_some_are_taken_until_they_are_let_go(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as before:
        before.execute("drop role if exists few")
        before.execute("create role few login connection limit 5 password 'few'")
    dsn = conninfo.make_conninfo(postgres_dsn, user="few", password="few")
    # A limit of the role stands for that of the server, so that no other test is shut out.
    held = HeldConnections(dsn, 2, 30.0, lambda: False)

    assert len(held) == 3
    with psycopg.connect(dsn), psycopg.connect(dsn):
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            psycopg.connect(dsn)
        with pytest.raises(StackError, match="connections can't be taken: .*too many connections"):
            HeldConnections(dsn, 0, 30.0, lambda: False)
    held.release()
    for _ in range(100):  # a backend ends a moment after its client
        with suppress(StackError):
            again = HeldConnections(dsn, 0, 30.0, lambda: False)
            found = len(again)
            again.release()
            if found == 5:
                break
        time.sleep(0.1)
    assert found == 5
    with pytest.raises(StackError, match="still accepts connections after 0 of them"):
        HeldConnections(dsn, 0, -1.0, lambda: False)


def test_connections_that_cannot_be_had_are_told() -> None:
    with pytest.raises(StackError, match="connections can't be taken: .*refused"):
        HeldConnections("postgresql://u@127.0.0.1:1/d", 0, 5.0, lambda: False)


@pytest.mark.parametrize(
    "protocol",
    [{"partition.assignment.strategy": "cooperative-sticky"}, {"group.protocol": "consumer"}],
    ids=["classic", "consumer"],
)
def test_a_new_member_takes_a_share_and_gives_it_back_without_losing_a_message(
    brokers: str, protocol: dict[str, str]
) -> None:
    with own_topic(brokers, "rebalanced", 2) as topic:
        settings = {**kafka_settings(brokers), "auto.offset.reset": "earliest"}
        consumer = Consumer({**settings, "group.id": topic, **protocol})
        with pytest.raises(StackError, match="has no members, so nobody would feel"):
            HeldMembership(brokers, topic, topic, 20.0, lambda: False)
        consumer.subscribe([topic])
        share(consumer, 2)
        joining = Joining(brokers, topic)
        joining.start()

        share(consumer, 1)
        joining.join(60.0)
        assert joining.held is not None, joining.error
        producer = Producer(kafka_settings(brokers))
        for partition in (0, 1):
            producer.produce(topic, b"one", partition=partition)
        producer.flush(30.0)
        joining.held.release()

        got: set[int | None] = set()
        until_s = time.monotonic() + 60
        while len(got) < 2 and time.monotonic() < until_s:
            if (message := consumer.poll(0.2)) is not None and message.error() is None:
                got.add(message.partition())
        consumer.close()
    assert got == {0, 1}


class Joining(Thread):
    """Join a group while the test answers for its first member."""

    def __init__(self, brokers: str, topic: str) -> None:
        super().__init__()
        self._names = (brokers, topic)
        self.held: HeldMembership | None = None
        self.error: StackError | None = None

    def run(self) -> None:
        brokers, topic = self._names
        try:
            self.held = HeldMembership(brokers, topic, topic, 40.0, lambda: False)
        except StackError as error:
            self.error = error


def share(consumer: Consumer, partitions: int) -> None:
    """Take part in the group until this member has so many partitions."""
    until_s = time.monotonic() + 60
    while len(consumer.assignment()) != partitions:
        assert time.monotonic() < until_s
        consumer.poll(0.1)
