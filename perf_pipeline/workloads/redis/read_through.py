"""A cache as an API uses it: read through it, filled on a miss, kept warm by reads.

One iteration reads one user: GET; where it is there, EXPIRE renews its time to live, else SET
stores it, unless somebody else has done so meanwhile. Keys, bodies and time to live are like those
of the Birthday Scheduler, in a namespace of the run's own: an answer that the target has cached is
never read, renewed or replaced, and what the run stores expires by itself.

Parameters (JSON): `run`, `keys`, `ttl_us`, `timeout_us`; secret: `redis_url`.
Add here: another way of using a cache. Keep out: what Redis says of itself (probes/redis.py).
"""

import asyncio
import json
import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.people import Person, people
from perf_pipeline.workloads.redis.proxied import through_proxy

GET: Final = "cache_get"
SET: Final = "cache_set"
EXPIRE: Final = "cache_expire"
_URL: Final = "redis_url"
_CONNECTS_AT_ONCE: Final = 10


class ReadThrough:
    """Read users through Redis; the user comes from the iteration's random, all equally often.

    A sample's records are 1 where GET found its key, where SET stored it and where EXPIRE renewed
    it, else 0; its check says whether GET gave what was stored.
    """

    protocol = "redis"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({GET: ("it is what was stored",)})

    def __init__(self) -> None:
        self._context: WorkerContext | None = None
        self._namespace = ""
        self._bodies: tuple[bytes, ...] = ()
        self._ttl_s = 0
        self._idle: list[Redis] = []
        self._all: list[Redis] = []

    async def open(self, context: WorkerContext) -> None:
        """Make the users' bodies and connect as often as there are VUs.

        Raises:
            TargetUnavailableError: Redis does not answer, or refuses.
        """
        self._context, run = context, str(context.parameters["run"])
        self._namespace = f"perf-pipeline:{run}"
        persons = people(context.seed, run, int(context.parameters["keys"]))
        self._bodies = tuple(_body(number, person) for number, person in enumerate(persons))
        self._ttl_s = math.ceil(int(context.parameters["ttl_us"]) / US_PER_S)
        turns = asyncio.Semaphore(_CONNECTS_AT_ONCE)

        async def connect() -> None:
            async with turns:
                client = _client(context)
                self._all.append(client)
                await client.ping()

        try:
            await asyncio.gather(*(connect() for _ in range(context.vus)))
        except (RedisError, OSError) as error:
            await self.close()
            raise TargetUnavailableError(
                f"Redis can't be used: {KNOWN.mask(str(error)) or type(error).__name__}",
                hint="start Redis, correct PERF_REDIS_URL, or wait until it has room again",
            ) from None
        self._idle = list(self._all)

    async def iterate(self, iteration: Iteration) -> None:
        """Read one user; a command that fails ends the iteration, as nothing is known then."""
        client, number = self._idle.pop(), iteration.random.randrange(len(self._bodies))
        key, body = f"{self._namespace}:user:{number}", self._bodies[number]
        try:
            got = _Command(GET, iteration.intended_us, expected=body)
            if await self._did(iteration, got, client.get(key)) and got.answer is None:
                filled = _Command(SET, got.ended_us, bytes_out=len(body))
                stored = client.set(key, body, ex=self._ttl_s, nx=True)
                await self._did(iteration, filled, stored)
            elif got.outcome is Outcome.OK:
                renewed = _Command(EXPIRE, got.ended_us)
                await self._did(iteration, renewed, client.expire(key, self._ttl_s))
        finally:
            self._idle.append(client)

    async def close(self) -> None:
        """Close all connections; entries expire by themselves."""
        clients, self._all, self._idle = self._all, [], []
        for client in clients:
            await client.aclose()

    async def _did(
        self, iteration: Iteration, command: "_Command", answer: Awaitable[object]
    ) -> bool:
        """Run one command, record it, and say whether Redis answered it."""
        assert self._context is not None, "open comes first"
        clock = self._context.clock
        started_us = clock.now_us()
        try:
            command.answer = await answer
            iteration.has_waited = True
            command.outcome = Outcome.OK
        except RedisTimeoutError as error:
            command.outcome, command.error = Outcome.TIMEOUT, type(error).__name__
        except (RedisError, OSError) as error:
            command.outcome, command.error = Outcome.FAILED, type(error).__name__
        finally:
            command.ended_us = clock.now_us()
            self._context.recorder.sample(
                iteration,
                command.operation,
                started_us,
                command.ended_us,
                command.outcome,
                intended_us=command.intended_us,
                error=command.error,
                bytes_out=command.bytes_out,
                bytes_in=command.bytes_in,
                records=int(command.answer not in (None, False)),
                checks_passed=int(command.is_right is True),
                checks_failed=int(command.is_right is False),
            )
        return command.outcome is Outcome.OK


@dataclass(slots=True)
class _Command:
    """Hold one command and what became of it.

    Attributes:
        operation: as samples name it.
        intended_us: when it was to start.
        expected: what a GET that finds its key must give; None for other commands.
        bytes_out: the size of the stored value in bytes.
        outcome: interrupted until Redis has answered.
        error: short class of the error.
        answer: the answer of Redis; None is a miss, or a key that somebody else stored.
        ended_us: when the answer was there.
    """

    operation: str
    intended_us: int
    expected: bytes | None = None
    bytes_out: int = 0
    outcome: Outcome = Outcome.INTERRUPTED
    error: str = ""
    answer: object = None
    ended_us: int = 0

    @property
    def bytes_in(self) -> int:
        """Return the size of the value that was read."""
        return len(self.answer) if isinstance(self.answer, bytes) else 0

    @property
    def is_right(self) -> bool | None:
        """Say whether a GET gave what was stored; None where there is nothing to compare."""
        if self.expected is None or self.answer is None:
            return None
        return self.answer == self.expected


def _client(context: WorkerContext) -> Redis:
    timeout_s = int(context.parameters["timeout_us"]) / US_PER_S
    client = Redis.from_url(
        context.secrets[_URL],
        single_connection_client=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # redis-py tries three times on its own account: a failure is a failure here.
        retry=Retry(NoBackoff(), 0),
        # HELLO 3 is unknown to servers before 6.0, and these commands need none of it.
        protocol=2,
    )
    port = int(context.parameters.get("proxy_port", 0))
    if port:
        pool = client.connection_pool
        pool.connection_class = through_proxy(pool.connection_class, port)
    return client


def _body(number: int, person: Person) -> bytes:
    """Write a user as the Birthday Scheduler answers and caches it."""
    return json.dumps(
        {
            "id": str(number),
            "firstName": person.first_name,
            "lastName": person.last_name,
            "email": person.email,
            "birthdayDate": person.birthday.isoformat(),
            "timezone": person.timezone,
        }
    ).encode()
