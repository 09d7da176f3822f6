"""Requests that are made after an earlier one; httpx's own are the oracle."""

from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.python.alike_requests import AlikeRequest
from perf_pipeline.workloads.python.load_client import LoadClient
from perf_pipeline.workloads.python.request_bytes import written
from perf_pipeline.workloads.python.transport import LoadTransport

BASE: Final = "http://127.0.0.1:8000"


class Unasked:
    """Observe nothing: no request is sent."""

    def completed(self, *_: object) -> None: ...

    def interrupted(self, *_: object) -> None: ...

    def looked_at(self, _: object) -> None: ...

    def unreadable(self, *_: object) -> None: ...


def client(**options: Any) -> LoadClient:
    origin = HttpOrigin.parse(BASE)
    transport = LoadTransport(origin, lambda: HttpConnection(origin), Unasked())
    return LoadClient(transport, **{"base_url": BASE, **options})


def plain(**options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, **{"base_url": BASE, **options})


def written_at_once(request: httpx.Request) -> bytes:
    """Give its bytes; a body that is there is not waited for."""
    try:
        written(request).send(None)
    except StopIteration as end:
        return bytes(end.value)
    raise AssertionError("it waited")


def made(request: httpx.Request) -> tuple[Any, ...]:
    """Give all that a request tells, and its bytes."""
    told = (request.method, request.url, request.headers.raw, request.content, request.extensions)
    return (*told, written_at_once(request))


JSON: Final[tuple[Any, ...]] = (
    {"a": 1},
    {"ü": [None, True, 1.5, "\u2028"], "b": {}},
    {},
    [],
    0,
    "",
    False,
    "x" * 2_000,
)


@pytest.mark.parametrize("method", ["POST", "post", "PUT", "PATCH", "GET", "DELETE", "HEAD"])
def test_it_is_the_request_that_httpx_makes(method: str) -> None:
    ours, theirs = client(headers={"X-All": "1"}), plain(headers={"X-All": "1"})
    paths = ("/user", "/user?x=1&y=a b", "/ü/{id}", "/a/../b", "/user")
    kinds: list[type[httpx.Request]] = []

    for value in (None, *JSON):
        for path in paths:
            extensions = {"name": "it", "expect": {200}}
            request = ours.build_request(method, path, json=value, extensions=extensions)
            expected = theirs.build_request(method, path, json=value, extensions=extensions)
            kinds.append(type(request))
            assert made(request) == made(expected)
            if isinstance(request, AlikeRequest):
                assert request.written() == written_at_once(expected)

    # The first one with JSON, and the first one without, are httpx's own.
    assert kinds.count(httpx.Request) == 2
    assert kinds.count(AlikeRequest) == 9 * 5 - 2


CHANGES: Final[dict[str, Callable[[httpx.Request], object]]] = {
    "a header": lambda request: request.headers.update({"X": "1"}),
    "its length": lambda request: request.headers.update({"Content-Length": "1"}),
    "one header less": lambda request: request.headers.pop("accept"),
    "its method": lambda request: setattr(request, "method", "PUT"),
    "its URL": lambda request: setattr(request, "url", httpx.URL(f"{BASE}/other")),
    "its headers": lambda request: setattr(request, "headers", httpx.Headers({"A": "b"})),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_since_is_written_anew(name: str) -> None:
    ours, theirs = client(), plain()
    ours.build_request("POST", "/user", json={"a": 1})
    request = ours.build_request("POST", "/user", json={"a": 2})
    expected = theirs.build_request("POST", "/user", json={"a": 2})
    assert isinstance(request, AlikeRequest)

    for changed in (request, expected):
        CHANGES[name](changed)

    assert request.written() is None
    assert made(request) == made(expected)
    # and nothing of it is seen in the next one
    later = ours.build_request("POST", "/user", json={"a": 2})
    assert made(later) == made(theirs.build_request("POST", "/user", json={"a": 2}))


def test_what_the_client_sends_with_every_request_may_change() -> None:
    ours, theirs = client(), plain()

    def alike() -> bool:
        request = ours.build_request("POST", "/user", json=1)
        assert made(request) == made(theirs.build_request("POST", "/user", json=1))
        return isinstance(request, AlikeRequest)

    seen = [alike(), alike()]
    for asking in (ours, theirs):
        asking.headers["Authorization"] = "Bearer x"
    seen += [alike(), alike()]
    for asking in (ours, theirs):
        asking.timeout = httpx.Timeout(3)
    seen.append(alike())
    for asking in (ours, theirs):
        asking.params = httpx.QueryParams({"q": "1"})
    seen += [alike(), alike()]
    for asking in (ours, theirs):
        asking.params = httpx.QueryParams()
        asking.headers["Content-Length"] = "7"  # which is not that of any body
    seen += [alike(), alike()]

    assert seen == [False, True, False, True, True, False, False, False, False]


@pytest.mark.parametrize(
    "options",
    [
        {"content": b"x"},
        {"data": {"a": "1"}},
        {"params": {"a": "1"}},
        {"headers": {"X": "1"}},
        {"headers": {"Transfer-Encoding": "chunked"}, "json": 1},
        {"timeout": 3, "json": 1},
    ],
    ids=str,
)
def test_all_else_is_left_to_httpx(options: dict[str, Any]) -> None:
    ours, theirs = client(), plain()
    for value in (None, 1):
        ours.build_request("POST", "/user", json=value)

    request = ours.build_request("POST", "/user", **options)

    assert type(request) is httpx.Request
    assert made(request) == made(theirs.build_request("POST", "/user", **options))


def test_only_paths_on_the_target_are_made_here() -> None:
    ours = client()
    ours.build_request("GET", "/user")

    for url in (f"{BASE}/user", "user", httpx.URL("/user")):
        assert type(ours.build_request("GET", url)) is httpx.Request
    assert type(ours.build_request("GET", "/user")) is AlikeRequest


def test_what_no_json_can_hold_is_refused_as_by_httpx() -> None:
    ours = client()
    ours.build_request("POST", "/user", json=1)

    for value, error in ((float("nan"), ValueError), ({1, 2}, TypeError), ("\ud800", ValueError)):
        with pytest.raises(error) as theirs:
            plain().build_request("POST", "/user", json=value)
        with pytest.raises(error) as raised:
            ours.build_request("POST", "/user", json=value)
        assert str(raised.value) == str(theirs.value)
