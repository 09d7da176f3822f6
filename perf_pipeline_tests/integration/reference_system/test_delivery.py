"""What becomes of a user's message: outbox, relay, topic, worker, recorded delivery; over faults.

Add here: a fault that must lose nothing. Keep out: HTTP answers (test_api.py).
"""

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from perf_pipeline.config.kafka_client import kafka_settings, with_properties
from perf_pipeline.reference_system.settings import Settings, read_settings
from perf_pipeline.reference_system.worker import Worker
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.kafka_group import group_is_exactly
from perf_pipeline.stack.part_faults import leaders_of
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.stack.revival import revive
from perf_pipeline.workloads.kafka.topics import ensure_topic
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.loads.own_database import own_database
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import hush

ADD_USERS = """
with new_user as (
    insert into users (first_name, last_name, email, birthday_date, timezone)
    select 'Ada', 'Lovelace', gen_random_uuid() || '@example.org', '1990-05-17', 'UTC'
    from generate_series(1, %s) returning id
), message as (
    insert into outbox (user_id, scheduled_send_time, content)
    select id, '2030-05-17 09:00+00', 'Hey, Ada Lovelace' from new_user
)
select id from new_user
"""


def await_that(
    condition: Callable[[], bool], within_s: float = 60.0, told: Callable[[], str] = str
) -> None:
    give_up_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_s, f"it did not come true in time\n{told()}"
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class System:
    """One Birthday Scheduler without its API: a database and a topic of its own."""

    rows: psycopg.Connection[TupleRow]
    environment: dict[str, str]
    folder: Path

    @property
    def topic(self) -> str:
        return self.environment["BIRTHDAY_TOPIC"]

    def add_users(self, count: int) -> set[int]:
        return {row[0] for row in self.rows.execute(ADD_USERS, (count,))}

    def attempts(self) -> dict[int, int]:
        """Give the attempts by user; every user has one message."""
        found = self.rows.execute("select user_id, attempts from message_deliveries").fetchall()
        assert len(found) == len(dict(found))
        return dict(found)

    def await_deliveries(self, users: set[int], within_s: float = 60.0) -> dict[int, int]:
        await_that(lambda: self.attempts().keys() >= users, within_s, self.told)
        return self.attempts()

    def told(self) -> str:
        """Give what became of the messages, and what all parts have logged."""
        waiting = self.rows.execute("select count(*) from outbox").fetchone()
        counts = f"in the outbox, delivered: {waiting}, {len(self.attempts())}"
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join([counts, *(f"{log.name}:\n{log.read_text()}" for log in logs)])

    def migrate(self) -> None:
        """Make tables and topic."""
        with self.running("migrate") as pid:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    def await_log(self, name: str, text: str) -> None:
        log = self.folder / f"{name}.log"
        await_that(lambda: text in log.read_text(), told=self.told)

    @contextmanager
    def running(self, part: str, name: str = "", **environment: str) -> Iterator[int]:
        """Run a part until the block ends and give its pid; unless killed it must end cleanly."""
        log = self.folder / f"{name or part}.log"
        with log.open("ab") as output:
            process = started(
                [sys.executable, "-m", f"perf_pipeline.reference_system.{part}"],
                env={**os.environ, **self.environment, **environment},
                stderr=output,
            )
        try:
            yield process.pid
        finally:
            process.terminate()
            assert process.wait(10) in {0, -signal.SIGKILL}, log.read_text()


@contextmanager
def new_system(
    postgres_dsn: str, brokers: str, folder: Path, encoding: str = "UTF8"
) -> Iterator[System]:
    name = f"reference_{uuid.uuid4().hex}"
    with own_database(postgres_dsn, "reference", encoding) as dsn:
        environment = {
            "BIRTHDAY_POSTGRES_DSN": dsn,
            "BIRTHDAY_BROKERS": brokers,
            "BIRTHDAY_TOPIC": name,
            "BIRTHDAY_GROUP": name,
        }
        with psycopg.connect(dsn, autocommit=True) as rows:
            system = System(rows, environment, folder)
            system.migrate()
            yield system


@pytest.fixture
def system(postgres_dsn: str, brokers: str, tmp_path: Path) -> Iterator[System]:
    with new_system(postgres_dsn, brokers, tmp_path) as made:
        yield made


def test_a_database_without_an_encoding_delivers_as_any_other(
    postgres_dsn: str, brokers: str, tmp_path: Path
) -> None:
    with (
        new_system(postgres_dsn, brokers, tmp_path, "SQL_ASCII") as system,
        system.running("relay"),
        system.running("worker"),
    ):
        users = system.add_users(10)

        assert system.await_deliveries(users) == dict.fromkeys(users, 1)


