"""Own messages in a profile: what they read back as, and every mistake with what is right."""

import json
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.message_sizes import largest_bytes
from perf_pipeline.config.own_topics import OwnConsumeParameters, OwnProduceParameters
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.refused_profiles import shop, the_answer_to

ORDER: dict[str, Any] = {"topic": "orders", "json": {"id": "${uuid}"}}


def produce(**parameters: Any) -> dict[str, Any]:
    return {
        "exec": "produce",
        "executor": "constant-vus",
        "vus": 1,
        "duration": "1s",
        "parameters": parameters,
    }


def test_messages_read_back_with_all_their_keys() -> None:
    more = {
        "keys": {"count": 1_000, "skew": "zipf", "exponent": 1, "prefix": "customer-"},
        "headers": {"trace": "${run}", "try": 1},
        "messageId": "$.id",
        "compression": "lz4",
        "linger": "20ms",
        "transaction": 10,
        "partitioner": "murmur2_random",
        "timeout": "5s",
        "thinkTime": "1s..3s",
    }
    profile = validate_profile(shop(produce(**ORDER, **more)), "shop.toml")

    parameters = profile.benchmarks["orders"].scenarios["look"].parameters
    assert isinstance(parameters, OwnProduceParameters)
    assert parameters.linger_us == 20_000
    assert [operation.name for operation in parameters.operations] == ["transaction"]
    assert validate_profile(json.loads(profile.as_json), "history") == profile


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"topic": "orders"}, "has no value; write exactly one of json, value, payloads, size"),
        ({**ORDER, "value": "x"}, "has json and value; write exactly one of json, value"),
        ({**ORDER, "key": "a", "keys": {"count": 2}}, "has key and keys"),
        ({**ORDER, "topic": "a b"}, "'a b' can't be the name of a topic"),
        ({**ORDER, "acks": "1"}, "needs idempotent = false and no transaction"),
        ({**ORDER, "acks": 0}, "acks is '0'; it must be 'all' or '1'"),
        ({**ORDER, "acks": 1}, "needs idempotent = false and no transaction"),
        ({**ORDER, "idempotent": False, "transaction": 2}, "needs idempotent = true"),
        ({**ORDER, "compression": "gzp"}, "did you mean gzip?"),
        ({**ORDER, "messageId": "id"}, "is not a JSON path; a path begins with $"),
        ({**ORDER, "messageId": "header:"}, "names no header; write one like header:message-id"),
        ({"size": {"least": 1, "most": 9}, "messageId": "$.id"}, "in a value of random letters"),
        ({"size": {"least": 10, "most": 9}}, "must be least and most, or median, p99 and most"),
        ({"size": {"median": 9, "p99": 5, "most": 9}}, "each at most as large as the next"),
        ({**ORDER, "keys": {"count": 5, "skew": "hot", "hot": 5}}, "has 5 hot keys of 5"),
        ({**ORDER, "keys": {"count": 5, "exponent": 2}}, 'has exponent, which only skew = "zipf"'),
        ({**ORDER, "key": "${data.users.id}"}, "names no data set; the data sets are none"),
        ({**ORDER, "key": "${uid}"}, "key: ${uid} is neither a variable"),
        ({**ORDER, "headers": {"a": "${vuu}"}}, "headers.a: ${vuu} is neither a variable"),
        ({**ORDER, "lingerMs": 5}, "parameters.lingerMs is not a known key"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_in_messages_is_told_in_one_sentence(
    parameters: dict[str, Any], told: str
) -> None:
    answer = the_answer_to(shop(produce(**parameters)))

    assert answer.startswith("benchmarks.orders.scenarios.look.parameters")
    assert told in answer


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.pem", "there is no file 'none.pem' beside the profile"),
        ("empty.pem", "'empty.pem' contains no PEM certificate"),
    ],
)
def test_the_authority_of_a_registry_is_looked_for_before_the_load(
    tmp_path: Path, name: str, told: str
) -> None:
    (tmp_path / "empty.pem").touch()
    file = tmp_path / "own.toml"
    file.write_text(
        f"""name = "own"
[benchmarks.orders.scenarios.look]
exec = "produce"
executor = "constant-vus"
vus = 1
duration = "1s"
parameters.json = 1
parameters.schema = {{ registry = "https://127.0.0.1:8081", caFile = "{name}" }}
""",
        encoding="utf-8",
    )

    with pytest.raises(ProfileError) as caught:
        load_profile(str(file))

    assert f"scenarios.look.parameters.schema.caFile: {told}" in str(caught.value)


