"""Let librdkafka check the properties of a target before anything is sent.

Add here: another check that only the library can make. Keep out: which properties a target may set
(config/kafka_names.py).
"""

from confluent_kafka import Consumer, KafkaException, Producer

from perf_pipeline.config.kafka_client import client_properties
from perf_pipeline.errors import AddressError
from perf_pipeline.workloads.kafka.errors import cause


def require_properties(brokers: str, target: str) -> None:
    """Refuse properties whose values librdkafka does not take, without connecting.

    Args:
        brokers: the brokers of the target, with its properties.
        target: the name of the target, for the message.

    Raises:
        AddressError: librdkafka refuses a property; the message names it.
    """
    given = client_properties(brokers)
    # With a login it would immediately fetch a token, from a place that has not been checked yet.
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
