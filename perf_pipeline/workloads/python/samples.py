"""The samples of one virtual user's Python iterations, held until their checks are known.

Add here: a fact about a request that its sample holds. Keep out: HTTP (transport.py).
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic_ns
from typing import Final

import httpx

from perf_pipeline.engine.exception_text import is_about_data, told
from perf_pipeline.engine.ports import NEVER_US, Iteration, Recorder
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.quoting import escaped
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.workloads.http.connections import Connection
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.http.samples import EXPECTED_BY_DEFAULT, note_of, outcome_of
from perf_pipeline.workloads.http.tracing import Traces

MOST_CHECKS: Final = 60  # a sample's masks are signed 64-bit numbers
MOST_OPERATIONS: Final = 500
# The error class of a request that the scenario gave up itself, e.g. by asyncio.timeout.
CANCELLED: Final = "cancelled"
MANY: Final = "(more than 500 names)"
# Error classes of a response that ended its iteration: nobody can read it; this code can't use it.
UNREADABLE: Final = "unreadable"
UNEXPECTED: Final = "unexpected_body"
_MOST_HELD: Final = 256
_LONGEST_NAME: Final = 200
_NS_PER_US: Final = 1_000
_ID: Final = re.compile(r"\d+|(?=.*\d)[0-9A-Fa-f-]{16,}")


@dataclass(slots=True)
class _Held:
    """Hold a finished request whose checks may still come."""

    operation: str
    result: HttpResult
    expected: Container[int]
    intended_us: int
    passed: int = 0
    failed: int = 0
    fault: str = ""


class SampleBook:
    """Record one virtual user's requests.

    The first request of an iteration was intended when the iteration was, a later one when the
    scenario issued it.

    Args:
        recorder: the worker's.
        origin_ns: the origin, in `time.monotonic_ns`, of the run's clock.
        checks: declared names; bit i of the masks is entry i.
        operations: names of all requests of the scenario so far, with their checks' names; shared
            by its VUs, and added to here.
    """

    def __init__(
        self,
        recorder: Recorder,
        origin_ns: int,
        checks: tuple[str, ...],
        operations: dict[str, tuple[str, ...]],
    ) -> None:
        self._recorder = recorder
        self._origin_ns = origin_ns
        self._checks = checks
        self._bits: Mapping[str, int] = {name: 1 << bit for bit, name in enumerate(checks)}
        self._operations = operations
        self._held: list[_Held] = []
        self._iteration: Iteration | None = None
        self._is_first = True
        self._of_target: list[tuple[HttpResult | None, Exception]] = []
        self._looked_at: HttpResult | None = None

    def begin(self, iteration: Iteration) -> None:
        """Start an iteration."""
        self._iteration = iteration
        self._is_first = True
        self._looked_at = None

    def traced(self, traces: Traces, request: bytes) -> bytes:
        """Return a request of the present iteration with the header `traceparent`."""
        return request if self._iteration is None else traces.added(request, self._iteration)

    def end(self) -> None:
        """Write down what is held; no check can come any more."""
        for held in self._held:
            self._write(held)
        self._held.clear()
        self._of_target.clear()

    def looked_at(self, result: HttpResult) -> None:
        """Note the latest response whose body the code has looked at."""
        self._looked_at = result

    def unreadable(self, result: HttpResult | None, error: Exception) -> None:
        """Note an exception that comes of what the target sent, should it end the iteration.

        Args:
            result: the result of the response that can't be read; None where a request could not be
                made, which is the target's fault where it answered before.
            error: that is raised.
        """
        if result is not None or self._held:
            self._of_target.append((result, error))

    def is_of_target(self, error: BaseException) -> bool:
        """Say whether an exception came of what the target sent; its request has failed then.

        One that code raises over the data of a body, after it has looked at it, is taken for the
        target's, and written down as the iteration's doubt.
        """
        if isinstance(error, BaseExceptionGroup):
            return all(self.is_of_target(inner) for inner in error.exceptions)
        if isinstance(error, httpx.TransportError | httpx.HTTPStatusError):
            return True  # its sample says so already
        for result, known in self._of_target:
            if known in {error, error.__cause__, error.__context__}:
                self._fail(result, known, UNREADABLE)
                return True
        if self._looked_at is not None and is_about_data(error):
            self._now().doubt = self._fail(self._looked_at, error, UNEXPECTED)
            return True
        return isinstance(error, httpx.DecodingError)

    def _fail(self, result: HttpResult | None, error: BaseException, fault: str) -> str:
        """Mark a response's request as failed, or else the latest one; return the note on it."""
        of_it = [held for held in self._held if held.result is result] or self._held
        if not of_it:
            return ""
        held = of_it[-1]
        held.fault = fault
        sentence = (
            f"{held.operation} ({held.result.status or held.result.error}): response body was not "
            f"what the scenario expected: {told(error)}"
        )
        self._recorder.note(sentence)
        return sentence

    def check(self, name: str, of: str | None, *, holds: bool) -> None:
        """Note a check of the latest request, or of the latest one of that operation.

        Raises:
            ValueError: the name is not declared, or there is no such request in this iteration.
        """
        bit = self._bits.get(name)
        if bit is None:
            declared = ", ".join(self._checks) or "none"
            raise ValueError(
                f"check {name!r} is not declared; @scenario(checks=...) has {declared}"
            )
        for held in reversed(self._held):
            if of is None or held.operation == of:
                held.passed = held.passed | bit if holds else held.passed & ~bit
                held.failed = held.failed & ~bit if holds else held.failed | bit
                return
        raise ValueError(f"check {name!r} has no request{f' {of!r}' if of else ''} to be about")

    def completed(self, request: httpx.Request, result: HttpResult, issued_ns: int) -> None:
        """Hold a request that ended."""
        if result.first_byte_ns and self._iteration is not None:
            self._iteration.has_waited = True  # for an answer, in which others had their turn
        expected = request.extensions.get("expect", EXPECTED_BY_DEFAULT)
        held = _Held(
            self._operation(request),
            result,
            expected,
            self._intended_us(issued_ns),
        )
        self._held.append(held)
        if len(self._held) > _MOST_HELD:
            self._write(self._held.pop(0))

    def interrupted(self, request: httpx.Request, connection: Connection, issued_ns: int) -> None:
        """Write down a request that was cancelled, by the engine or by the scenario itself."""
        iteration = self._now()
        intended_us = self._intended_us(issued_ns)
        started_us = self._at_us(connection.started_ns or issued_ns)
        self._recorder.sample(
            iteration,
            self._operation(request),
            started_us,
            self._at_us(monotonic_ns()),
            Outcome.INTERRUPTED,
            intended_us=intended_us,
            error="" if iteration.cut_us < NEVER_US else CANCELLED,
            bytes_out=connection.bytes_out,
        )

    def _now(self) -> Iteration:
        assert self._iteration is not None, "requests are made inside iterations"
        return self._iteration

    def _intended_us(self, issued_ns: int) -> int:
        if not self._is_first:
            return self._at_us(issued_ns)
        self._is_first = False
        return self._now().intended_us

    def _operation(self, request: httpx.Request) -> str:
        """Name a request; the number of names is bounded, whatever paths a scenario makes up."""
        given = request.extensions.get("name")
        name = str(given or default_name(request.method, request.url.raw_path))
        if len(name) > _LONGEST_NAME:
            name = f"{name[:_LONGEST_NAME]}..."
        if name not in self._operations:
            name = escaped(_without_secrets(name))
            if len(self._operations) >= MOST_OPERATIONS:
                name = MANY
            self._operations[name] = self._checks
        return name

    def _write(self, held: _Held) -> None:
        result, iteration = held.result, self._now()
        outcome, error = outcome_of(result, held.expected)
        if held.fault and not error:
            outcome, error = Outcome.FAILED, held.fault
        if result.error and (note := note_of(held.operation, result)):
            self._recorder.note(note)
        started_us, ended_us, phases = result.times(self._origin_ns)
        self._recorder.sample(
            iteration,
            held.operation,
            started_us,
            ended_us,
            outcome,
            intended_us=held.intended_us,
            status=result.status,
            error=error,
            bytes_out=result.bytes_out,
            bytes_in=result.bytes_in,
            checks_passed=held.passed,
            checks_failed=held.failed,
            phases=phases,
        )

    def _at_us(self, stamp_ns: int) -> int:
        return (stamp_ns - self._origin_ns) // _NS_PER_US


@lru_cache(maxsize=4_096)
def _without_secrets(name: str) -> str:
    """Mask a name that a scenario made up, which may be a path with a token in it."""
    return KNOWN.mask(name, words=False)


@lru_cache(maxsize=4_096)
def default_name(method: str, raw_path: bytes) -> str:
    """Name a request after its method and path, without its query; ids become `{id}`.

    >>> default_name("GET", b"/user/42/mails?page=2")
    'GET /user/{id}/mails'
    """
    path = raw_path.partition(b"?")[0].decode("ascii")
    parts = ["{id}" if _ID.fullmatch(part) else part for part in path.split("/")]
    return f"{method} {'/'.join(parts)}"