def test_a_file_of_payloads_that_is_not_there_is_told_before_the_load(tmp_path: Path) -> None:
    text = """
    name = "shop"
    [benchmarks.orders.scenarios.look]
    exec = "produce"
    executor = "constant-vus"
    vus = 1
    duration = "1s"
    parameters = { topic = "orders", payloads = "orders.jsonl" }
    """
    (tmp_path / "shop.toml").write_text(text)
    (tmp_path / "order.jsonl").write_text("{}")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(tmp_path / "shop.toml"))

    (answer,) = caught.value.problems
    assert "parameters.payloads: 'orders.jsonl' can't be read: No such file" in answer
    assert "did you mean order.jsonl?" in answer


# Head of a batch and of a record, 61 + 8 bytes (Kafka's message format v2), then what is written.
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"size": {"least": 1, "most": 500}}, 69 + 500),
        ({"value": "x" * 40, "key": "abc"}, 69 + 40 + 3),
        ({"value": "${random.choice(a|bcd)}-${random.int(1,1000)}"}, 69 + 3 + 1 + 4),
        ({"json": {"id": "x" * 10}}, 69 + len('{"id":"xxxxxxxxxx"}')),
        ({"value": "", "keys": {"count": 1000, "prefix": "c-"}}, 69 + len("c-1000")),
        ({"value": "", "headers": {"ab": "xyz"}}, 69 + 2 + 3),
        (
            {"value": "${data.d.value}", "data": {"d": {"values": ["a", "b" * 99]}}},
            69 + 99,
        ),
    ],
)
def test_the_largest_message_is_known_before_the_load(
    tmp_path: Path, parameters: dict[str, Any], expected: int
) -> None:
    own = OwnProduceParameters.model_validate(parameters)

    assert largest_bytes(own, {}, tmp_path) == expected


def test_the_largest_of_real_payloads_counts(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_bytes(b"{}\n" + b"x" * 700 + b"\r\n\n")
    own = OwnProduceParameters.model_validate({"payloads": "orders.jsonl"})

    assert largest_bytes(own, {}, tmp_path) == 69 + 700


def consume(**parameters: Any) -> dict[str, Any]:
    return {**produce(**parameters), "exec": "consume"}


def test_a_consumer_reads_back_with_all_its_keys() -> None:
    keys = {
        "topic": "orders",
        "group": "perf",
        "from": "beginning",
        "work": "1ms..5ms",
        "commitInterval": "100ms",
        "messageId": "header:id",
    }
    profile = validate_profile(shop(consume(**keys)), "shop.toml")

    parameters = profile.benchmarks["orders"].scenarios["look"].parameters
    assert isinstance(parameters, OwnConsumeParameters)
    assert parameters.work_us == (1_000, 5_000)
    assert [operation.name for operation in parameters.operations] == ["consume", "rebalance"]
    assert validate_profile(json.loads(profile.as_json), "history") == profile


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"from": "latest"}, "it must be 'end', 'beginning' or 'position'"),
        ({"topic": ".."}, "'..' can't be the name of a topic"),
        ({"messageId": "$..id"}, "could lead to several places"),
        ({"commitInterval": "1ms"}, "commitInterval is 1ms; it must be between 10ms and"),
    ],
)
def test_a_mistake_in_a_consumer_is_told_in_one_sentence(
    parameters: dict[str, Any], told: str
) -> None:
    answer = the_answer_to(shop(consume(**parameters)))

    assert answer.startswith("benchmarks.orders.scenarios.look.parameters")
    assert told in answer
