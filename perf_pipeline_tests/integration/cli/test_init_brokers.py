"""`init --brokers` writes what takes messages of real topics, and produces none unasked."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from perf_pipeline.config.kafka_client import (
    bootstrap_servers,
    client_properties,
    kafka_settings,
)
from perf_pipeline.workloads.kafka.topics import fix_position, watermarks
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.loads.kafka_topics import own_topic
from perf_pipeline_tests.support.places import new_state

VARIABLE = "ORDERS_KAFKA_PASSWORD"
MESSAGES = 120


@pytest.fixture
def orders(brokers: str) -> Iterator[str]:
    """Give a topic with messages of 300 bytes, of which a group has read none of 120."""
    with own_topic(brokers, "Orders.v1", 3) as topic:
        fix_position(brokers, f"workers-of-{topic}", topic)
        producer = Producer(kafka_settings(brokers))
        for number in range(MESSAGES):
            producer.produce(topic, b"s3cret-value".ljust(300), key=f"k{number}")
        assert producer.flush(10) == 0
        yield topic


def given_login(brokers: str) -> list[str]:
    """Give the options that log in to the brokers, with the password in the environment."""
    login = client_properties(brokers)
    secret = f"${{env.{VARIABLE}}}"
    pairs = {**login, **({"sasl.password": secret} if login else {})}
    return [word for key, value in pairs.items() for word in ("--kafka", f"{key}={value}")]


def test_a_topic_becomes_a_consumer_that_runs_and_a_producer_that_is_switched_off(
    brokers: str, orders: str, tmp_path: Path
) -> None:
    password = client_properties(brokers).get("sasl.password", "none")
    command = CommandLine(new_state(tmp_path / "state"), {VARIABLE: password})
    folder, path = tmp_path / "shop", tmp_path / "shop" / "shop.toml"
    given = ("--brokers", bootstrap_servers(brokers), "--topic", orders)

    made = command.here("init", str(folder), *given, *given_login(brokers), "--duration", "2s")
    text = path.read_text(encoding="utf-8") if path.exists() else made.err
    profile = tomllib.loads(text)
    checked = command.here("check", str(path))
    ran = command("run", str(path), "--set", "workers=1", "--set", "calibration=false")
    second = tmp_path / "again" / "shop"
    again = command.here("init", str(second), *given, *given_login(brokers))

    take, produce = profile["benchmarks"].values()
    assert made.code == 0, made.err
    assert "takes messages of 1 topic, and produces none" in made.out
    assert take["scenarios"]["readers"]["parameters"]["topic"] == orders
    assert take["scenarios"]["readers"]["parameters"]["group"] == "perf-shop"
    assert produce["enabled"] is False
    written = produce["scenarios"]["writers"]["parameters"]
    assert written["size"] == {"median": 300, "p99": 300, "most": 300}
    assert written["keys"]["count"] == 1_000
    told = " ".join(text.replace("\n# ", " ").split())
    assert f"workers-of-{orders} ({MESSAGES} behind)" in told
    assert f"Switched off: what it produces stays in {orders}" in told
    assert profile["targets"]["shop"]["group"] == f"workers-of-{orders}"
    assert again.code == 0, again.err
    later = tomllib.loads((second / "shop.toml").read_text(encoding="utf-8"))
    assert later["targets"]["shop"]["group"] == f"workers-of-{orders}"  # not that of the first run
    assert "s3cret-value" not in text
    assert password not in text + made.out
    assert checked.code == 0, checked.err
    assert ran.code == command.code_of(ran.run_id), ran.err + ran.out
    assert command.value("select count(*) from samples where operation = 'consume'") == MESSAGES
    assert sum(mark.high_watermark for mark in watermarks(brokers, orders)) == MESSAGES


def test_an_empty_topic_is_told_and_nothing_is_produced_into_it(
    brokers: str, tmp_path: Path
) -> None:
    password = client_properties(brokers).get("sasl.password", "none")
    command = CommandLine(tmp_path, {VARIABLE: password})
    with own_topic(brokers, "empty", 1) as topic:
        given = ("--brokers", bootstrap_servers(brokers), "--topic", topic)
        made = command.here("init", str(tmp_path / "shop"), *given, *given_login(brokers))
        text = (tmp_path / "shop" / "shop.toml").read_text(encoding="utf-8")

    assert made.code == 0, made.err
    assert "It is empty now" in text
    assert [table.get("enabled", True) for table in tomllib.loads(text)["benchmarks"].values()] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (
            ("--brokers", "127.0.0.1"),
            104,
            "the text of --brokers contains '127.0.0.1', which is not host:port",
        ),
        (("--brokers", "SASL_PLAINTEXT://me:s3cretword@127.0.0.1:1"), 104, "holds a login"),
        (("--brokers", "127.0.0.1:1"), 97, "no broker at 127.0.0.1:1 answered"),
        (("--brokers", "127.0.0.1:1", "--kafka", "x"), 104, "--kafka x: write KEY=VALUE"),
        (
            ("--brokers", "127.0.0.1:1", "--kafka", "security.protocl=SSL"),
            104,
            "is not a property of librdkafka; did you mean security.protocol?",
        ),
        (
            ("--brokers", "127.0.0.1:1", "--kafka", "sasl.password=s3cretword"),
            104,
            "--kafka sasl.password is a secret, which no file should hold",
        ),
        (("--topic", "orders"), 104, "--topic and --kafka need --brokers"),
    ],
)
def test_what_is_no_cluster_is_a_sentence_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    refused = CommandLine(tmp_path).here("init", str(tmp_path / "shop"), *arguments)

    assert refused.code == code, refused.err
    assert told in refused.err
    assert "s3cretword" not in refused.err
    assert not (tmp_path / "shop").exists()


def test_a_misspelt_topic_is_answered_with_the_topic(
    brokers: str, orders: str, tmp_path: Path
) -> None:
    password = client_properties(brokers).get("sasl.password", "none")
    command = CommandLine(tmp_path, {VARIABLE: password})
    given = ("--brokers", bootstrap_servers(brokers), "--topic", orders.replace("Or", "O"))

    refused = command.here("init", str(tmp_path / "shop"), *given, *given_login(brokers))

    assert refused.code == 104
    assert f"did you mean {orders}?" in refused.err
