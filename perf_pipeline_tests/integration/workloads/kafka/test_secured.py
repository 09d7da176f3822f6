"""A broker with TLS, logins and certificates of clients: who gets in, and what others are told.

Each is told before there is a client, in one sentence, long before a time-out. The page on
measuring one's own topic is executed here as well, because a broker takes seconds to start.
"""

import asyncio
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings, with_properties
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.errors import (
    AddressError,
    PerfPipelineError,
    TargetNotAllowedError,
    TargetUnavailableError,
)
from perf_pipeline.probes.kafka import LagProbe
from perf_pipeline.stack.kafka import given_kafka
from perf_pipeline.stack.kafka_group import group_is_settled, is_taken
from perf_pipeline.stack.kafka_topic import partitions_of
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.links import HeldLinks, proxy_state
from perf_pipeline.stack.proxy_before import proxy_before
from perf_pipeline.workloads.kafka.deliveries import DeliveryThread
from perf_pipeline.workloads.kafka.first_look import require_topic
from perf_pipeline.workloads.kafka.properties import require_properties
from perf_pipeline.workloads.kafka.topic_copies import copy_topic
from perf_pipeline.workloads.kafka.topics import (
    admin_of,
    committed,
    ensure_topic,
    fix_position,
    watermarks,
)
from perf_pipeline.workloads.kafka.transactions import Transactor
from perf_pipeline_tests.support.commands.command_line import (
    CommandLine,
    left_running,
    wait_until,
)
from perf_pipeline_tests.support.pages import blocks, commands_on
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.secured_broker import (
    PASSWORD,
    USER,
    SecuredBroker,
    secured_broker,
)
from perf_pipeline_tests.support.servers.token_server import token_server
from perf_pipeline_tests.support.silent import hush

PAGE = "own-topic.md"
LONG_S = 2.5  # where nobody is waited for, on a busy machine
CLIENT, SECRET = "perf-client", "t0ken-secret"

CUT = """
name = "cut"
target = "orders"
workers = 1
calibration = false
[targets.orders]
brokers = "{at}"
[targets.orders.kafka]
security.protocol = "SASL_SSL"
ssl.ca.location = "{ca}"
sasl.mechanism = "SCRAM-SHA-512"
sasl.username = "{user}"
sasl.password = "${{env.KAFKA_PASSWORD}}"
[benchmarks.place]
faults = [{{ at = "3s", kind = "partition", from = "load", to = "broker", for = "1500ms" }}]
[benchmarks.place.scenarios.orders]
exec = "produce"
executor = "constant-arrival-rate"
rate = 40
duration = "9s"
preAllocatedVUs = 100
gracefulStop = "5s"
parameters = {{ topic = "cut", value = "one order", linger = "0ms" }}
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """Return a broker as a company runs it."""
    with secured_broker(tmp_path_factory.mktemp("secured")) as running:
        yield running


@pytest.fixture(scope="module")
def tokens() -> Iterator[str]:
    """Return the URL of a token endpoint."""
    with token_server(CLIENT, SECRET) as url:
        yield url


def login(secured: SecuredBroker, **other: str) -> dict[str, str]:
    return {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(secured.folder / "ca.pem"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": USER,
        "sasl.password": PASSWORD,
        **{key.replace("_", "."): value for key, value in other.items()},
    }


def bearer(secured: SecuredBroker, tokens: str, secret: str = SECRET) -> dict[str, str]:
    return {
        **login(secured, sasl_mechanism="OAUTHBEARER"),
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": CLIENT,
        "sasl.oauthbearer.client.secret": secret,
        "sasl.oauthbearer.token.endpoint.url": tokens,
    }


def shows(secured: SecuredBroker, owner: str, key: str = "") -> dict[str, str]:
    return {
        "security.protocol": "SSL",
        "ssl.ca.location": str(secured.folder / "ca.pem"),
        "ssl.certificate.location": str(secured.folder / f"{owner}.pem"),
        "ssl.key.location": str(secured.folder / f"{key or owner}.key"),
    }


def told(brokers: str, error: type[PerfPipelineError] = PerfPipelineError) -> str:
    """Return the sentence about listeners that clients can't reach, which comes at once."""
    began_s = time.monotonic()
    with pytest.raises(error) as caught:
        require_listeners(brokers, ())
    assert time.monotonic() - began_s < LONG_S
    assert PASSWORD not in str(caught.value)
    return caught.value.sentence


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_opens_every_door_by_each_mechanism_and_a_wrong_one_none(
    secured: SecuredBroker, mechanism: str
) -> None:
    given = login(secured, sasl_mechanism=mechanism)
    right = with_properties(secured.at("secured"), given)
    wrong = with_properties(secured.at("secured"), {**given, "sasl.password": "wr0ng-one"})

    require_listeners(right, ())
    assert ensure_topic(right, "doors", 1) == 1
    assert told(wrong).endswith("refuses the given user and password")


