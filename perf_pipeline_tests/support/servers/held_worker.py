"""A program that works on messages for a time that is known, and tells of each where it is told to.

`held_worker.py TOPIC GROUP HELD_MS LOSE_EVERY DONE`: it works on any number of messages at a time,
each for HELD_MS, and forgets every LOSE_EVERY-th one (0 for none). DONE is a topic, or
`table:NAME` of the database in PERF_POSTGRES_DSN. GROUP_PROTOCOL says how its group shares out.
Add here: another way to treat a message. Keep out: what the tests expect of it.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from confluent_kafka import Consumer, Producer

from perf_pipeline.config.kafka_client import kafka_settings


def main(topic: str, group: str, held_ms: str, lose_every: str, done: str) -> None:
    """Work until this process is ended."""
    settings = kafka_settings(os.environ["PERF_KAFKA_BROKERS"])
    tell = _in_table(done) if done.startswith("table:") else _in_topic(done, settings)
    joining = {"group.id": group, "group.protocol": os.environ.get("GROUP_PROTOCOL", "classic")}
    consumer = Consumer(
        {**settings, **joining, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100}
    )
    consumer.subscribe([topic])
    number = 0
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error() is not None:
            continue
        order, number = json.loads(message.value() or b"")["id"], number + 1
        if not int(lose_every) or number % int(lose_every):
            threading.Timer(int(held_ms) / 1_000, tell, [order]).start()


def _in_topic(topic: str, settings: Mapping[str, Any]) -> Callable[[str], None]:
    producer = Producer({**settings, "linger.ms": 0})

    def tell(order: str) -> None:
        producer.produce(topic, key=order)
        producer.poll(0)

    return tell


def _in_table(done: str) -> Callable[[str], None]:
    # Half of what this program takes to start, which those that tell a topic do without.
    psycopg = import_module("psycopg")
    connection = psycopg.connect(os.environ["PERF_POSTGRES_DSN"], autocommit=True)
    insert = f"insert into {done.removeprefix('table:')} values (%s, clock_timestamp())"

    def tell(order: str) -> None:
        connection.execute(insert, (order,))  # one at a time: psycopg locks its connection

    return tell


if __name__ == "__main__":
    main(*sys.argv[1:])
