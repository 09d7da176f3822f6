"""The httpx client on the load transport answers as httpx's own does, whatever is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from perf_pipeline.errors import TargetNotAllowedError
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.connections import Connection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.over_httpx import HttpxConnection
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.python.load_client import LoadClient
from perf_pipeline.workloads.python.transport import LoadTransport
from perf_pipeline_tests.support.servers.http_target import HttpTarget

Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


class Watching:
    """Remember what an observer is told."""

    def __init__(self) -> None:
        self.results: list[HttpResult] = []
        self.cut: list[int] = []
        self.unread: list[Exception] = []

    def completed(self, _: httpx.Request, result: HttpResult, __: int) -> None:
        self.results.append(result)

    def interrupted(self, _: httpx.Request, connection: Connection, __: int) -> None:
        self.cut.append(connection.bytes_out)

    def looked_at(self, _: HttpResult) -> None:
        """Care for nothing: what code does with a body is another test's."""

    def unreadable(self, _: HttpResult | None, error: Exception) -> None:
        self.unread.append(error)


def load_client(base_url: str, watching: Watching, **options: Any) -> LoadClient:
    origin = HttpOrigin.parse(base_url)
    transport = LoadTransport(origin, lambda: HttpConnection(origin), watching)
    return LoadClient(transport, base_url=base_url, **options)


async def _stream(client: httpx.AsyncClient) -> httpx.Response:
    async with client.stream("GET", "/echo") as response:
        await response.aread()
        return response


async def _chunks() -> Any:
    yield b"one "
    yield b"two"


def _in_query(name: str, value: str) -> Ask:
    return lambda client: client.get("/echo", params={name: value})


CASES: dict[str, Ask] = {
    "get": lambda c: c.get("/echo/a?x=1"),
    "query": _in_query("q", "a b&ü"),
    "json": lambda c: c.post("/echo", json={"a": [1, None]}),
    "form": lambda c: c.put("/echo", data={"a": "1 2"}),
    "no body": lambda c: c.post("/echo"),
    "files": lambda c: c.post("/echo", files={"f": b"x"}, headers={"X-Only": "length"}),
    "head": lambda c: c.head("/echo"),
    "delete": lambda c: c.request("DELETE", "/echo", content=b"x"),
    "headers": lambda c: c.get("/echo", headers=[("X", "1"), ("X", "2")]),
    "gzip": lambda c: c.get("/packed"),
    "stream": _stream,
    "basic auth": lambda c: c.get("/echo", auth=("me", "secret")),
    "redirect": lambda c: c.post("/redirect/302?to=/echo/there"),
    "redirect 307": lambda c: c.post("/redirect/307?to=/echo/there", json=1),
    "redirect not followed": lambda c: c.get("/redirect/301?to=/echo", follow_redirects=False),
    "cookies set": lambda c: c.get("/login"),
    "own cookie": lambda c: c.get("/echo", headers={"Cookie": "a=1"}),
    "bad status": lambda c: c.get("/status/503"),
}


def told(response: httpx.Response) -> dict[str, Any]:
    """Give what must be equal, without what is random: the boundary of files and the date."""
    headers = [(k, v) for k, v in response.headers.multi_items() if k != "date"]
    body = response.content
    if b"boundary=" in body:
        body = b"a form with files"
        headers = [(k, v) for k, v in headers if k != "content-length"]
    return {
        "status": response.status_code,
        "headers": headers,
        "body": body,
        "text": response.text if body != b"a form with files" else "",
        "url": str(response.url),
        "method": response.request.method,
        "history": [redirect.status_code for redirect in response.history],
        "next": str(response.next_request and response.next_request.url),
        "closed": (response.is_closed, response.is_stream_consumed, response.is_success),
        "cookies": dict(response.cookies),
        "encoding": response.encoding,
    }


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_sent_and_answered_as_by_httpx_itself(shop: str, name: str) -> None:
    async def ask(client: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, str]]:
        async with client:
            await CASES[name](client)
            response = await CASES[name](client)  # made after the first one, where they are alike
            assert response.elapsed.total_seconds() > 0
            return told(response), dict(client.cookies)

    options: dict[str, Any] = {"follow_redirects": True, "headers": {"X-All": "1"}}
    plain = httpx.AsyncClient(base_url=shop, trust_env=False, **options)

    assert asyncio.run(ask(load_client(shop, Watching(), **options))) == asyncio.run(ask(plain))


def test_a_body_of_unknown_length_is_read_first_and_sent_with_its_length(shop: str) -> None:
    async def main() -> dict[str, Any]:
        async with load_client(shop, Watching()) as client:
            answer: dict[str, Any] = (await client.post("/echo", content=_chunks())).json()
            return answer

    seen = asyncio.run(main())

    assert (seen["body"], seen["headers"]["content-length"]) == ("one two", "7")
    assert "transfer-encoding" not in seen["headers"]


