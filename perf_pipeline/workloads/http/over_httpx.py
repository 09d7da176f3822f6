"""A virtual user's connection over httpx's own transport, at several times the cost.

httpx tells of its steps while it makes them, so the stamps hold the event loop's delay, too.
Resolving the name is a part of connecting, and bytes in are those of bodies.
Add here: what httpx can and the load transport can't. Keep out: what a scenario gets unasked.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from time import monotonic_ns
from types import MappingProxyType
from typing import Any, Final

import httpcore
import httpx

from perf_pipeline.workloads.http.addresses import addresses_in_turn
from perf_pipeline.workloads.http.client import MAX_BODY_BYTES
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpError, HttpResult, connect_error
from perf_pipeline.workloads.http.wire import MANY_PARTS

_CLOSED_BEFORE_ANSWER: Final = "without sending a response"
_HTTP2: Final = b"HTTP/2"
_MOST_TOLD: Final = 200  # characters of what httpx says
# The end of a step's name in httpcore's trace -> the stamp that it gives.
_STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "connect_tcp.started": "connect_started",
        "connect_tcp.complete": "connected",
        "start_tls.complete": "secured",
        "send_request_headers.started": "sent",
        "send_request_body.complete": "written",
        "receive_response_headers.complete": "first_byte",
    }
)


class _Steps:
    """Stamp the steps of one request; the time to answer counts from sending.

    Attributes:
        at_ns: by the names of `HttpResult`'s stamps.
    """

    def __init__(self, limit: asyncio.Timeout, timeout_s: float) -> None:
        self.at_ns: dict[str, int] = {}
        self._limit = limit
        self._timeout_s = timeout_s

    async def __call__(self, event: str, _: Mapping[str, Any]) -> None:
        """Note a step, as httpcore's extension `trace` wants it."""
        name = _STEPS.get(event.partition(".")[2])
        if name is None:
            return
        self.at_ns[name] = monotonic_ns()
        if name == "sent":
            self._limit.reschedule(asyncio.get_running_loop().time() + self._timeout_s)


