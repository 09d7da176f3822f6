"""Two sets of workers compared by the command line: what each takes, and loses, is known.

A machine with much else to do may hold the generator up; then only what is worse is told.
Add here: another thing about sides that are workers. Keep out: topics that nobody works on
(test_duet_topics.py).
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.stack.kafka_group import is_taken
from perf_pipeline_tests.support.commands.command_line import CommandLine, wait_until
from perf_pipeline_tests.support.loads.kafka_topics import own_topic
from perf_pipeline_tests.support.loads.own_database import own_database
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers import held_worker

pytestmark = pytest.mark.timeout(240)

_WORKER: Final = Path(held_worker.__file__)
_SHORT: Final = ("--within", "6s", "--warm-up", "1s")
# 6 s have hardly more blocks of half a second than a verdict needs.
_JUDGED: Final = ("--within", "8s", "--warm-up", "1s")
_PROFILE: Final = """
name = "orders"
workers = 1
[benchmarks.orders.scenarios.place]
exec = "produce"
executor = "constant-arrival-rate"
rate = 20
duration = "10s"
preAllocatedVUs = 30
gracefulStop = "2s"
[benchmarks.orders.scenarios.place.parameters]
topic = "{topic}"
json = {{ id = "${{run}}-${{vu}}-${{iteration}}" }}
messageId = "$.id"
linger = "0ms"
[benchmarks.orders]
drainTimeout = "6s"
[benchmarks.orders.deliveries]
{deliveries}
"""


@pytest.fixture(scope="module")
def topics(brokers: str) -> Iterator[tuple[str, str]]:
    """Give the topic that is copied, and the one in which deliveries show."""
    with own_topic(brokers, "orders", 2) as topic, own_topic(brokers, "done", 1) as done:
        yield topic, done


@pytest.fixture
def command(tmp_path: Path, brokers: str) -> CommandLine:
    return CommandLine(new_state(tmp_path), {"PERF_KAFKA_BROKERS": brokers})


@pytest.fixture
def profile(tmp_path: Path, topics: tuple[str, str]) -> str:
    path = tmp_path / "orders.toml"
    path.write_text(
        _written(topics[0], f'topic = "{topics[1]}"\nid = "key"\ntime = "here"'), encoding="utf-8"
    )
    return str(path)


def _written(topic: str, deliveries: str) -> str:
    return _PROFILE.format(topic=topic, deliveries=deliveries)


def _workers(
    topics: tuple[str, str], held_ms: int, lose_every: int = 0, protocol: str = "classic"
) -> str:
    program = f"GROUP_PROTOCOL={protocol} exec {sys.executable} -P {_WORKER}"
    return f"{program} {{topic}} {{group}} {held_ms} {lose_every} {topics[1]}"


def _told(command: CommandLine) -> dict[str, Any]:
    (path,) = (command.state / "reports").glob("*/summary.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _delivery(command: CommandLine) -> dict[str, Any]:
    (found,) = [
        operation
        for operation in _told(command)["loads"][0]["operations"]
        if operation["operation"] == "delivery"
    ]
    return dict(found)


def _copies(asked: AdminClient | str) -> list[str]:
    admin = AdminClient(kafka_settings(asked)) if isinstance(asked, str) else asked
    return [name for name in admin.list_topics(timeout=10).topics if "-duet-" in name]


def test_workers_that_take_longer_are_slower_by_what_they_take(
    command: CommandLine, profile: str, topics: tuple[str, str], brokers: str
) -> None:
    answer = command(
        *("duet", profile, "--baseline", _workers(topics, 20)),
        *("--candidate", _workers(topics, 320, protocol="consumer"), *_JUDGED),
    )

    delivery = _delivery(command)
    assert "were dealt out again" not in answer.out
    assert "nobody could see" not in answer.out
    # Where much else is to do, 8 s may not tell; it is never called equal or faster.
    assert answer.code in {97, 98}, answer.out + answer.err
    assert delivery["verdict"] in {"SLOWER", "UNDECIDED"}, answer.out
    if delivery["verdict"] == "SLOWER":
        assert _told(command)["verdict"] == "SLOWER"
        # 320 - 20 ms, and what a busy machine adds to either.
        median = delivery["statistics"]["p50"]
        assert median["candidate"] - median["baseline"] > 150
    wait_until(lambda: not _copies(brokers))
    assert not list((command.state / "stacks").glob("run-*"))


def test_a_worker_that_joins_while_messages_are_measured_leaves_no_verdict_on_their_times(
    command: CommandLine, profile: str, topics: tuple[str, str], brokers: str
) -> None:
    with _late_worker(brokers, topics[1]):
        answer = command(
            *("duet", profile, "--baseline", _workers(topics, 20)),
            *("--candidate", _workers(topics, 20), "--within", "12s", "--warm-up", "1s"),
        )

    assert (answer.code, _delivery(command)["verdict"]) == (97, "UNDECIDED"), answer.out
    assert "the partitions of the candidate's topic " in answer.out
    assert "-candidate were dealt out again among its workers by second" in answer.out


@contextmanager
def _late_worker(brokers: str, done: str) -> Iterator[None]:
    """Join the candidate's group 2 s after the first message, and work as its members do."""
    over = threading.Event()

    def messages(counts: Consumer, topic: str) -> int:
        places = [TopicPartition(topic, number) for number in range(2)]
        with suppress(KafkaException):  # a topic that was just made may have no leader yet
            return sum(counts.get_watermark_offsets(it, timeout=10)[1] for it in places)
        return 0

    def candidate() -> str:
        """Wait until its topic has what 2 s bring; a client each time would take a processor."""
        admin = AdminClient(kafka_settings(brokers))
        found = list[str]()
        with closing(Consumer({**kafka_settings(brokers), "group.id": "counts"})) as counts:
            # 20 a second, of which the first is warm-up
            while not (found and messages(counts, found[0]) >= 40) and not over.wait(0.2):
                found = [it for it in _copies(admin) if it.endswith("-candidate")]
        return "" if over.is_set() else found[0]

    def work() -> None:
        topic = candidate()
        if not topic:
            return
        settings = {**kafka_settings(brokers), "group.id": topic}
        tell = Producer({**kafka_settings(brokers), "linger.ms": 0})
        with closing(Consumer({**settings, "auto.offset.reset": "earliest"})) as consumer:
            consumer.subscribe([topic])
            while not over.is_set():
                message = consumer.poll(0.1)
                if message is not None and message.error() is None:
                    tell.produce(done, key=json.loads(message.value() or b"")["id"])
                tell.poll(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_workers_that_lose_messages_fail_more_however_quick_they_are(
    command: CommandLine, profile: str, topics: tuple[str, str]
) -> None:
    answer = command(
        *("duet", profile, "--baseline", _workers(topics, 60)),
        *("--candidate", _workers(topics, 20, lose_every=8), *_JUDGED),
    )

    delivery = _delivery(command)
    # Where much else is to do, fewer may be sent than show it; it is never called equal or faster.
    assert answer.code in {97, 98}, answer.out + answer.err
    assert delivery["verdict"] in {"FAILS MORE", "UNDECIDED"}, answer.out
    # At most 20 messages/s for 8 s, of which every 8th is lost.
    assert delivery["failed"]["baseline"] == 0
    lost, promised = delivery["failed"]["candidate"], delivery["requests"]["candidate"]
    assert promised <= 160
    assert abs(lost - promised / 8) <= 2
    assert "messages that were not delivered: baseline 0 of" in answer.out


def test_equal_workers_on_two_topics_are_not_called_slower_by_what_a_query_shows(
    tmp_path: Path, brokers: str, postgres_dsn: str
) -> None:
    with (
        own_topic(brokers, "old", 2) as old,
        own_topic(brokers, "new", 2) as new,
        own_database(postgres_dsn, "shipped") as dsn,
    ):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create table shipped (id text, completed_at timestamptz)")
        variables = {"PERF_KAFKA_BROKERS": brokers, "PERF_POSTGRES_DSN": dsn}
        command = CommandLine(new_state(tmp_path), variables)
        path = tmp_path / "orders.toml"
        path.write_text(_written(old, 'sql = "select id, completed_at from shipped"'), "utf-8")
        with _working(old, variables), _working(new, variables):
            answer = command(
                *("duet", str(path), "--baseline", "env:OLD", "--candidate", "env:NEW", *_SHORT),
                OLD=f"{brokers}/{old}",
                NEW=f"{brokers}/{new}",
            )

    assert answer.code in {0, 97}, answer.out + answer.err
    assert "nobody could see" not in answer.out  # both work in groups
    delivery = _delivery(command)
    assert delivery["verdict"] not in {"SLOWER", "FAILS MORE"}, answer.out
    assert (delivery["failed"]["baseline"], delivery["failed"]["candidate"]) == (0, 0)
    # A worker holds each for 20 ms, and nobody can be quicker.
    assert delivery["statistics"]["p50"]["baseline"] > 20
    assert delivery["statistics"]["p50"]["candidate"] > 20


def test_a_duet_that_is_killed_leaves_neither_workers_nor_topics(
    command: CommandLine, profile: str, topics: tuple[str, str], brokers: str, tmp_path: Path
) -> None:
    program = tmp_path / "ended_worker.py"
    program.write_text(_WORKER.read_text(encoding="utf-8"), encoding="utf-8")
    workers = _workers(topics, 20).replace(str(_WORKER), str(program))
    running = command.begin(
        *("duet", profile, "--baseline", workers, "--candidate", workers, "--within", "60s")
    )
    running.wait_for("orders: ")
    assert len(_copies(brokers)) == 2
    running.send(signal.SIGKILL)
    running.answer()

    wait_until(lambda: not _copies(brokers), 40.0)
    assert not [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(program) in part for part in process.info["cmdline"] or ())
    ]