def test_cookies_of_an_answer_go_along_with_later_requests(shop: str) -> None:
    async def main() -> list[Any]:
        async with load_client(shop, Watching()) as client:
            before = await client.get("/echo")
            await client.get("/login")
            after = await client.get("/echo")
            return [before.json()["cookies"], after.json()["cookies"]]

    assert asyncio.run(main()) == [{}, {"session": "s-1"}]


def test_a_prefix_of_the_base_url_is_in_front_of_every_path(shop: str) -> None:
    async def main() -> str:
        origin = HttpOrigin.parse(shop)
        transport = LoadTransport(origin, lambda: HttpConnection(origin), Watching())
        async with LoadClient(transport, base_url=f"{shop}/echo") as client:
            return str((await client.get("/a")).json()["path"])

    assert asyncio.run(main()) == "/echo/a"


def test_a_redirect_away_from_the_target_is_not_followed_and_another_host_is_refused(
    shop: str,
) -> None:
    watching = Watching()

    async def main() -> int:
        async with load_client(shop, watching, follow_redirects=True) as client:
            away = await client.get("/redirect/302?to=http://192.0.2.1/")
            with pytest.raises(TargetNotAllowedError, match="http://192.0.2.1"):
                await client.get("http://192.0.2.1/")
            with pytest.raises(TargetNotAllowedError, match="nothing was sent"):
                await client.get(shop.replace("http:", "https:"))
            return away.status_code

    assert asyncio.run(main()) == 302
    assert [result.status for result in watching.results] == [302]


def test_each_request_is_told_with_its_stamps_and_connections_are_kept(target: HttpTarget) -> None:
    watching = Watching()
    before = target.connections

    async def main() -> None:
        async with load_client(target.base_url, watching) as client:
            for _ in range(3):
                await client.get("/ok")
            await asyncio.gather(*(client.get("/delay/30") for _ in range(2)))

    asyncio.run(main())

    assert [result.connected for result in watching.results[:3]] == [True, False, False]
    assert all(
        result.sent_ns < result.first_byte_ns <= result.ended_ns for result in watching.results
    )
    assert target.connections - before == 2


def test_a_cancelled_request_is_told_and_its_connection_is_not_used_again(
    target: HttpTarget,
) -> None:
    watching = Watching()

    async def main() -> None:
        async with load_client(target.base_url, watching) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get("/stall"), 0.1)
            await client.get("/ok")

    asyncio.run(main())

    (sent,) = watching.cut
    assert sent > 50
    assert [(result.status, result.connected) for result in watching.results] == [(200, True)]


@pytest.mark.parametrize(
    ("path", "error", "status"),
    [
        ("/ok", "", 200),
        ("/head", "", 200),
        ("/chunked", "", 200),
        ("/stall", "timeout", 0),
        ("/drip", "timeout", 200),
        ("/close", "closed", 0),
        ("/truncated", "truncated", 200),
        ("/reset", "reset", 0),
        ("/garbage", "protocol", 0),
    ],
)
def test_httpx_own_transport_carries_the_same_bytes_and_names_errors_alike(
    target: HttpTarget, path: str, error: str, status: int
) -> None:
    """A body that drips for 5 s under a timeout of 0.3 s is a timeout, too."""
    origin = HttpOrigin.parse(target.base_url)
    method = "HEAD" if path == "/head" else "GET"
    data = origin.encode(method, path, b"X-Mine: 1\r\n", b"")

    async def main() -> tuple[HttpResult, HttpResult]:
        connection = HttpxConnection(origin, None, http2=False)
        first = await connection.send(data, timeout_us=300_000, is_head=method == "HEAD")
        after = await connection.send(origin.encode("GET", "/ok", b"", b""), timeout_us=1_000_000)
        connection.close()
        await asyncio.sleep(0.05)
        return first, after

    first, after = asyncio.run(main())

    assert (first.error, first.status) == (error, status)
    assert (after.error, after.status) == ("", 200)
    assert first.bytes_out == len(data)


def test_httpx_own_transport_tells_a_refused_connection() -> None:
    origin = HttpOrigin.parse("http://127.0.0.1:9")

    async def main() -> HttpResult:
        connection = HttpxConnection(origin, None, http2=False)
        data = origin.encode("GET", "/", b"", b"")
        result = await connection.send(data, timeout_us=1_000_000)
        connection.close()
        await asyncio.sleep(0)
        return result

    assert asyncio.run(main()).error == "refused"


def test_how_long_a_streamed_answer_took_is_not_known_before_its_end(shop: str) -> None:
    async def ask() -> float:
        async with load_client(shop, Watching()) as client:
            async with client.stream("GET", "/echo") as response:
                with pytest.raises(RuntimeError):  # as of httpx's own
                    _ = response.elapsed
                await response.aread()
            return response.elapsed.total_seconds()

    assert asyncio.run(ask()) > 0
