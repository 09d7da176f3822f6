"""Which share of the partitions a member of a consumer group has, as the broker's bytes say."""

import pytest

from perf_pipeline.stack.kafka_group import share_in


@pytest.mark.parametrize(
    ("assignment", "share"),
    [
        # ConsumerProtocolAssignment: version, topics; of each its name and partitions; user data.
        ("0001 00000001 0001 61 00000002 00000000 00000003 ffffffff", 2),
        ("0003 00000002 0001 61 00000001 00000005 0002 6263 00000002 00000000 00000001", 3),
        ("0001 00000000 ffffffff", 0),
        ("", 0),
        # Of another format: a name of four letters that ends before, or is not UTF-8; no names.
        ("0001 00000001 0004 61", 0),
        ("0001 00000001 0001 ff 00000001 00000000", 0),
        ("0001 7fffffff ffff 00000000", 0),
        ("0001 7fffffff 0001 61 ffffffff", 0),
        # What precedes it is no share either.
        ("0001 00000002 0001 61 00000001 00000000 0009 61", 0),
    ],
)
def test_partitions_are_counted_over_all_topics(assignment: str, share: int) -> None:
    assert share_in(bytes.fromhex(assignment)) == share
