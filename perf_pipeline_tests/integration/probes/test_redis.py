"""The Redis probe on a real server."""

from uuid import uuid4

import pytest
import redis

from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.probes.redis import RedisProbe

MIB = 1 << 20


def used_bytes(probe: RedisProbe) -> float:
    (reading,) = probe.read(42)
    assert (reading.at_us, reading.source, reading.name) == (42, "redis", "redis_memory_bytes")
    return reading.value


def test_memory_grows_by_what_is_stored(redis_url: str) -> None:
    key = f"probe-{uuid4().hex}"
    probe = RedisProbe(redis_url)
    probe.open()
    before = used_bytes(probe)
    with redis.Redis.from_url(redis_url) as client:
        client.set(key, bytes(8 * MIB))
        stored = used_bytes(probe) - before
        client.delete(key)
    probe.close()

    assert 8 * MIB <= stored < 24 * MIB


def test_a_server_that_is_down_is_a_sentence_without_the_password() -> None:
    probe = RedisProbe("redis://:hunter2@127.0.0.1:1/0")

    with pytest.raises(ProbeError, match="Redis does not answer: .*refused") as caught:
        probe.open()
    probe.close()

    assert "hunter2" not in str(caught.value)


def test_a_wrong_password_is_a_sentence_without_it(redis_url: str) -> None:
    address = redis_url.rpartition("@")[2]
    probe = RedisProbe(f"redis://:hunter2@{address}")

    with pytest.raises(ProbeError, match="Redis does not answer") as caught:
        probe.open()
    probe.close()

    assert "hunter2" not in str(caught.value)


def test_a_url_that_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(ProbeError) as caught:
        RedisProbe("127.0.0.1:hunter2").open()

    assert "hunter2" not in str(caught.value)
