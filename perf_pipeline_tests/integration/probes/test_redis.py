"""The Redis probe on a real server."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
import redis

from perf_pipeline.probes.probe import MIN_SPAN_S, ProbeError
from perf_pipeline.probes.redis import RedisProbe

MIB = 1 << 20


def used_bytes(probe: RedisProbe) -> float:
    reading, *_ = probe.read(42)
    assert (reading.at_us, reading.source, reading.name) == (42, "redis", "redis_memory_bytes")
    return reading.value


def read_of(probe: RedisProbe) -> dict[str, float]:
    return {reading.name: reading.value for reading in probe.read(0)}


def test_hits_commands_and_latency_are_those_since_the_probe_was_opened(redis_url: str) -> None:
    key = f"probe-{uuid4().hex}"
    probe = RedisProbe(redis_url)
    probe.open()
    first = read_of(probe)
    with redis.Redis.from_url(redis_url) as client:
        client.set(key, b"1")
        for _ in range(30):
            client.get(key)
        for _ in range(10):
            client.get(f"{key}-none")
        client.delete(key)
    time.sleep(MIN_SPAN_S)
    second = read_of(probe)
    probe.close()

    assert "redis_hit_ratio" not in first  # nothing was read since
    # 30 of 40 reads found their key; nobody else reads this server meanwhile.
    assert second["redis_hit_ratio"] == pytest.approx(0.75)
    assert second["redis_evicted_keys"] == 0
    assert second["redis_ops_per_s"] > 0
    assert 0 < second["redis_latency_ms"] < 2_000


def test_a_user_who_may_only_ask_for_memory_gets_its_reading(redis_url: str) -> None:
    user = f"probe-{uuid4().hex[:8]}"
    address = redis_url.rpartition("@")[2]
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", user, "on", ">memory", "+info", "+client")
        probe = RedisProbe(f"redis://{user}:memory@{address}")
        probe.open()
        found = read_of(probe)
        probe.close()
        client.execute_command("ACL", "DELUSER", user)

    assert "redis_latency_ms" not in found
    assert found["redis_memory_bytes"] > 0


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


@contextmanager
def answering(answer: bytes, *, greets_so: bool = False) -> Iterator[str]:
    """Serve one connection on which INFO gets the answer, and every other command is taken.

    Args:
        answer: to INFO.
        greets_so: it is the answer to everything.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(65_536):
                    commands = data.count(b"*")
                    is_info = b"\r\nINFO\r\n" in data or greets_so
                    connection.sendall(answer if is_info else b"+OK\r\n" * commands)

        threading.Thread(target=serve, daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


@pytest.mark.parametrize(
    "answer",
    [
        bulk(b"# Memory\r\nused_memory_human:1M\r\n"),
        bulk(b"used_memory:many\r\n"),
        bulk(b"used_memory:nan\r\n"),
        bulk(b"used_memory:-1\r\n"),
        bulk(b"used_memory:1e999\r\n"),
        bulk(b"\xff\xfe"),
        bulk(b""),
        b"$-1\r\n",
        b":7\r\n",
        b"*0\r\n",
        b"+OK\r\n",
        b"-ERR unknown command 'INFO'\r\n",
        b"-NOPERM this user has no permissions\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*-5\r\n",
        b"$abc\r\n",
    ],
)
def test_an_odd_answer_is_a_sentence_and_no_reading(answer: bytes) -> None:
    with answering(answer) as url:
        probe = RedisProbe(url)
        probe.open()
        with pytest.raises(ProbeError, match="Redis does not answer|does not report its memory"):
            probe.read(0)
        probe.close()


@pytest.mark.parametrize("answer", [b"$abc\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_who_greets_oddly_is_no_redis(answer: bytes) -> None:
    with answering(answer, greets_so=True) as url:
        probe = RedisProbe(url)
        with pytest.raises(ProbeError, match="does not answer"):
            probe.open()
        probe.close()
