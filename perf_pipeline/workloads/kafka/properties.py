"""Lets librdkafka read the properties of a target, before anything is sent.

Add here: another check that only the library can make. Keep out: which properties a target may set
(config/kafka_names.py).
"""

from confluent_kafka import Consumer, KafkaException, Producer

from perf_pipeline.config.kafka_client import client_properties
from perf_pipeline.errors import AddressError
from perf_pipeline.workloads.kafka.errors import cause


def require_properties(brokers: str, target: str) -> None:
    """Refuse properties with values that librdkafka does not take; nothing is connected to.

    Args:
        brokers: of the target, with its properties.
        target: its name, for the sentence.

    Raises:
        AddressError: says which property it is.
    """
    given = client_properties(brokers)
    # With a login it would fetch a token at once, from a place that nobody has checked yet.
    plain = {key: value for key, value in given.items() if not key.startswith(("sasl", "security"))}
    if not plain:
        return
    quiet: dict[str, str | int | float | bool] = {**plain, "log_level": 0}
    try:
        Producer(quiet)
        Consumer({**quiet, "group.id": "nobody"}).close()
    except KafkaException as error:
        sentence = f"is refused by librdkafka: {cause(error).str()}"
        raise AddressError(f"[targets.{target}.kafka]", sentence) from None
