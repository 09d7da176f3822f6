"""`[targets.NAME.kafka]`: what is taken, what is refused and why, and where secrets come from."""

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer

from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings, shown_brokers
from perf_pipeline.config.kafka_names import FREE, REFUSED
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.own_scenarios import own_notices
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.safety import check_target
from perf_pipeline.config.target import Target, resolve_target
from perf_pipeline.errors import AddressError, ProfileError
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline_tests.support.refused_profiles import shop, the_answer_to

SCRAM: dict[str, Any] = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "perf",
    "sasl.password": "${env.KAFKA_PASSWORD}",
}
ONLY_IN_JAVA_OR_ALIAS = {"request.timeout.ms"}  # of a topic; librdkafka knows it by another call


def profile_with(**kafka: Any) -> dict[str, Any]:
    target = {"brokers": "127.0.0.1:9093", "kafka": kafka}
    return {**shop(), "target": "shop", "targets": {"shop": target}}


def the_profile(**kafka: Any) -> Profile:
    return validate_profile(profile_with(**kafka), "shop.toml")


def the_target(environment: dict[str, str], folder: str = ".", **kafka: Any) -> Target:
    config = the_profile(**kafka).targets["shop"]
    return check_target(resolve_target("shop", config, environment, folder))


@pytest.mark.parametrize("name", sorted((FREE | set(REFUSED)) - ONLY_IN_JAVA_OR_ALIAS))
def test_every_property_in_the_lists_is_one_of_the_library(name: str) -> None:
    said = ""
    try:
        Producer({"log_level": 0, name: "\x01"})
    except (KafkaException, TypeError) as error:
        said = str(error)

    assert "No such configuration property" not in said


def test_names_with_dots_are_read_with_and_without_quotes() -> None:
    nested = {"security": {"protocol": "SSL"}, "ssl": {"ca": {"location": "ca.pem"}}}
    quoted = {"security.protocol": "SSL", "ssl.ca.location": "ca.pem"}

    assert the_profile(**nested).targets == the_profile(**quoted).targets


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"group.protocol": "newer"}, "group.protocol is 'newer'; it must be one of classic, cons"),
        ({"group.remote.assignor": "range"}, "group.remote.assignor has no effect: group.protocol"),
        (
            {"group.protocol": "Consumer", "session.timeout.ms": 9_000},
            "session.timeout.ms is the brokers' to say where group.protocol is consumer; leave it",
        ),
        ({"group.protocol.type": "mine"}, "group.protocol.type can't be set: a group that is no"),
    ],
    ids=["unknown", "no effect", "of brokers", "no consumers"],
)
def test_how_a_group_shares_its_work_out_is_the_clients_or_the_brokers_to_say(
    given: dict[str, Any], told: str
) -> None:
    the_profile(**{"group.protocol": "consumer", "group.remote.assignor": "range"})

    with pytest.raises(ProfileError) as caught:
        the_profile(**given)

    assert told in str(caught.value)


def test_a_secret_comes_from_the_environment_and_is_shown_nowhere() -> None:
    target = the_target({"KAFKA_PASSWORD": "s3cr&t of=sh@p"}, **SCRAM)

    assert kafka_settings(target.brokers or "")["sasl.password"] == "s3cr&t of=sh@p"
    assert bootstrap_servers(target.brokers or "") == "127.0.0.1:9093"
    assert shown_brokers(target.brokers or "") == "SASL_SSL://127.0.0.1:9093"
    assert target.masked.endswith("brokers SASL_SSL://127.0.0.1:9093")
    assert "sh@p" not in KNOWN.mask(target.brokers or "")
    assert "sh%40p" not in KNOWN.mask(target.brokers or "")
    assert "sh@p" not in the_profile(**SCRAM).as_json


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(AddressError) as caught:
        the_target({}, **SCRAM)

    assert "sasl.password of [targets.shop.kafka] is ${env.KAFKA_PASSWORD}" in str(caught.value)
    assert "KAFKA_PASSWORD is not set" in str(caught.value)


def test_a_file_is_looked_for_beside_the_profile(tmp_path: Path) -> None:
    kafka = {"security.protocol": "ssl", "ssl.ca.location": "ca.pem"}

    settings = kafka_settings(the_target({}, str(tmp_path), **kafka).brokers or "")

    assert settings["ssl.ca.location"] == str(tmp_path / "ca.pem")
    assert settings["security.protocol"] == "SSL"


@pytest.mark.parametrize(
    ("kafka", "told"),
    [
        ({"ssl.ca.locaton": "x"}, "is not a property of librdkafka; did you mean ssl.ca.location?"),
        ({"sasl.user": "x"}, "is not a property of librdkafka; did you mean sasl.username?"),
        ({"enable.auto.commit": True}, "can't be set: offsets would be committed before the work"),
        ({"partitioner": "random"}, "kafka.partitioner can't be set: it moves keys between"),
        ({"statistics.interval.ms": 100}, "inside of what is measured"),
        ({"debug": "all"}, "kafka.debug can't be set: librdkafka would write its log"),
        ({"bootstrap.servers": "x:1"}, "past the addresses that were checked"),
        ({"acks": 0}, "it decides what a delivery report means"),
        ({"isolation.level": "read_uncommitted"}, "aborted transactions would count"),
        ({"stats_cb": "x"}, "kafka.stats_cb can't be set: a file has no functions"),
        ({"client.id": ["x"]}, "it must be a text, a number, or true or false"),
        ({"security.protocol": "SASL-SSL"}, "did you mean SASL_SSL?"),
        ({"security.protocol": "SASL_SSL"}, "kafka.sasl.mechanism is missing; it must be one of"),
        ({**SCRAM, "sasl.mechanism": "GSSAPI"}, "kafka.sasl.mechanism is 'GSSAPI'; it must be one"),
        ({**SCRAM, "sasl.mechanism": "SCRAM-SHA-521"}, "did you mean SCRAM-SHA-512?"),
        ({**SCRAM, "sasl.password": "letmein"}, "kafka.sasl.password is a secret, which no file"),
        ({"sasl.username": "perf"}, "kafka.sasl.username has no effect: security.protocol is"),
        ({"ssl.ca.location": "x"}, "kafka.ssl.ca.location has no effect: security.protocol is PL"),
        ({"security.protocol": "SSL", "ssl.certificate.location": "x"}, "without ssl.key.location"),
    ],
    ids=lambda value: next(reversed(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_property_that_is_no_good_is_refused_in_one_sentence(
    kafka: dict[str, Any], told: str
) -> None:
    answer = the_answer_to(profile_with(**kafka))

    assert answer.startswith("targets.shop.kafka.")
    assert told in answer
    assert "letmein" not in answer


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ProfileError) as caught:
        the_profile(**{"acks": 1, "ssl.ca.locaton": "x", "debug": "all"})

    assert len(caught.value.problems) == 3


def test_brokers_of_the_environment_get_no_property_that_a_profile_may_not_have() -> None:
    variables = {"PERF_KAFKA_BROKERS": "kafka://127.0.0.1:1?client.dns.lookup=use_all_dns_ips"}

    with pytest.raises(AddressError, match=r"client.dns.lookup can't be set"):
        check_target(resolve_target("local", None, variables))


def test_a_target_that_trusts_anybody_is_noticed_in_reports() -> None:
    kafka = {"security.protocol": "SSL", "enable.ssl.certificate.verification": False}

    (notice,) = own_notices(the_profile(**kafka))

    assert "target shop accepts any certificate of brokers" in notice