def test_a_token_opens_the_door_and_a_client_without_one_is_told_the_answer(
    secured: SecuredBroker, tokens: str
) -> None:
    at = secured.at("secured")
    right = with_properties(at, bearer(secured, tokens))

    require_listeners(right, ())
    assert ensure_topic(right, "doors", 1) == 1
    assert told(with_properties(at, bearer(secured, tokens, "wrong"))) == (
        f"the token endpoint {tokens} answers 401 Unauthorized"
    )
    gone = bearer(secured, "http://127.0.0.1:1/token")
    assert "does not answer: [Errno 111]" in told(with_properties(at, gone))


def test_a_token_is_asked_of_no_host_that_nobody_allowed(secured: SecuredBroker) -> None:
    elsewhere = bearer(secured, "http://10.9.8.7/token")

    sentence = told(with_properties(secured.at("secured"), elsewhere), TargetNotAllowedError)

    assert "the token endpoint 10.9.8.7" in sentence


def test_a_certificate_of_the_client_opens_the_door_as_a_file_and_as_a_text(
    secured: SecuredBroker,
) -> None:
    files = shows(secured, "client")
    texts = {
        "ssl.certificate.pem": Path(files.pop("ssl.certificate.location")).read_text(),
        "ssl.key.pem": Path(files.pop("ssl.key.location")).read_text(),
    }

    for given in (shows(secured, "client"), {**files, **texts}):
        brokers = with_properties(secured.at("mutual"), given)
        require_listeners(brokers, ())
        require_properties(brokers, "orders")
        assert ensure_topic(brokers, "doors", 1) == 1


def test_certificates_that_nobody_trusts_are_told_by_whose_they_are(
    secured: SecuredBroker,
) -> None:
    other_ca = {**login(secured), "ssl.ca.location": str(secured.folder / "other-ca.pem")}
    stale = {"security.protocol": "SSL", "ssl.ca.location": str(secured.folder / "ca.pem")}
    mutual = secured.at("mutual")

    assert told(with_properties(secured.at("secured"), other_ca)).endswith(
        "is signed by an authority that is not trusted here"
    )
    assert told(with_properties(secured.at("stale"), stale)) == (
        f"the certificate of the listener at {secured.at('stale')} has expired"
    )
    assert "as listeners do that want a client's certificate" in told(
        with_properties(mutual, stale)
    )
    assert "refuses the client's certificate" in told(
        with_properties(mutual, shows(secured, "stranger"))
    )


def test_files_that_do_not_belong_together_or_are_not_there_are_a_mistake_of_the_profile(
    secured: SecuredBroker,
) -> None:
    pair = with_properties(secured.at("mutual"), shows(secured, "client", key="stranger"))
    absent = {**login(secured), "ssl.ca.location": "/nowhere/ca.pem"}

    assert "holds no certificate with its key" in told(pair, AddressError)
    assert "is /nowhere/ca.pem, which can't be read" in told(
        with_properties(secured.at("secured"), absent), AddressError
    )


def test_a_listener_of_another_kind_is_told_with_what_it_wants(secured: SecuredBroker) -> None:
    plain, at = secured.at("plain"), secured.at("secured")
    only_tls = {"security.protocol": "SSL", "ssl.ca.location": str(secured.folder / "ca.pem")}

    assert "does not answer in TLS, but security.protocol is SASL_SSL" in told(
        with_properties(plain, login(secured))
    )
    assert "asks for no login, but" in told(
        with_properties(plain, login(secured, security_protocol="SASL_PLAINTEXT"))
    )
    assert "wants TLS, but security.protocol is PLAINTEXT" in told(at)
    assert "wants SASL (PLAIN, SCRAM-SHA-" in told(with_properties(at, only_tls))


