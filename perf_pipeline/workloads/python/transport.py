"""The load transport as an httpx transport.

People write against httpx's public API; a request costs a quarter of what it costs over httpx's own
pool, and its stamps are taken in the protocol's callbacks.
Add here: what httpx's API promises and the load transport must keep. Keep out: samples
(samples.py).
"""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic_ns
from types import MappingProxyType
from typing import Final, Protocol

import httpx

from perf_pipeline.errors import TargetNotAllowedError
from perf_pipeline.workloads.http.client import MAX_BODY_BYTES
from perf_pipeline.workloads.http.connections import Connection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpError, HttpResult
from perf_pipeline.workloads.python.alike_requests import AlikeRequest
from perf_pipeline.workloads.python.cookies import OriginCookies
from perf_pipeline.workloads.python.request_bytes import written
from perf_pipeline.workloads.python.response import AnswerHeaders, LoadResponse, ResponseObserver

_DEFAULT_TIMEOUT_S: Final = 10.0
_EXCEPTIONS: Final[Mapping[str, type[httpx.TransportError]]] = MappingProxyType(
    {
        HttpError.REFUSED: httpx.ConnectError,
        HttpError.DNS: httpx.ConnectError,
        HttpError.TLS: httpx.ConnectError,
        HttpError.UNREACHABLE: httpx.ConnectError,
        HttpError.GENERATOR: httpx.ConnectError,
        HttpError.CONNECT_TIMEOUT: httpx.ConnectTimeout,
        HttpError.TIMEOUT: httpx.ReadTimeout,
        HttpError.RESET: httpx.ReadError,
    }
)


class Observer(ResponseObserver, Protocol):
    """Learn about every request, redirects and failures included."""

    def completed(self, request: httpx.Request, result: HttpResult, issued_ns: int) -> None:
        """Note a request that ended, whatever came of it."""
        ...

    def interrupted(self, request: httpx.Request, connection: Connection, issued_ns: int) -> None:
        """Note a request that was cancelled."""
        ...


class LoadTransport(httpx.AsyncBaseTransport):
    """Carry one virtual user's requests to one origin; several at once get a connection each.

    httpx's read timeout covers the whole exchange here, from the first byte sent to the last
    received, as a load tool means it; a connection may take as long again.

    Args:
        origin: the only one; its prefix is the client's business.
        make_connection: opens lazily.
        observer: learns about every request.
        http_version: that the connections speak, as httpx names it.
        most_bytes: the largest size of a body that is kept, and of one that is decompressed.
        traced: adds the header `traceparent` to a request; None for none.

    Attributes:
        origin: the only one.
        observer: learns about every request.
    """

    def __init__(
        self,
        origin: HttpOrigin,
        make_connection: Callable[[], Connection],
        observer: Observer,
        http_version: bytes = b"HTTP/1.1",
        most_bytes: int = MAX_BODY_BYTES,
        traced: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.origin = origin
        self._traced = traced
        self._most_bytes = most_bytes
        self._make_connection = make_connection
        self.observer = observer
        self._http_version = http_version
        self._connections: list[Connection] = []
        self._idle: list[Connection] = []
        self._headers = AnswerHeaders(())

    async def handle_async_request(self, request: httpx.Request) -> LoadResponse:
        """Send a request and read its whole response.

        Raises:
            TargetNotAllowedError: it goes to another origin; nothing was sent.
            httpx.TransportError: there is no complete response; the observer knows why.
        """
        issued_ns = monotonic_ns()
        data = request.written() if isinstance(request, AlikeRequest) else None
        if data is None:
            self.require_origin(request.url)
            data = await written(request)
        if self._traced is not None:
            data = self._traced(data)
        connection = self._idle.pop() if self._idle else self._another()
        timeout_s = request.extensions.get("timeout", {}).get("read") or _DEFAULT_TIMEOUT_S
        try:
            result = await connection.send(
                data, timeout_us=round(timeout_s * 1_000_000), is_head=request.method == "HEAD"
            )
        except asyncio.CancelledError:
            self.observer.interrupted(request, connection, issued_ns)
            raise
        finally:
            self._idle.append(connection)
        self.observer.completed(request, result, issued_ns)
        if result.error:
            kind = _EXCEPTIONS.get(result.error, httpx.RemoteProtocolError)
            what = f"{result.error}: {result.detail}" if result.detail else result.error
            raise kind(what, request=request)
        headers = self._headers
        if headers.received is not result.headers:
            headers = self._headers = AnswerHeaders(result.headers)
        return LoadResponse(
            result,
            headers,
            request,
            self._http_version,
            self._most_bytes,
            self.observer,
            self._new_cookies,
        )

    def _new_cookies(self) -> OriginCookies:
        return OriginCookies(self.origin)

    def goes_to(self, url: httpx.URL) -> bool:
        """Say whether a URL is on the target's origin."""
        origin = self.origin
        port = url.port or (443 if url.scheme == "https" else 80)
        host = url.raw_host.decode("ascii").removesuffix(".")  # `host` would be in letters again
        return (url.scheme, port, host) == (origin.scheme, origin.port, origin.host)

    def require_origin(self, url: httpx.URL) -> None:
        """Refuse a URL that is not on the target's origin.

        Raises:
            TargetNotAllowedError: names the host.
        """
        if not self.goes_to(url):
            raise TargetNotAllowedError(
                f"a Python scenario asks for {url.scheme}://{url.netloc.decode()}, but only the "
                f"target {self.origin} may be loaded; nothing was sent",
                hint="write only the path, like client.get('/user/1')",
            )

    async def aclose(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._idle.clear()

    def _another(self) -> Connection:
        connection = self._make_connection()
        self._connections.append(connection)
        return connection
