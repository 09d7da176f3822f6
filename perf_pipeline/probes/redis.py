"""Redis: the memory that it uses.

Add here: another field of INFO. Keep out: commands that touch keys.
"""

from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import ANSWER_WITHIN_S, ProbeError, masked

SOURCE = "redis"


class RedisProbe:
    """Read `used_memory`: what Redis allocated, without what it keeps for itself in fragments.

    Args:
        url: `redis://[user:password@]host:port/db`; its password is never shown.
    """

    name = SOURCE

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: redis.Redis | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            ProbeError: the URL cannot be read, or there is no answer within ANSWER_WITHIN_S.
        """
        try:
            self._client = redis.Redis.from_url(
                self._url,
                socket_timeout=ANSWER_WITHIN_S,
                socket_connect_timeout=ANSWER_WITHIN_S,
                single_connection_client=True,
                # Trying again is the sampler's business, which tells about it.
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError:
            raise ProbeError(
                "the Redis URL cannot be read; write redis://host:port/0, with user:password@ in "
                "front of the host where it needs one"
            ) from None
        except redis.RedisError as error:
            raise ProbeError(self._sentence(error)) from None

    def read(self, at_us: int) -> list[Reading]:
        """Return redis_memory_bytes.

        Raises:
            ProbeError: no answer within ANSWER_WITHIN_S.
        """
        if self._client is None:
            raise ProbeError("the Redis probe is not open")
        try:
            memory = self._client.info("memory")
        except redis.RedisError as error:
            raise ProbeError(self._sentence(error)) from None
        return [Reading(at_us, SOURCE, "redis_memory_bytes", float(memory["used_memory"]))]

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _sentence(self, error: redis.RedisError) -> str:
        password = urlsplit(self._url).password
        secrets = (password, unquote(password or ""))
        return f"Redis does not answer: {masked(str(error), secrets)}"