def test_every_client_of_a_run_logs_in(secured: SecuredBroker) -> None:
    brokers = with_properties(secured.at("secured"), login(secured))
    ensure_topic(brokers, "everybody", 2)

    async def produce() -> None:
        thread = DeliveryThread(brokers, linger_ms=0, timeout_ms=10_000)
        await asyncio.to_thread(thread.open, "everybody")
        thread.producer.produce("everybody", b"value", b"key")
        await asyncio.to_thread(thread.close, 10.0)

    asyncio.run(produce())
    transactor = Transactor(brokers, "everybody-1", linger_ms=0, timeout_ms=10_000)
    transactor.open("everybody")
    probe = LagProbe(brokers, "watchers", ["everybody"])
    fix_position(brokers, "watchers", "everybody")
    probe.open()

    assert sum(mark.high_watermark for mark in watermarks(brokers, "everybody")) == 1
    assert sum(offset or 0 for offset in committed(brokers, "watchers", "everybody").values()) == 1
    assert probe.read(0)
    assert not group_is_settled(brokers, "watchers", 1, 1)
    assert given_kafka(brokers).describe().address == secured.at("secured")
    probe.close()


def test_no_look_at_a_topic_makes_it_where_brokers_make_what_is_asked_for(
    secured: SecuredBroker,
) -> None:
    plain = secured.at("plain")
    admin, producer = admin_of(plain), Producer({**kafka_settings(plain), "log_level": 0})

    with pytest.raises(TargetUnavailableError, match="asked_by_a_producer"):
        require_topic(producer, plain, "asked_by_a_producer")
    with pytest.raises(TargetUnavailableError, match="there is no topic asked_for_a_copy"):
        copy_topic(plain, "asked_for_a_copy", ["asked_copy"])
    assert not is_taken(plain, "asked_for_members")
    assert partitions_of(plain, "asked_for_partitions") == 0

    assert not [it for it in admin.list_topics(timeout=30).topics if it.startswith("asked")]
    wait_until(lambda: not producer.list_topics("by_name", timeout=30).topics["by_name"].error)


@pytest.mark.parametrize("listener", ["secured", "mutual"])
def test_a_proxy_stands_before_a_listener_with_tls_and_hinders_what_it_passes_on(
    secured: SecuredBroker, tmp_path: Path, listener: str
) -> None:
    given = login(secured) if listener == "secured" else shows(secured, "client")
    brokers = with_properties(secured.at(listener), given)
    ensure_topic(secured.at("plain"), "proxied", 1)
    with proxy_before(tmp_path, {"broker": require_listeners(brokers, ())}, hush, given) as stack:
        (link,) = stack.links.links
        through = stack.links.seen_by("load", "broker", brokers) or ""
        client = AdminClient(kafka_settings(through))
        found = client.list_topics(timeout=LONG_S * 4)
        rule = HeldLinks(stack.links, [link.name], LinkRule(delay_s=0.5))
        began_s = time.monotonic()
        client.list_topics("proxied", timeout=LONG_S * 4)
        delayed_s = time.monotonic() - began_s
        later = AdminClient(kafka_settings(through))
        began_s = time.monotonic()
        later.list_topics("proxied", timeout=LONG_S * 8)
        met_s = time.monotonic() - began_s
        rule.release()
        produce(through, "proxied", 50)
        state = proxy_state(stack.links)
        past = with_properties(f"127.0.0.1:{link.port}", given)

        # The load's clients trust the proxy alone, and nobody else takes it for the broker.
        assert "signed by an authority that is not trusted here" in told(past)
        if listener == "mutual":
            trusting = {"security.protocol": "SSL", "ssl.ca.pem": stack.links.certificate}
            without = with_properties(f"127.0.0.1:{link.port}", trusting)
            assert "no broker at" in told(without)  # it is reset
    assert [f"{it.host}:{it.port}" for it in found.brokers.values()] == [f"127.0.0.1:{link.port}"]
    assert "proxied" in found.topics
    assert delayed_s >= 0.5
    # TLS, which versions there are, and where all brokers are: an answer each.
    assert met_s >= 3 * 0.5
    assert state.unknown == ""
    assert sum(mark.high_watermark for mark in watermarks(brokers, "proxied")) in {50, 100}


def produce(brokers: str, topic: str, count: int) -> None:
    producer = Producer(kafka_settings(brokers))
    for _ in range(count):
        producer.produce(topic, b"x" * 1_000)
    assert producer.flush(30) == 0


