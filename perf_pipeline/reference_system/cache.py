"""A read-through cache of users in Redis that may die at any time without anybody noticing.

Every failure is counted and answered like a miss. After a failure Redis is left alone for a
moment, so that a Redis that hangs does not add its time-out to every read.
Add here: what makes the cache safer. Keep out: a request that cannot be answered without it.
"""

import time
from collections.abc import Awaitable

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TTL_S = 30
_TIMEOUT_S = 0.2
_PAUSE_S = 1.0
_CONNECTIONS = 50
# The value that replaces a deleted user; JSON bodies are never empty.
GONE = b""


class UserCache:
    """Hold response bodies by user id; without a URL every read is a miss.

    Args:
        url: where Redis is, a secret; None for no cache.
        namespace: the database whose users these are: ids are unique only there.

    Attributes:
        errors: operations that Redis failed since the start.
    """

    def __init__(self, url: str | None, namespace: str) -> None:
        self._namespace = namespace
        self.errors = 0
        self._rest_until_s = 0.0
        self._redis = None if url is None else Redis.from_pool(_connection_pool(url))

    @property
    def is_configured(self) -> bool:
        """Say whether there is a Redis at all."""
        return self._redis is not None

    async def get(self, user_id: int) -> bytes | None:
        """Return the cached body, `GONE` for a deleted user, None when unknown."""
        if self._redis is None or self._rests():
            return None
        value = await self._attempt(self._redis.get(self._key(user_id)))
        return value if isinstance(value, bytes) else None

    async def fill(self, user_id: int, body: bytes) -> None:
        """Remember a body, unless something was remembered meanwhile.

        A read that began before a delete must not overwrite what the delete has left: hence nx.
        """
        if self._redis is not None and not self._rests():
            await self._attempt(self._redis.set(self._key(user_id), body, ex=TTL_S, nx=True))

    async def forget(self, user_id: int) -> None:
        """Remember that a user is gone; tried even while Redis is left alone."""
        if self._redis is not None:
            await self._attempt(self._redis.set(self._key(user_id), GONE, ex=TTL_S))

    async def answers(self) -> bool:
        """Say whether Redis answers now."""
        return self._redis is not None and bool(await self._attempt(self._redis.ping()))

    async def close(self) -> None:
        """Close all connections."""
        if self._redis is not None:
            await self._redis.aclose()

    def _key(self, user_id: int) -> str:
        return f"{self._namespace}:user:{user_id}"

    def _rests(self) -> bool:
        return time.monotonic() < self._rest_until_s

    async def _attempt(self, operation: Awaitable[object]) -> object:
        try:
            return await operation
        except (RedisError, OSError):
            self.errors += 1
            self._rest_until_s = time.monotonic() + _PAUSE_S
            return None


def _connection_pool(url: str) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_TIMEOUT_S,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        # redis-py retries three times with pauses on its own account since version 6.
        retry=Retry(NoBackoff(), 0),
    )
