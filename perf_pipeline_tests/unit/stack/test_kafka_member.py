"""What is said of a group that a client cannot be sure to have seen."""

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from perf_pipeline.stack.kafka_member import has_newer_members


def test_a_group_is_not_said_to_have_no_members_where_its_brokers_list_none() -> None:
    """The brokers that librdkafka has for tests speak Kafka's protocol and list no groups."""
    client = AdminClient({"bootstrap.servers": "any", "test.mock.num.brokers": 1, "log_level": 0})

    with pytest.raises(KafkaException, match="not supported by broker"):
        has_newer_members(client, "orders")