@pytest.mark.timeout(180)
def test_a_fault_of_the_network_hinders_the_load_of_a_broker_with_tls(
    secured: SecuredBroker, tmp_path: Path
) -> None:
    path = tmp_path / "cut.toml"
    where = {"at": secured.at("secured"), "ca": secured.folder / "ca.pem", "user": USER}
    path.write_text(CUT.format(**where), encoding="utf-8")
    ensure_topic(secured.at("plain"), "cut", 3)
    command = CommandLine(new_state(tmp_path / "state"), {"KAFKA_PASSWORD": PASSWORD})

    ran = command("run", str(path))

    figures = dict(command.sql("select name, value from figures where operation like 'partition%'"))
    # Of 40 orders in each of 1.5 s the last ones wait too short a time to be slow.
    assert figures.get("fault_slow", 0) + figures.get("fault_failed", 0) >= 20, ran.out + ran.err
    assert command.value("select count(*) from samples where outcome <> 'ok'") == 0
    assert PASSWORD not in ran.out + ran.err
    assert left_running(command.state) == []


def test_a_value_that_the_library_does_not_take_is_told_by_its_property() -> None:
    brokers = with_properties("127.0.0.1:1", {"fetch.min.bytes": "many"})

    with pytest.raises(AddressError, match=r"\[targets.orders.kafka\] is refused .*fetch.min.byt"):
        require_properties(brokers, "orders")


@pytest.mark.timeout(180)
def test_the_page_leads_from_a_broker_to_an_answer_in_ones_own_words(
    secured: SecuredBroker, tmp_path: Path
) -> None:
    (profile,) = blocks(PAGE, "toml")
    path = tmp_path / "orders.toml"
    path.write_text(profile.replace("127.0.0.1:9093", secured.at("secured")), "utf-8")
    (tmp_path / "company-ca.pem").write_bytes((secured.folder / "ca.pem").read_bytes())
    ensure_topic(secured.at("plain"), "orders", 3)
    environment = {"KAFKA_PASSWORD": PASSWORD}
    command = CommandLine(new_state(tmp_path / "state"), environment)
    check, doctor, run, show = commands_on(PAGE, path)

    for arguments in (check, doctor):
        told = command.here(*arguments)
        assert told.code == 0, told.out + told.err
    answer = command(*run)
    shown = command.here(*show)

    assert answer.code == command.code_of(answer.run_id), answer.err + answer.out
    assert "Do 50 orders a second go through, and is none lost?" in answer.out
    assert answer.run_id in shown.out
    for metric in ("message_delivery_duration", "messages_lost", "message_processing_duration"):
        assert metric in answer.out
    assert "NO_DATA" not in answer.out
    for text in (answer.out, answer.err, shown.out):
        assert PASSWORD not in text


@pytest.mark.timeout(180)
def test_the_page_begins_with_a_project_that_takes_what_is_in_the_topic(
    secured: SecuredBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell,) = blocks(PAGE, "shell")
    words = shlex.split(shell.replace("\\\n", "").replace("127.0.0.1:9093", secured.at("secured")))
    begin = words.index("init")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "company-ca.pem").write_bytes((secured.folder / "ca.pem").read_bytes())
    ensure_topic(secured.at("plain"), "orders", 3)
    producer = Producer({"bootstrap.servers": secured.at("plain")})
    for number in range(20):
        producer.produce("orders", b"x" * 100, key=f"{number}")
    assert producer.flush(10) == 0
    command = CommandLine(new_state(tmp_path / "state"), {"KAFKA_PASSWORD": PASSWORD})

    made = command.here(*words[begin:])
    path = str(tmp_path / "orders" / "orders.toml")
    short = ("--set", "workers=1", "--set", "benchmarks.take_orders.scenarios.readers.duration=2s")
    # The page says nothing of it, and a broker takes seconds to start.
    newer = ("--set", "targets.orders.kafka.group.protocol=consumer")
    doctor = command.here("doctor", "--profile", path)
    ran = command("run", path, *short, *newer)

    assert made.code == 0, made.err
    assert "Set the environment variable KAFKA_PASSWORD: sasl.password of the brokers." in made.out
    assert doctor.code == 0, doctor.out
    assert ran.code == command.code_of(ran.run_id), ran.err + ran.out
    taken = command.value("select count(*) from samples where operation = 'consume'")
    assert taken >= 20
    names = {name for (name,) in command.sql("select distinct name from readings")}
    assert {"broker_request_ms", "broker_under_replicated_partitions"} <= names
    for text in (made.out, ran.out, ran.err, Path(path).read_text(encoding="utf-8")):
        assert PASSWORD not in text
