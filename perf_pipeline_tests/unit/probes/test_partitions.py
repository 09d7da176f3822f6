"""A partition is behind as soon as one of its replicas is; a broker that is gone is no replica."""

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined] # missing in __all__
    PartitionMetadata,
)

from perf_pipeline.probes.kafka import is_behind


# As three brokers told it: with all of them, and five seconds after one was killed.
@pytest.mark.parametrize(
    ("replicas", "in_sync", "behind"),
    [([1, 2, 3], [1, 2, 3], False), ([1, 2, 3], [1, 2], True), ([2], [], True), ([2], [2], False)],
    ids=["all in sync", "one is gone", "the only one is gone", "one replica"],
)
def test_a_replica_that_is_not_in_sync_is_told(
    replicas: list[int], in_sync: list[int], *, behind: bool
) -> None:
    partition = PartitionMetadata()
    partition.replicas, partition.isrs = replicas, in_sync

    assert is_behind(partition) is behind