class _AddressesInTurn(httpcore.AnyIOBackend):
    """Connect httpx to the addresses that the load transport would take, and to no other.

    httpcore's own way asks the resolver itself, after the name was checked.
    """

    def __init__(self, origin: HttpOrigin) -> None:
        super().__init__()
        self._origin = origin

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the origin's, which is all that is connected to
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure = httpcore.ConnectError("no address")
        try:
            addresses = await addresses_in_turn(self._origin)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for _, address in addresses:
            try:
                return await super().connect_tcp(
                    str(address[0]), port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                failure = error
        raise failure


class _Body:
    """Collect a body; of one that is longer than the limit, nothing."""

    def __init__(self, most_bytes: int) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.is_cut = False
        self._most_bytes = most_bytes

    def take(self, part: bytes) -> None:
        """Take a part as it came over the wire."""
        self.size += len(part)
        if self.size <= self._most_bytes:
            self.parts.append(part)
            if len(self.parts) == MANY_PARTS:
                self.parts[:] = [b"".join(self.parts)]
        else:
            self.is_cut = True
            self.parts.clear()


class HttpxConnection:
    """Carry requests that are ready as bytes over httpx, one at a time.

    Args:
        origin: where requests go.
        tls: needed for https.
        http2: offer HTTP/2 in the TLS handshake; an answer in HTTP/1.1 is an error.
        max_body_bytes: the body of a longer response is read and counted, but not kept.
    """

    def __init__(
        self,
        origin: HttpOrigin,
        tls: ssl.SSLContext | None,
        *,
        http2: bool,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._origin = origin
        self._tls = tls
        self._http2 = http2
        self._max_body_bytes = max_body_bytes
        self._transport = self._opened()
        self._started_ns = self._bytes_out = 0

    @property
    def started_ns(self) -> int:
        """Return the start of the latest request, also of one that was cancelled."""
        return self._started_ns

    @property
    def bytes_out(self) -> int:
        """Return the bytes of the latest request, also of one that was cancelled."""
        return self._bytes_out

    async def send(self, data: bytes, *, timeout_us: int, is_head: bool = False) -> HttpResult:  # noqa: ARG002 - httpx reads the method itself
        """Send a request and return what came of it; failures of the target are results.

        Raises:
            asyncio.CancelledError: the task was cancelled; the connection is closed.
        """
        request = self._request(data)
        status, headers, error, detail = 0, list[tuple[bytes, bytes]](), "", ""
        body = _Body(self._max_body_bytes)
        self._started_ns, self._bytes_out = monotonic_ns(), len(data)
        timeout_s = timeout_us / 1_000_000
        limit = asyncio.timeout(timeout_s)
        steps = request.extensions["trace"] = _Steps(limit, timeout_s)
        try:
            async with limit:
                response = await self._transport.handle_async_request(request)
                status, headers = response.status_code, response.headers.raw
                async for part in response.aiter_raw():
                    body.take(part)
                if self._http2 and response.extensions["http_version"] != _HTTP2:
                    error = HttpError.NOT_HTTP2
        except TimeoutError:
            error = HttpError.TIMEOUT if "sent" in steps.at_ns else HttpError.CONNECT_TIMEOUT
        except httpx.TransportError as failure:
            error = _meaning_of(failure, has_head=bool(status))
            detail = str(failure)[:_MOST_TOLD]
        except asyncio.CancelledError:
            self.close()
            raise
        if error:
            self.close()
        result = self._result(steps.at_ns, status, headers, body, error)
        return result._replace(detail=detail) if error == HttpError.PROTOCOL else result

    def _result(
        self,
        at_ns: Mapping[str, int],
        status: int,
        headers: list[tuple[bytes, bytes]],
        body: "_Body",
        error: str,
    ) -> HttpResult:
        began_ns, connect_ns = self._started_ns, at_ns.get("connect_started", 0)
        sent_ns = at_ns.get("sent", 0)
        self._started_ns = sent_ns or connect_ns or began_ns
        return HttpResult(
            status,
            tuple(headers),
            b"".join(body.parts),
            error,
            connect_ns or (0 if sent_ns else began_ns),
            at_ns.get("connected", 0),
            at_ns.get("secured", 0),
            sent_ns,
            at_ns.get("first_byte", 0),
            monotonic_ns(),
            self._bytes_out if sent_ns else 0,
            body.size,
            connected=bool(connect_ns),
            resent=False,
            resolved_ns=connect_ns,
            written_ns=at_ns.get("written", 0),
            is_cut=body.is_cut,
        )

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        closing, self._transport = self._transport, self._opened()
        self._closing = asyncio.get_running_loop().create_task(closing.aclose())

    def _opened(self) -> httpx.AsyncHTTPTransport:
        # Without TLS a context would only cost: loading the authorities takes 22 ms.
        transport = httpx.AsyncHTTPTransport(
            verify=self._tls or False,
            http2=self._http2,
            trust_env=False,
            limits=httpx.Limits(max_connections=1),
        )
        # httpx 0.28 takes no backend, and httpcore's pool does.
        transport._pool._network_backend = _AddressesInTurn(self._origin)  # noqa: SLF001 - as above
        return transport

    def _request(self, data: bytes) -> httpx.Request:
        head, _, body = data.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        method, target, _ = line.decode("ascii").split(" ")
        headers = [
            (name, value.strip()) for name, _, value in (field.partition(b":") for field in fields)
        ]
        url = f"{self._origin.scheme}://{self._origin.authority}{target}"
        return httpx.Request(method, url, headers=headers, content=body or None)


def _meaning_of(failure: httpx.TransportError, *, has_head: bool) -> HttpError:
    match failure:
        case httpx.ConnectTimeout():
            return HttpError.CONNECT_TIMEOUT
        case httpx.ConnectError():
            return _connecting(failure)
        case httpx.TimeoutException():
            return HttpError.TIMEOUT
        case httpx.ReadError() | httpx.WriteError():
            return HttpError.RESET
        case httpx.RemoteProtocolError() if _CLOSED_BEFORE_ANSWER in str(failure):
            return HttpError.CLOSED
        case _:
            return HttpError.TRUNCATED if has_head else HttpError.PROTOCOL


def _connecting(failure: BaseException) -> HttpError:
    """Find the system's error, the innermost, under those of httpx, httpcore and anyio."""
    at: BaseException | None = failure
    found: OSError | None = None
    while at is not None:
        if isinstance(at, OSError):
            found = at
        # anyio gathers the failures of several addresses in a group.
        below = at.__cause__ or at.__context__
        at = at.exceptions[0] if isinstance(at, BaseExceptionGroup) else below
    return connect_error(found) if found is not None else HttpError.UNREACHABLE
