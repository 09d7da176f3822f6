"""A virtual user's connection over httpx's own transport: HTTP/2, at several times the cost.

Stamps are taken around the await, so that they hold the event loop's delay too (LESSONS 36), and
connecting is inside the service time of the first request.
Add here: what httpx can and the load transport can't. Keep out: HTTP/1.1 under load.
"""

import asyncio
import ssl
from time import monotonic_ns
from typing import Final

import httpx

from perf_pipeline.workloads.http_origin import HttpOrigin
from perf_pipeline.workloads.http_result import HttpError, HttpResult, connect_error

_CLOSED_BEFORE_ANSWER: Final = "without sending a response"


class HttpxConnection:
    """Carry requests that are ready as bytes over httpx, one at a time.

    Args:
        origin: where requests go.
        tls: needed for https.
        http2: offer HTTP/2 in the TLS handshake; the target may still choose HTTP/1.1.
    """

    def __init__(self, origin: HttpOrigin, tls: ssl.SSLContext | None, *, http2: bool) -> None:
        self._origin = origin
        self._tls = tls
        self._http2 = http2
        self._transport = self._opened()
        self._started_ns = self._bytes_out = 0

    @property
    def started_ns(self) -> int:
        """Give the start of the latest request, also of one that was cancelled."""
        return self._started_ns

    @property
    def bytes_out(self) -> int:
        """Give the bytes of the latest request, also of one that was cancelled."""
        return self._bytes_out

    async def send(self, data: bytes, *, timeout_us: int, is_head: bool = False) -> HttpResult:  # noqa: ARG002 - httpx reads the method itself
        """Send a request and give what came of it; failures of the target are results.

        Raises:
            asyncio.CancelledError: the task was cancelled; the connection is closed.
        """
        request = self._request(data)
        status, headers, body, error = 0, list[tuple[bytes, bytes]](), b"", ""
        self._started_ns, self._bytes_out = monotonic_ns(), len(data)
        try:
            async with asyncio.timeout(timeout_us / 1_000_000):
                response = await self._transport.handle_async_request(request)
                status, headers = response.status_code, response.headers.raw
                body = await response.aread()
        except TimeoutError:
            error = HttpError.TIMEOUT
        except httpx.TransportError as failure:
            error = _meaning_of(failure, has_head=bool(status))
        except asyncio.CancelledError:
            self.close()
            raise
        if error:
            self.close()
        ended_ns = monotonic_ns()
        return HttpResult(
            status,
            tuple(headers),
            body,
            error,
            0,
            0,
            0,
            self._started_ns,
            0,
            ended_ns,
            len(data),
            len(body),
            connected=False,
            resent=False,
        )

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        closing, self._transport = self._transport, self._opened()
        self._closing = asyncio.get_running_loop().create_task(closing.aclose())

    def _opened(self) -> httpx.AsyncHTTPTransport:
        # Without TLS a context would only cost: loading the authorities takes 22 ms.
        return httpx.AsyncHTTPTransport(
            verify=self._tls or False,
            http2=self._http2,
            trust_env=False,
            limits=httpx.Limits(max_connections=1),
        )

    def _request(self, data: bytes) -> httpx.Request:
        head, _, body = data.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        method, target, _ = line.decode("ascii").split(" ")
        headers = [
            (name, value.strip()) for name, _, value in (one.partition(b":") for one in fields)
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