def test_a_database_that_is_slow_to_let_anybody_in_is_waited_for(system: System) -> None:
    # Each session sleeps for 3 s once it has logged in; a first attempt is given 2 s.
    at = system.environment["BIRTHDAY_POSTGRES_DSN"]
    slow = {"BIRTHDAY_POSTGRES_DSN": make_conninfo(at, options="-c post_auth_delay=3")}
    with system.running("relay", **slow), system.running("worker", **slow):
        users = system.add_users(5)

        assert system.await_deliveries(users) == dict.fromkeys(users, 1)


def test_every_message_is_delivered_exactly_once(system: System) -> None:
    system.migrate()  # once more, which finds everything in place
    with system.running("relay"), system.running("worker"):
        users = system.add_users(300)
        attempts = system.await_deliveries(users)

    assert attempts == dict.fromkeys(users, 1)
    assert system.rows.execute("select count(*) from outbox").fetchone() == (0,)


def test_workers_deliver_in_a_group_whose_brokers_share_the_work_out(
    system: System, brokers: str
) -> None:
    newer = with_properties(brokers, {"group.protocol": "Consumer"})  # as librdkafka reads it
    with system.running("relay"), system.running("worker", BIRTHDAY_BROKERS=newer):
        users = system.add_users(50)
        attempts = system.await_deliveries(users)
        await_that(lambda: group_is_exactly(brokers, system.topic, 1, 6))

    assert attempts == dict.fromkeys(users, 1)


def test_a_message_on_the_topic_carries_key_and_fields(system: System, brokers: str) -> None:
    (user_id,) = system.add_users(1)
    outbox = system.rows.execute("select message_id from outbox").fetchone()
    with system.running("relay"):
        consumer = Consumer({**kafka_settings(brokers), "group.id": "reader"})
        consumer.assign([TopicPartition(system.topic, number, 0) for number in range(6)])
        message = consumer.poll(15)
        consumer.close()

    assert message is not None
    assert message.key() == f"user-{user_id}".encode()
    value = json.loads(message.value() or b"")
    assert datetime.fromisoformat(value.pop("publishedAt")).tzinfo is not None
    assert value == {
        "messageId": str(outbox[0]) if outbox else "",
        "userId": str(user_id),
        "messageType": "birthday",
        "scheduledSendTime": "2030-05-17T09:00:00+00:00",
        "content": "Hey, Ada Lovelace",
    }


def test_who_removes_users_removes_their_messages_and_deliveries_too(system: System) -> None:
    with system.running("relay"), system.running("worker"):
        system.await_deliveries(system.add_users(3))
    system.add_users(2)

    system.rows.execute("delete from users where email like '%@example.org'")

    left = "select (select count(*) from outbox), (select count(*) from message_deliveries)"
    assert system.rows.execute(left).fetchone() == (0, 0)


def test_foreign_messages_and_messages_of_removed_users_do_not_stop_a_worker(
    system: System, brokers: str
) -> None:
    producer = Producer({**kafka_settings(brokers)})
    removed = {"messageId": str(uuid.uuid4()), "userId": "999"}
    huge = {"messageId": str(uuid.uuid4()), "userId": "9" * 30}
    for value in ("no JSON", "[]", "{}", '{"messageId": 1}', json.dumps(removed), json.dumps(huge)):
        producer.produce(system.topic, value=value, partition=0)
    assert producer.flush(10) == 0

    with system.running("relay"), system.running("worker"):
        users = system.add_users(20)
        attempts = system.await_deliveries(users)

        group = Consumer({**kafka_settings(brokers), "group.id": system.topic})
        await_that(lambda: committed(group, system.topic, 0) >= 6)
        group.close()
    assert attempts.keys() == users


def committed(consumer: Consumer, topic: str, partition: int) -> int:
    offset = consumer.committed([TopicPartition(topic, partition)], timeout=5)[0].offset
    assert isinstance(offset, int)
    return offset


def test_a_worker_that_starts_before_its_topic_takes_it_once_it_is_there(
    system: System, brokers: str
) -> None:
    later = f"{system.topic}-later"
    with system.running("worker", "early", BIRTHDAY_TOPIC=later):
        time.sleep(2.0)  # for what it asks before the topic is there
        ensure_topic(brokers, later, 2)

        system.await_log("early", "ready; assigned partitions [0, 1]")


def test_a_killed_worker_loses_nothing_and_what_it_had_in_hand_comes_again(system: System) -> None:
    # The wide sending time leaves messages finished behind unfinished ones, which no commit covers.
    slow = {"BIRTHDAY_SEND_MS": "1..300", "BIRTHDAY_WORKER_ID": "one"}
    with system.running("relay"):
        users = system.add_users(200)
        with system.running("worker", **slow) as pid:
            await_that(lambda: len(system.attempts()) >= 60, told=system.told)
            os.kill(pid, signal.SIGKILL)
        with system.running("worker", BIRTHDAY_WORKER_ID="one"):
            attempts = system.await_deliveries(users)

    assert attempts.keys() == users
    assert set(attempts.values()) == {1, 2}


