"""The HTTP workloads of the Birthday Scheduler: create, read and delete users.

Parameters: `base_url`; `run`, the run's id (create); `ids_file`, one id per line (read, delete);
optional `timeout_us`, `think_time_us` (low and high), `headers`, `ca_file`, `ledger` (create),
`trace` and `trace_ratio`.
The secret `bearer_token` becomes the Authorization header.
Add here: another request to the users' API. Keep out: HTTP itself (workloads/http/client.py).
"""

import asyncio
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final
from urllib.parse import quote

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent, Outcome
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.http.bodies import without_coding
from perf_pipeline.workloads.http.client import MAX_BODY_BYTES, HttpConnection
from perf_pipeline.workloads.http.connections import no_connection
from perf_pipeline.workloads.http.parameters import HttpSettings, own_ids, traces_in
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.http.samples import note_of, outcome_of
from perf_pipeline.workloads.http.server_timing import database_us
from perf_pipeline.workloads.people import created_email, person
from perf_pipeline.workloads.steps.values import as_text, can_be_written

SLOW_CREATION_US: Final = 2 * US_PER_S
_NS_PER_US: Final = 1_000
_LONGEST_ID: Final = 1_000


class _UsersWorkload:
    """Share what the three workloads have in common: a connection per VU, a sample per request."""

    protocol = "http"
    checks: Mapping[str, tuple[str, ...]]
    operation: ClassVar[str]
    method: ClassVar[str]
    expected: ClassVar[frozenset[int]]

    def __init__(self) -> None:
        self._connections: dict[int, HttpConnection] = {}

    async def open(self, context: WorkerContext) -> None:
        """Read the parameters and see whether the target accepts a connection.

        Raises:
            TargetUnavailableError: it does not, or there are too few ids for all workers.
            GeneratorLimitError: this machine could not even try.
            ValueError: an address or header is wrong.
        """
        self._context = context
        self._origin_ns = context.clock.origin_ns
        self._settings = settings = HttpSettings.read(context, has_body=self.method == "POST")
        self._traces = traces_in(context)
        first = HttpConnection(settings.origin, tls=settings.tls)
        error = await first.connect(timeout_us=settings.timeout_us)
        first.close()
        if error:
            raise no_connection(settings.origin, error, settings.timeout_us)

    async def close(self) -> None:
        """Close the connections of all VUs."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        await asyncio.sleep(0)  # the event loop closes sockets on its next turn

    async def _request(self, iteration: Iteration, target: str, body: bytes = b"") -> HttpResult:
        settings = self._settings
        connection = self._connections.get(iteration.vu)
        if connection is None:
            connection = HttpConnection(settings.origin, tls=settings.tls)
            self._connections[iteration.vu] = connection
        traces = self._traces
        try:
            return await connection.request(
                self.method,
                target,
                headers=traces.header(iteration) + settings.headers if traces else settings.headers,
                body=body,
                timeout_us=settings.timeout_us,
            )
        except asyncio.CancelledError:
            self._record_interruption(iteration, connection)
            raise

    def _record_interruption(self, iteration: Iteration, connection: HttpConnection) -> None:
        self._context.recorder.sample(
            iteration,
            self.operation,
            self._at_us(connection.started_ns),
            self._context.clock.now_us(),
            Outcome.INTERRUPTED,
            bytes_out=connection.bytes_out,
        )

    def _record(self, iteration: Iteration, result: HttpResult, passed: tuple[bool, ...]) -> None:
        """Record a sample; without a complete response every check has failed."""
        outcome, error = outcome_of(result, self.expected)
        if result.error and (note := note_of(self.operation, result)):
            self._context.recorder.note(note)
        every = (1 << len(passed)) - 1
        mask = 0 if result.error else sum(1 << bit for bit, holds in enumerate(passed) if holds)
        started_us, ended_us, phases = result.times(self._origin_ns)
        self._context.recorder.sample(
            iteration,
            self.operation,
            started_us,
            ended_us,
            outcome,
            status=result.status,
            error=error,
            bytes_out=result.bytes_out,
            bytes_in=result.bytes_in,
            checks_passed=mask,
            checks_failed=every ^ mask,
            phases=phases,
        )

    def _at_us(self, stamp_ns: int) -> int:
        return (stamp_ns - self._origin_ns) // _NS_PER_US

    async def _think(self, iteration: Iteration) -> None:
        low_us, high_us = self._settings.think_low_us, self._settings.think_high_us
        if high_us:
            clock = self._context.clock
            await clock.sleep_until_us(clock.now_us() + iteration.random.randint(low_us, high_us))


class CreateUser(_UsersWorkload):
    """POST /user with a seeded person whose email no other iteration of the run has.

    With `ledger`, a created user is the promise of a message, by the user's id: intended when
    the iteration was, started with the request's first byte, acknowledged when the 201 was there,
    and before that queried, where the target's Server-Timing says what its database took.
    """

    operation = "create_user"
    method = "POST"
    expected = frozenset({201})
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {operation: ("status is 201", "body has id", "duration < 2s", "email echoed")}
    )

    async def open(self, context: WorkerContext) -> None:
        """Read the parameters and see whether the target accepts a connection.

        Raises:
            TargetUnavailableError: it does not.
        """
        await super().open(context)
        self._run = str(context.parameters["run"])
        self._writes_ledger = bool(context.parameters.get("ledger", False))

    async def iterate(self, iteration: Iteration) -> None:
        """Create one user, then think."""
        email = created_email(self._run, iteration.scenario, iteration.vu, iteration.number)
        result = await self._request(iteration, "/user", _body(iteration, email))
        answer = _json_object(result)
        user_id = _id_of(answer)
        service_us = (result.ended_ns - result.started_ns) // _NS_PER_US
        passed = (
            result.status == 201,
            user_id != "",
            service_us < SLOW_CREATION_US,
            answer.get("email") == email,
        )
        self._record(iteration, result, passed)
        if self._writes_ledger and passed[0] and passed[1] and not result.error:
            self._promise(user_id, iteration.intended_us, result)
        await self._think(iteration)

    def _promise(self, message_id: str, intended_us: int, result: HttpResult) -> None:
        ledger = self._context.recorder.ledger
        started_us, ended_us = self._at_us(result.started_ns), self._at_us(result.ended_ns)
        ledger(LedgerEntry(message_id, LedgerEvent.INTENDED, intended_us))
        ledger(LedgerEntry(message_id, LedgerEvent.STARTED, started_us))
        spent_us = database_us(result.header("server-timing"))
        if spent_us is not None:
            queried_us = max(started_us, ended_us - spent_us)
            ledger(LedgerEntry(message_id, LedgerEvent.QUERIED, queried_us))
        ledger(LedgerEntry(message_id, LedgerEvent.ACKNOWLEDGED, ended_us))


class _ByIdWorkload(_UsersWorkload):
    """Work on ids of a file, of which each worker owns every n-th line from its number on."""

    async def open(self, context: WorkerContext) -> None:
        """Read this worker's ids, then see whether the target accepts a connection.

        Raises:
            TargetUnavailableError: it does not, or no id is left for this worker.
        """
        self._ids = own_ids(context)
        await super().open(context)


class ReadUser(_ByIdWorkload):
    """GET /user/{id}, with an id drawn by the iteration's random from this worker's share."""

    operation = "read_user"
    method = "GET"
    expected = frozenset({200})
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {operation: ("status is 200", "body has id")}
    )

    async def iterate(self, iteration: Iteration) -> None:
        """Read one user, then think."""
        user_id = iteration.random.choice(self._ids)
        result = await self._request(iteration, f"/user/{quote(user_id, safe='')}")
        has_id = _id_of(_json_object(result)) != ""
        self._record(iteration, result, (result.status == 200, has_id))
        await self._think(iteration)


class DeleteUser(_ByIdWorkload):
    """DELETE /user/{id}, each id of this worker's share once, in order, whichever VU comes next.

    After the last id it starts again; 404 is as right as 200, also for a user that somebody else
    deleted (docs/reference-system.md).
    """

    operation = "delete_user"
    method = "DELETE"
    expected = frozenset({200, 404})
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({operation: ("status is 200 or 404",)})

    def __init__(self) -> None:
        super().__init__()
        self._taken = 0

    async def iterate(self, iteration: Iteration) -> None:
        """Delete one user, then think."""
        user_id = self._ids[self._taken % len(self._ids)]
        self._taken += 1
        result = await self._request(iteration, f"/user/{quote(user_id, safe='')}")
        self._record(iteration, result, (result.status in self.expected,))
        await self._think(iteration)


def _body(iteration: Iteration, email: str) -> bytes:
    who = person(iteration.random, email)
    fields = {
        "firstName": who.first_name,
        "lastName": who.last_name,
        "email": who.email,
        "birthdayDate": who.birthday.isoformat(),
        "timezone": who.timezone,
    }
    return json.dumps(fields).encode()


def _json_object(result: HttpResult) -> Mapping[str, object]:
    """Read the body; anything but a JSON object has no fields, and fails the checks on them."""
    try:
        value = json.loads(without_coding(result.body, result.headers, most_bytes=MAX_BODY_BYTES))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _id_of(answer: Mapping[str, object]) -> str:
    """Return the id that a user got; empty where there is none that can be written down."""
    value = answer.get("id")
    text = "" if value is None or not can_be_written(value) else as_text(value)
    return text[:_LONGEST_ID]
