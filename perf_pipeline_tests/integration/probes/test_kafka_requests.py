"""What Kafka's requests take is what a real broker counts, and what can't be read is a sentence."""

import secrets
from collections.abc import Iterator
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic, TopicPartition

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.probes.kafka_requests import KafkaRequests
from perf_pipeline.stack.parts import Stack
from perf_pipeline_tests.support.servers.fine_server import fine_server
from perf_pipeline_tests.support.servers.jolokia_agent import LOGIN, agent_jar, jolokia_in

pytestmark = pytest.mark.timeout(150)

REQUESTS = 20
# The broker compresses what it gets, which takes it milliseconds: it rounds to whole ones.
SLOW = {"compression.type": "gzip"}
MESSAGE = secrets.token_bytes(300_000)


@pytest.fixture(scope="module")
def agent(servers: Stack) -> Iterator[str]:
    [broker] = [service for service in servers.services if service.name == "broker"]
    if not broker.pids or broker.kind != "apache-kafka":
        pytest.skip("Jolokia is attached only to a broker that the tests start themselves")
    try:
        agent_jar()
    except (OSError, RuntimeError) as failure:
        pytest.skip(f"Jolokia's agent could not be fetched: {failure}")
    with jolokia_in(broker.pids[0]) as url:
        yield url


def test_a_broker_says_how_many_requests_took_how_long(agent: str, brokers: str) -> None:
    topic = f"requests-{uuid4().hex}"
    admin = AdminClient(kafka_settings(brokers))
    for created in admin.create_topics([NewTopic(topic, 1, 1, config=SLOW)]).values():
        created.result(timeout=20)
    producer = Producer({**kafka_settings(brokers), "acks": "all", "linger.ms": 0})
    producer.produce(topic, b"first")
    assert producer.flush(20) == 0
    requests = KafkaRequests([agent], LOGIN)

    requests.start()
    for _ in range(REQUESTS):
        producer.produce(topic, MESSAGE)
        assert producer.flush(20) == 0  # so that each is a request of its own
    _read_all(brokers, topic)
    requests.stop()
    requests.stop()

    assert requests.problems == []
    found = {cost.name: cost for cost in requests.costs()}
    own = found["Produce in the broker"]
    assert (own.tier, own.kind, own.calls) == ("queue", "request", REQUESTS)
    # To compress 300 KB of noise takes at least a millisecond.
    assert REQUESTS * 1e-3 <= own.value < 60
    # A consumer that waits for messages is no cost of the broker, and the broker counts each fetch
    # once more, without who fetches.
    assert not any(name.startswith("Fetch") and "waiting" in name for name in found)
    assert not any(name.startswith("Fetch ") for name in found)


def _read_all(brokers: str, topic: str) -> None:
    """Fetch all messages, which takes as many answers of up to a megabyte."""
    settings = {**kafka_settings(brokers), "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, 0, 0)])
    read = 0
    while read < REQUESTS + 1:
        message = consumer.poll(20)
        assert message is not None
        read += message.error() is None
    consumer.close()


def test_a_wrong_password_is_a_sentence_without_it(agent: str) -> None:
    requests = KafkaRequests([agent], ("perf", "wrong-pass"))

    requests.start()
    requests.stop()

    assert requests.costs() == []
    assert requests.problems[0].startswith("what the time of Kafka's requests went into is not")
    assert "wrong-pass" not in requests.problems[0]


def test_what_is_no_jolokia_is_a_sentence() -> None:
    with fine_server() as url:
        strange = KafkaRequests([url])
        strange.start()
    strange.stop()

    assert "what answers for Jolokia does not speak its protocol" in strange.problems[0]
    assert "Jolokia does not answer at http://127.0.0.1" in strange.problems[1]