def test_a_worker_that_another_one_of_its_id_put_out_joins_anew_and_loses_nothing(
    system: System, brokers: str
) -> None:
    with system.running("relay"), system.running("worker", BIRTHDAY_WORKER_ID="one"):
        system.await_deliveries(users := system.add_users(20))
        twin = Consumer(
            {
                **kafka_settings(brokers),
                "group.id": system.topic,
                "group.instance.id": "one",
                "partition.assignment.strategy": "cooperative-sticky",
            }
        )
        twin.subscribe([system.topic])
        # Its old member is refused at its next heartbeat, which is sent every 3 s.
        give_up_s = time.monotonic() + 60
        while "joining again" not in (system.folder / "worker.log").read_text():
            assert time.monotonic() < give_up_s
            twin.poll(0.1)
        attempts = system.await_deliveries(users | system.add_users(20))
        twin.close()

    assert attempts.keys() >= users


def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_stops(
    system: System,
) -> None:
    with system.running("relay"), system.running("worker", "first"):
        system.await_log("first", "ready; assigned partitions [0, 1, 2, 3, 4, 5]")
        with system.running("worker", "second"):
            system.await_log("second", "ready; assigned partitions [")
            attempts = system.await_deliveries(first := system.add_users(200))
        # Well below the session time-out of 30 s: a worker that stops leaves the group.
        attempts = system.await_deliveries(first | system.add_users(200), within_s=10)

    assert set(attempts.values()) == {1}
    for name in ("first", "second"):
        assert "recorded 0" not in (system.folder / f"{name}.log").read_text()


def test_a_database_that_drops_all_connections_loses_nothing(
    system: System, postgres_dsn: str
) -> None:
    name = system.rows.info.dbname
    with system.running("relay"), system.running("worker"):
        users = system.add_users(500)
        with psycopg.connect(postgres_dsn, autocommit=True) as admin:
            admin.execute(f"alter database {name} allow_connections false")
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = %s and pid <> %s",
                (name, system.rows.info.backend_pid),
            )
            admin.execute(f"alter database {name} allow_connections true")
        users |= system.add_users(50)
        attempts = system.await_deliveries(users)

    assert attempts.keys() == users


@pytest.mark.timeout(240)  # a first run fetches the broker's jars
def test_a_broker_that_is_killed_and_one_that_hangs_and_comes_back_loses_nothing(
    postgres_dsn: str, tmp_path: Path
) -> None:
    state = new_state(tmp_path / "state")
    only_broker = StackOptions(parts=frozenset({"kafka"}))
    with running_stack(state, only_broker, say=hush) as stack:
        assert stack.endpoints.brokers is not None
        (broker,) = stack.services
        assert broker.pids
        with (
            new_system(postgres_dsn, stack.endpoints.brokers, tmp_path) as system,
            system.running("relay"),
            system.running("worker", BIRTHDAY_SEND_MS="20..40"),
        ):
            users = system.add_users(200)
            await_that(lambda: len(system.attempts()) > 20)
            for pid in broker.pids:
                os.kill(pid, signal.SIGKILL)
            users |= system.add_users(100)
            # Nothing is revived while the killed process, with its many threads, is still ending.
            await_that(lambda: bool(revive(stack, "broker")), within_s=60)
            attempts = system.await_deliveries(users, within_s=90)
        (pid,) = leaders_of(stack.folder, "broker")
        settings = read_settings(system.environment, needs_brokers=True)
        took_s = asyncio.run(joined_anew_beside_silence(settings, pid))

    assert attempts.keys() == users
    assert took_s < 20  # it may take 2


async def joined_anew_beside_silence(settings: Settings, broker: int) -> float:
    """Let a worker join anew while its broker hangs; give how long its thread was away."""
    worker, loop = Worker(settings), asyncio.get_running_loop()
    worker._loop = loop
    worker._subscribe()
    async with asyncio.timeout(60):
        while not worker._progress:
            await loop.run_in_executor(worker._thread, worker._take)
    os.kill(broker, signal.SIGSTOP)
    began_s = time.monotonic()
    await loop.run_in_executor(worker._thread, worker._renew)
    took_s = time.monotonic() - began_s
    os.kill(broker, signal.SIGCONT)
    async with asyncio.timeout(90):
        while not worker._progress:
            await loop.run_in_executor(worker._thread, worker._take)
    await worker._leave()
    await worker._deliveries.close()
    return took_s