@pytest.mark.parametrize(
    ("taken_out", "told"),
    [
        ("drainTimeout", "workers are compared by what they deliver, and it does not say where"),
        ("executor", "virtual users would give the quicker side more messages to deliver"),
    ],
)
def test_workers_that_could_not_be_compared_are_refused_before_any_load(
    command: CommandLine, profile: str, topics: tuple[str, str], taken_out: str, told: str
) -> None:
    path = Path(profile)
    text = path.read_text(encoding="utf-8")
    if taken_out == "drainTimeout":
        text = text.partition("[benchmarks.orders.deliveries]")[0]
    else:
        text = text.replace("constant-arrival-rate", "constant-vus").replace("rate = 20", "vus = 2")
        text = text.replace("preAllocatedVUs = 30\n", "")
    path.write_text(text, encoding="utf-8")
    workers = _workers(topics, 20)

    answer = command.here("duet", profile, "--baseline", workers, "--candidate", workers, *_SHORT)

    assert answer.code == 104, answer.err
    assert told in answer.err


@contextmanager
def _working(topic: str, variables: dict[str, str]) -> Iterator[None]:
    """Have a worker consume a topic, as those do that somebody else has started."""
    arguments = (topic, topic, "20", "0", "table:shipped")
    with subprocess.Popen(
        [sys.executable, "-P", str(_WORKER), *arguments], env={**os.environ, **variables}
    ) as worker:
        try:
            wait_until(lambda: is_taken(variables["PERF_KAFKA_BROKERS"], topic))
            yield
        finally:
            worker.kill()
