"""Threads of a broker: as many as there are processors, between two and Kafka's own defaults."""

import pytest

from perf_pipeline.stack.kafka_configuration import threads_for


@pytest.mark.parametrize(
    ("processors", "network", "requests"),
    # Kafka's defaults: num.network.threads is 3, num.io.threads is 8.
    [(1, "2", "2"), (2, "2", "2"), (3, "3", "3"), (4, "3", "4"), (8, "3", "8"), (64, "3", "8")],
)
def test_a_broker_has_as_many_threads_as_processors_but_two_at_least(
    processors: int, network: str, requests: str
) -> None:
    threads = threads_for(processors)

    assert threads == {"num.network.threads": network, "num.io.threads": requests}
