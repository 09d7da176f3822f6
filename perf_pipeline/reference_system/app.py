"""The HTTP interface: routes, answers and errors of the Birthday Scheduler.

Every answer is JSON; every error is `{"error": sentence}`, with `fields` where fields are wrong.
Add here: a route. Keep out: SQL, and decisions about processes and sockets.
"""

import asyncio
import contextlib
import gc
import importlib.metadata
import json
import zoneinfo
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perf_pipeline.reference_system.cache import GONE, UserCache
from perf_pipeline.reference_system.server_timing import ServerTiming
from perf_pipeline.reference_system.settings import Settings
from perf_pipeline.reference_system.user_input import InvalidUserError, parse_user
from perf_pipeline.reference_system.users import Pool, User, Users

MAX_BODY_BYTES = 16_384
POOL_WAIT_S = 2.0
HEALTH_WAIT_S = 1.0
_MAX_BIGINT = 2**63 - 1


def create_app(settings: Settings) -> Starlette:
    """Build the application; connections are opened when it starts, and again whenever lost."""
    api = _Api(settings)
    return Starlette(
        routes=[
            Route("/user", api.create, methods=["POST"]),
            Route("/user/{user_id}", api.user_by_id, methods=["GET", "DELETE"]),
            Route("/health", api.health, methods=["GET"]),
        ],
        exception_handlers={
            HTTPException: _http_error,
            psycopg.OperationalError: api.database_down,
            Exception: _unexpected,
        },
        middleware=[Middleware(ServerTiming)],
        lifespan=api.lifespan,
    )


class _Api:
    """Hold what the handlers of one process share."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timezones = frozenset(zoneinfo.available_timezones())
        self._cache = UserCache(settings.redis_url, settings.database)
        self._version = importlib.metadata.version("perf_pipeline")
        self._check: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Open pool and cache around the life of the server."""
        pool = Pool(
            self._settings.postgres_dsn,
            min_size=self._settings.pool_size,
            max_size=self._settings.pool_size,
            timeout=POOL_WAIT_S,
            # Short, because the pauses between attempts double until it has passed.
            reconnect_timeout=POOL_WAIT_S,
            kwargs={"autocommit": True, "connect_timeout": 2, "client_encoding": "UTF8"},
            open=False,
        )
        async with pool:
            self._users = Users(pool)
            waking = asyncio.create_task(self._users.wake_relay())
            # A full collection over everything that was imported costs milliseconds.
            gc.collect()
            gc.freeze()
            yield
            waking.cancel()
            await self._cache.close()

    async def create(self, request: Request) -> Response:
        """Answer POST /user."""
        try:
            body = await _json_body(request)
            new = parse_user(body, today=datetime.now(UTC).date(), timezones=self._timezones)
        except InvalidUserError as error:
            return _json(400, {"error": error.sentence, "fields": error.fields})
        user = await self._users.add(new)
        if user is None:
            return _json(409, {"error": "a user with this email exists already"})
        return Response(_user_json(user), 201, {"content-type": "application/json"})

    async def user_by_id(self, request: Request) -> Response:
        """Answer GET and DELETE /user/{id}; an id that cannot exist is a user that does not."""
        text = request.path_params["user_id"]
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _MAX_BIGINT):
            return _no_user()
        if request.method == "DELETE":
            return await self._delete(int(text))
        return await self._read(int(text))

    async def _read(self, user_id: int) -> Response:
        body = await self._cache.get(user_id)
        if body is None:
            user = await self._users.find(user_id)
            if user is None:
                return _no_user()
            body = _user_json(user)
            await self._cache.fill(user_id, body)
        if body == GONE:
            return _no_user()
        return Response(body, 200, {"content-type": "application/json"})

    async def _delete(self, user_id: int) -> Response:
        if not await self._users.remove(user_id):
            return _no_user()
        await self._cache.forget(user_id)
        return _json(200, {"id": str(user_id), "deleted": True})

    async def health(self, _request: Request) -> Response:
        """Answer GET /health: 503 only where requests fail, which a dead Redis does not cause."""
        postgres, redis = await asyncio.gather(self._postgres_state(), self._redis_state())
        parts = {
            "postgres": postgres,
            "redis": redis,
            "cache_errors": self._cache.errors,
            "version": self._version,
        }
        if postgres != "ok":
            return _json(503, {"status": "unavailable", "error": "PostgreSQL fails", **parts})
        return _json(200, {"status": "degraded" if redis == "unreachable" else "ok", **parts})

    async def _postgres_state(self) -> str:
        try:
            async with asyncio.timeout(HEALTH_WAIT_S):
                await self._users.ping()
        except (psycopg.OperationalError, TimeoutError):
            self._check_pool()
            return "unreachable"
        return "ok"

    async def _redis_state(self) -> str:
        if not self._cache.is_configured:
            return "not configured"
        return "ok" if await self._cache.answers() else "unreachable"

    async def database_down(self, _request: Request, error: Exception) -> Response:
        """Answer a request that PostgreSQL failed, and look after the other connections."""
        self._check_pool()
        kind = type(error).__name__
        return _json(503, {"error": f"the database is not available ({kind}); try again"})

    def _check_pool(self) -> None:
        # A restart breaks all connections at once; without this each costs one more request.
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._users.drop_broken_connections())


async def _json_body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise InvalidUserError(f"the content type must be application/json, not {kind[:100]}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _user_json(user: User) -> bytes:
    return json.dumps(
        {
            "id": str(user.id),
            "firstName": user.first_name,
            "lastName": user.last_name,
            "email": user.email,
            "birthdayDate": user.birthday_date.isoformat(),
            "timezone": user.timezone,
            "createdAt": user.created_at.isoformat(),
            "updatedAt": user.updated_at.isoformat(),
        }
    ).encode()


def _json(status: int, content: Mapping[str, object]) -> Response:
    return Response(json.dumps(content), status, {"content-type": "application/json"})


def _no_user() -> Response:
    return _json(404, {"error": "there is no such user"})


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _json(error.status_code, {"error": error.detail})
    response.headers.update(error.headers or {})
    return response


async def _unexpected(_request: Request, _error: Exception) -> Response:
    response = _json(500, {"error": "something unexpected happened; the log of the API says what"})
    # Starlette raises the error on, and uvicorn then closes the connection: the client must know.
    response.headers["connection"] = "close"
    return response
