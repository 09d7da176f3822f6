"""Read Redis: memory, key hits, evicted keys, commands per second, and latency.

Add here: another field of INFO. Keep out: commands that touch keys.
"""

import time
from math import inf
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import (
    ANSWER_WITHIN_S,
    MIN_SPAN_S,
    CounterGrowth,
    ProbeError,
    masked,
)

SOURCE = "redis"
_COUNTERS = ("keyspace_hits", "keyspace_misses", "evicted_keys", "total_commands_processed")
# redis-py assumes that whatever answers is a Redis.
_ODD = (LookupError, TypeError, AttributeError, ValueError)
_NO_MEMORY = (
    "the server at the Redis URL does not report its memory: INFO memory has no number "
    "`used_memory`"
)


class RedisProbe:
    """Read INFO, and time a PING.

    Memory is `used_memory`: what Redis allocated, without fragmentation. The counters are those of
    all clients, including the load.

    Args:
        url: `redis://[user:password@]host:port/db`; its password is never shown.
    """

    name = SOURCE

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: redis.Redis | None = None
        self._grown = {name: CounterGrowth() for name in _COUNTERS}
        self._before: tuple[float, float] | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            ProbeError: the URL cannot be read, or there is no answer within ANSWER_WITHIN_S.
        """
        try:
            parse_url(self._url)  # type: ignore[no-untyped-call]  # no types there
        except ValueError:
            raise ProbeError(
                "the Redis URL can't be read; write redis://host:port/0, with user:password@ in "
                "front of the host if the server asks for a password"
            ) from None
        try:
            self._client = redis.Redis.from_url(
                self._url,
                socket_timeout=ANSWER_WITHIN_S,
                socket_connect_timeout=ANSWER_WITHIN_S,
                single_connection_client=True,
                # The newer protocol begins with HELLO, which Redis 5 does not know.
                protocol=2,
                # The sampler itself tries again, and reports it.
                retry=Retry(NoBackoff(), 0),
            )
        except redis.RedisError as error:
            raise ProbeError(self._sentence(error)) from None
        except _ODD:
            raise ProbeError("the server at the Redis URL does not answer as Redis does") from None

    def read(self, at_us: int) -> list[Reading]:
        """Return memory and latency, and the counters that the server reports.

        Raises:
            ProbeError: no answer within ANSWER_WITHIN_S, or an answer without the memory.
        """
        if self._client is None:
            raise ProbeError("the Redis probe is not open")
        try:
            memory = self._client.info("memory")
            used = float(memory["used_memory"])
            more = {**self._counted(self._client), **_latency(self._client)}
        except redis.RedisError as error:
            raise ProbeError(self._sentence(error)) from None
        except _ODD:
            raise ProbeError(_NO_MEMORY) from None
        if not 0 <= used < inf:
            raise ProbeError(_NO_MEMORY)
        found = {"redis_memory_bytes": used, **more}
        return [Reading(at_us, SOURCE, name, value) for name, value in found.items()]

    def _counted(self, client: redis.Redis) -> dict[str, float]:
        """Return the readings from counters; none if the server does not report them."""
        try:
            told: dict[str, object] = client.info("stats")
        except redis.ResponseError:  # this user may not send INFO
            return {}
        values = [told.get(name) for name in _COUNTERS]
        if not all(isinstance(value, int) and value >= 0 for value in values):
            return {}
        now = time.monotonic()
        hits, misses, evicted, commands = (
            self._grown[name].add(float(str(value)))
            for name, value in zip(_COUNTERS, values, strict=True)
        )
        found = {"redis_evicted_keys": evicted}
        if hits + misses:
            found["redis_hit_ratio"] = hits / (hits + misses)
        at_s, before = self._before or (now, commands)
        if now - at_s >= MIN_SPAN_S:
            found["redis_ops_per_s"] = (commands - before) / (now - at_s)
        if self._before is None or now - at_s >= MIN_SPAN_S:
            self._before = now, commands
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def server_version(self) -> str:
        """Return the version that the server reports; empty if it reports none.

        Raises:
            ProbeError: no answer within ANSWER_WITHIN_S.
        """
        self.open()
        try:
            assert self._client is not None, "it is open"
            return str(self._client.info("server").get("redis_version", ""))
        except redis.RedisError as error:
            raise ProbeError(self._sentence(error)) from None
        except _ODD:
            return ""
        finally:
            self.close()

    def _sentence(self, error: redis.RedisError) -> str:
        password = urlsplit(self._url).password
        secrets = (password, unquote(password or ""))
        return f"Redis does not answer: {masked(str(error), secrets)}"


def _latency(client: redis.Redis) -> dict[str, float]:
    """Time a PING; yield nothing if this user may not send one."""
    asked_s = time.monotonic()
    try:
        client.ping()
    except redis.ResponseError:
        return {}
    return {"redis_latency_ms": 1_000 * (time.monotonic() - asked_s)}
