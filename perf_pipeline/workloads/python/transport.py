"""The load transport as an httpx transport, and an httpx client that skips what nobody asked for.

People write against httpx's public API; a request costs a quarter of what it costs over httpx's own
pool, and its stamps are taken in the protocol's callbacks.
Add here: what httpx's API promises and the load transport must keep. Keep out: samples
(samples.py).
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from time import monotonic_ns
from types import MappingProxyType
from typing import Any, Final, Protocol

import httpx

from perf_pipeline.errors import TargetNotAllowedError
from perf_pipeline.workloads.http.client import MAX_BODY_BYTES
from perf_pipeline.workloads.http.connections import Connection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpError, HttpResult
from perf_pipeline.workloads.python.cookies import OriginCookies
from perf_pipeline.workloads.python.redirects import add_cookies, following_of
from perf_pipeline.workloads.python.request_bytes import written
from perf_pipeline.workloads.python.response import LoadResponse, ResponseObserver

_DEFAULT_TIMEOUT_S: Final = 10.0
_MOST_REMEMBERED_URLS: Final = 4_096
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
        most_bytes: of a body that is kept, and of one that is decompressed.
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

    async def handle_async_request(self, request: httpx.Request) -> LoadResponse:
        """Send a request and read its whole response.

        Raises:
            TargetNotAllowedError: it goes to another origin; nothing was sent.
            httpx.TransportError: there is no complete response; the observer knows why.
        """
        issued_ns = monotonic_ns()
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
        return LoadResponse(
            result,
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


class LoadClient(httpx.AsyncClient):
    """Act as an httpx.AsyncClient at half its cost, by skipping auth, hooks and mounts if unset.

    A request that uses any of them, or streams, takes httpx's own way. It touches private names of
    httpx 0.28; test_http_transport compares it with the plain client, so that an upgrade that
    moves them is noticed.

    Args:
        transport: where requests go.
        options: of httpx.AsyncClient.
    """

    def __init__(self, transport: LoadTransport, **options: Any) -> None:
        super().__init__(transport=transport, trust_env=False, **options)
        self._load_transport = transport
        self._urls: dict[str, httpx.URL] = {}
        self.cookies = self._cookies

    @property
    def cookies(self) -> httpx.Cookies:
        """Return the cookies that go with every request."""
        return self._cookies

    @cookies.setter
    def cookies(self, given: Any) -> None:
        self._cookies = OriginCookies(self._load_transport.origin)
        self._cookies.update(given)

    def build_request(self, *given: Any, **options: Any) -> httpx.Request:
        """Make a request, as httpx.AsyncClient does, with the client's cookies behind its own."""
        try:
            request = super().build_request(*given, **options)
        except (UnicodeEncodeError, httpx.InvalidURL) as error:
            # Made of what an answer held, where there was one.
            self._load_transport.observer.unreadable(None, error)
            raise
        self._add_cookies(request)
        return request

    def _merge_cookies(self, cookies: Any = None) -> Any:
        """Return the cookies of one request; the client's are added by our own rules."""
        return cookies

    def _add_cookies(self, request: httpx.Request) -> None:
        if self._cookies:
            assert isinstance(self._cookies, OriginCookies)
            add_cookies(request, self._cookies)

    def _merge_url(self, url: httpx.URL | str) -> httpx.URL:
        if not isinstance(url, str):
            return super()._merge_url(url)
        merged = self._urls.get(url)
        if merged is None:
            if len(self._urls) >= _MOST_REMEMBERED_URLS:
                self._urls.clear()
            merged = self._urls[url] = super()._merge_url(url)
        return merged

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Send a request, as httpx.AsyncClient does; after too many redirects give the last one.

        Raises:
            httpx.TransportError: there is no complete response.
            TargetNotAllowedError: it goes to another origin; nothing was sent.
        """
        if stream or self._needs_the_long_way(request, auth):
            return await super().send(
                request, stream=stream, auth=auth, follow_redirects=follow_redirects
            )
        if follow_redirects is httpx.USE_CLIENT_DEFAULT:
            follow_redirects = self.follow_redirects
        history: list[httpx.Response] = []
        while True:
            response = await self._once(request)
            response.history = list(history)
            following = self._following(request, response)
            if following is None or not follow_redirects or len(history) >= self.max_redirects:
                response.next_request = following
                return response
            history.append(response)
            request = following

    def _needs_the_long_way(self, request: httpx.Request, auth: object) -> bool:
        return (
            auth is not httpx.USE_CLIENT_DEFAULT
            or self._auth is not None
            or bool(self._mounts)
            or any(self._event_hooks.values())
            or bool(request.url.userinfo)
            or self.is_closed
        )

    async def _once(self, request: httpx.Request) -> LoadResponse:
        began_ns = monotonic_ns()
        self._set_timeout(request)
        response = await self._load_transport.handle_async_request(request)
        response.default_encoding = self._default_encoding
        if "set-cookie" in response.headers:
            self.cookies.extract_cookies(response)
        response.take_as_read()
        response.elapsed = timedelta(microseconds=(monotonic_ns() - began_ns) / 1_000)
        return response

    def _following(self, request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
        """Return the request that a redirect asks for; none leads away from the target."""
        origin, result = self._load_transport.origin, response.extensions["result"]
        following = following_of(request, result, origin)
        if following is not None:
            self._add_cookies(following)
        return following

    def _build_redirect_request(
        self, request: httpx.Request, response: httpx.Response
    ) -> httpx.Request:
        following = self._following(request, response)
        return following or super()._build_redirect_request(request, response)
