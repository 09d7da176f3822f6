"""An httpx client on the load transport, which skips what nobody asked for.

Add here: what httpx's client promises and ours must keep. Keep out: sending (transport.py), samples
(samples.py).
"""

from time import monotonic_ns
from typing import Any, Final

import httpx

from perf_pipeline.workloads.python.alike_requests import AlikeRequests
from perf_pipeline.workloads.python.cookies import OriginCookies
from perf_pipeline.workloads.python.redirects import add_cookies, following_of
from perf_pipeline.workloads.python.transport import LoadTransport

_MOST_REMEMBERED_URLS: Final = 4_096


class LoadClient(httpx.AsyncClient):
    """Act as an httpx.AsyncClient at half its cost, by skipping auth, hooks and mounts if unset.

    A request that uses any of them, or streams, takes httpx's own way. It touches private names of
    httpx 0.28; test_http_transport compares it with the plain client, so that an upgrade that
    moves them is noticed.

    Args:
        transport: where requests go.
        options: the options of httpx.AsyncClient.
    """

    def __init__(self, transport: LoadTransport, **options: Any) -> None:
        super().__init__(transport=transport, trust_env=False, **options)
        self._load_transport = transport
        self._urls: dict[str, httpx.URL] = {}
        self._known_paths: dict[str, httpx.URL] = {}
        self._alike = AlikeRequests(self)
        self.cookies = self._cookies

    @property
    def cookies(self) -> httpx.Cookies:
        """Return the cookies that go with every request."""
        return self._cookies

    @cookies.setter
    def cookies(self, given: Any) -> None:
        self._cookies = OriginCookies(self._load_transport.origin)
        self._cookies.update(given)

    def build_request(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        json: Any = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,
        extensions: Any = None,
        **options: Any,
    ) -> httpx.Request:
        """Make a request, as httpx.AsyncClient does, with the client's cookies behind its own."""
        is_bare = timeout is httpx.USE_CLIENT_DEFAULT and all(
            option is None for option in options.values()
        )
        try:
            ours = self._ours(url) if is_bare and isinstance(url, str) else None
            request = None
            if ours is not None:
                request = self._alike.make(method, ours, json, extensions)
            if request is None:
                request = super().build_request(
                    method, url, json=json, timeout=timeout, extensions=extensions, **options
                )
                if ours is not None:
                    self._alike.learn(method, json, request)
        except (UnicodeEncodeError, httpx.InvalidURL) as error:
            # Made of what an answer held, where there was one.
            self._load_transport.observer.unreadable(None, error)
            raise
        self._add_cookies(request)
        return request

    def _ours(self, path: str) -> httpx.URL | None:
        """Return the URL of a path on the target; None where it leads anywhere else."""
        url = self._known_paths.get(path)
        if url is None:
            url = self._merge_url(path)
            if not path.startswith("/") or not self._load_transport.goes_to(url):
                return None
            if len(self._known_paths) >= _MOST_REMEMBERED_URLS:
                self._known_paths.clear()
            self._known_paths[path] = url
        return url

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
            began_ns = monotonic_ns()
            self._set_timeout(request)
            response = await self._load_transport.handle_async_request(request)
            response.default_encoding = self._default_encoding
            if response.sets_cookies:
                self.cookies.extract_cookies(response)
            response.take_as_read(monotonic_ns() - began_ns)
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
