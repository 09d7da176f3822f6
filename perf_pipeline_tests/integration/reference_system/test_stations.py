"""What the reference system tells of a request's and a message's way, so that tiers can be told.

Add here: another station. Keep out: what is made of it (analysis/attribution.py).
"""

import json
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Producer

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline_tests.integration.reference_system.test_api import person, running_api
from perf_pipeline_tests.integration.reference_system.test_delivery import System, new_system

SLOW_INSERT = """
create function slow() returns trigger language plpgsql as
'begin perform pg_sleep(0.05); return new; end';
create trigger slow before insert on users for each row execute function slow()
"""
STATIONS = "select published_at, received_at, completed_at from message_deliveries"


@pytest.fixture
def system(postgres_dsn: str, brokers: str, tmp_path: Path) -> Iterator[System]:
    with new_system(postgres_dsn, brokers, tmp_path) as made:
        yield made


def durations(header: str) -> dict[str, float]:
    """Read `db;dur=1.2, total;dur=2.3`."""
    parts = (part.strip().split(";dur=") for part in header.split(","))
    return {name: float(ms) for name, ms in parts}


def test_every_answer_tells_its_time_and_the_share_of_the_database(
    system: System, tmp_path: Path
) -> None:
    with running_api(system.environment, tmp_path / "api.log") as api:
        refused = durations(api.post("/user", json={}).headers["server-timing"])
        api.post("/user", json=person())
        quick = durations(api.post("/user", json=person()).headers["server-timing"])
        system.rows.execute(SLOW_INSERT)
        slow = durations(api.post("/user", json=person()).headers["server-timing"])

    assert refused["db"] == 0 < refused["total"]
    assert 0 < quick["db"] < quick["total"]
    assert 50 <= slow["db"] < slow["total"]


def test_a_delivery_has_its_stations_in_order(system: System) -> None:
    with system.running("relay"), system.running("worker", BIRTHDAY_SEND_MS="20..20"):
        system.await_deliveries(system.add_users(20))

    found = system.rows.execute(STATIONS).fetchall()
    assert len(found) == 20
    for published, received, completed in found:
        assert published < received < completed
        assert (completed - received).total_seconds() >= 0.019


def test_a_message_waits_for_a_free_sender_before_it_is_received(system: System) -> None:
    """One at a time, 20 ms each: the last of 10 has waited for at least 9 x 20 ms."""
    with (
        system.running("relay"),
        system.running("worker", BIRTHDAY_SEND_MS="20..20", BIRTHDAY_WORKER_CONCURRENCY="1"),
    ):
        system.await_deliveries(system.add_users(10))

    moments = sorted(row[1] for row in system.rows.execute(STATIONS).fetchall())
    assert (moments[-1] - moments[0]).total_seconds() >= 0.17


def test_a_worker_that_waits_for_messages_does_not_hold_those_in_sending(system: System) -> None:
    """Bursts of 10, up to 20 ms each: storing offsets in the loop made every second take 100 ms."""
    with system.running("relay"), system.running("worker", BIRTHDAY_SEND_MS="0..20"):
        users = set[int]()
        for _ in range(10):
            users |= system.add_users(10)
            time.sleep(0.4)
        system.await_deliveries(users)

    spans_s = sorted(
        (completed - received).total_seconds()
        for _, received, completed in system.rows.execute(STATIONS).fetchall()
    )
    assert len(spans_s) == 100
    assert spans_s[90] < 0.08


@pytest.mark.parametrize("said", [None, "yesterday", "2026-01-01T00:00:00", 7])
def test_a_message_that_does_not_say_when_it_was_published_is_delivered_without(
    system: System, brokers: str, said: object
) -> None:
    (user_id,) = system.add_users(1)
    system.rows.execute("delete from outbox")
    message = {"messageId": str(uuid.uuid4()), "userId": str(user_id), "publishedAt": said}
    producer = Producer({**kafka_settings(brokers)})
    producer.produce(system.topic, json.dumps(message).encode())
    producer.flush(10)

    with system.running("worker"):
        system.await_deliveries({user_id})

    ((published, received, completed),) = system.rows.execute(STATIONS).fetchall()
    assert published is None
    assert received < completed


def test_a_table_of_an_earlier_version_gets_the_columns_and_keeps_its_rows(
    postgres_dsn: str,
) -> None:
    schema = Path(sys.modules["perf_pipeline.reference_system"].__path__[0]) / "schema.sql"
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("create temp table message_deliveries (message_id uuid primary key)")
        connection.execute("insert into message_deliveries values (gen_random_uuid())")
        changes = [line for line in schema.read_text().splitlines() if line.startswith("alter")]
        for _ in range(2):
            for change in changes:
                connection.execute(change.encode())
        found = connection.execute(
            "select published_at, received_at from message_deliveries"
        ).fetchall()
        connection.rollback()

    assert len(changes) == 2
    assert found == [(None, None)]
