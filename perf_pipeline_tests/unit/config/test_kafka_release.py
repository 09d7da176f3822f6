"""The release of a broker is read from the features in its ApiVersions answer.

The bytes are written by hand, by Kafka's protocol guide: int16 error, compact array of (int16 key,
int16 lowest, int16 highest, tags), int32 throttling, tagged fields; tag 0 holds the compact array
of (compact string name, int16 lowest, int16 highest, tags).
"""

import struct

import pytest

from perf_pipeline.config.kafka_release import release_in

FETCH = struct.pack(">hhh", 1, 4, 17) + b"\0"


def answer(level: int | None) -> bytes:
    """Give an answer of a broker that supports metadata.version 7 to `level`, or no feature."""
    head = struct.pack(">h", 0) + b"\x02" + FETCH + struct.pack(">i", 0)
    if level is None:
        return head + b"\0"
    name = b"metadata.version"
    feature = bytes([len(name) + 1]) + name + struct.pack(">hh", 7, level) + b"\0"
    features = b"\x02" + feature
    epoch = struct.pack(">q", 5)
    return head + b"\x02" + bytes([0, len(features)]) + features + b"\x01\x08" + epoch


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (7, "Apache Kafka 3.3"),
        (19, "Apache Kafka 3.7"),
        (20, "Apache Kafka 3.8"),
        (21, "Apache Kafka 3.9"),
        (25, "Apache Kafka 4.0"),
        (99, "Apache Kafka, metadata.version 99"),
        (None, "Fetch up to version 17"),
    ],
)
def test_the_highest_metadata_version_tells_the_release(level: int | None, told: str) -> None:
    assert release_in(answer(level)) == told


def test_a_broker_that_refuses_the_question_is_no_release() -> None:
    with pytest.raises(struct.error, match="refuses"):
        release_in(struct.pack(">h", 35))
