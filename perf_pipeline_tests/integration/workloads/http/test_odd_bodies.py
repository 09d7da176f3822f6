"""Bodies and values that a target makes up: a failed check or sample, never a bug of ours."""

import asyncio
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import brotli
import httpx
import pytest

from perf_pipeline.config.http_steps import PythonParameters
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.scenario import VU
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.python.redirects import following_of
from perf_pipeline.workloads.python.scenario import _VuRunner
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.http_worker import an_iteration, context, run
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.loads.own_steps import own

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DEEP = b"[" * 100_000 + b"]" * 100_000
ANSWERS: dict[str, tuple[bytes, dict[str, str]]] = {
    "gzip": (gzip.compress(b'{"id": 7}'), {"Content-Encoding": "gzip"}),
    "no-gzip": (b'{"id": 7}', {"Content-Encoding": "gzip"}),
    "bomb": (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}),
    "br": (brotli.compress(b'{"id": 7}'), {"Content-Encoding": "br"}),
    "zstd": (zstd.compress(b'{"id": 7}'), {"Content-Encoding": "zstd"}),
    "no-br": (b"x", {"Content-Encoding": "br"}),
    "no-coding": (b"x", {"Content-Encoding": "compress"}),
    "latin-1": ('{"id": "é"}'.encode("latin-1"), {"Content-Type": "text/json;charset=latin1"}),
    "bom": (b"\xef\xbb\xbf" + b'{"id": 7}', {}),
    "hex": (b'{"id": 7}', {"Content-Type": "text/plain; charset=hex"}),
    "surrogate": (b'{"id": "\\ud83d"}', {}),
    "nested-surrogate": (b'{"id": {"a": ["\\ud83d"]}}', {}),
    "nan": (b'{"id": NaN}', {}),
    "infinite": (b'{"id": 1e999}', {}),
    "digits": (b'{"id": ' + b"1" * 5_000 + b"}", {}),
    "deep": (b'{"id": ' + DEEP + b"}", {}),
    "not-utf-8": (b'{"id": "\xff"}', {}),
    "empty": (b"", {}),
    "list": (b"[]", {}),
    "null": (b"null", {}),
    "no-id": (b'{"error": "try later"}', {}),
    "text-id": (b'{"id": "seven"}', {}),
    "lines": (b'{"id": "a\\r\\nX-Injected: 1"}', {}),
    "cookie": (b'{"id": 7}', {"Set-Cookie": "a=1; Max-Age=--5; Expires=Fri, 01 Jan " + "9" * 20}),
}
WRONG = ["no-gzip", "bomb", "no-br", "no-coding", "nan", "digits", "deep", "not-utf-8", "empty"]
UNWRITABLE = ["surrogate", "nested-surrogate", "infinite"]


class _Odd(BaseHTTPRequestHandler):
    """Answer /NAME as the table says, everything else with what was asked."""

    protocol_version = "HTTP/1.1"
    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer."""
        name = self.path.removeprefix("/")
        self.paths.append(f"{self.path} {self.headers.get('Cookie', '')}".strip())
        body, headers = ANSWERS.get(name, (b"{}", {}))
        if name == "moved":
            self.send_response(302)
            headers = {"Location": "/café".encode().decode("latin-1"), "Set-Cookie": "sid=1"}
        else:
            self.send_response(200)
        for pair in headers.items():
            self.send_header(*pair)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def odd() -> Iterator[str]:
    _Odd.paths.clear()
    with _running(_Odd) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def steps(base_url: str, name: str, **more: Any) -> MemoryRecorder:
    first = {"name": "first", "path": f"/{name}", "save": {"id": "$.id"}}
    second = {"name": "second", "path": "/second/${id}", "query": {"a": "${id}"}}
    return run(HttpSteps(), own(base_url, first, second, **more), an_iteration())


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "bom", "latin-1", "hex", "cookie"])
def test_steps_read_what_can_be_read(odd: str, name: str) -> None:
    recorder = steps(odd, name)

    assert [one.operation for one in recorder.samples] == ["first", "second"]
    assert (recorder.samples[0].checks_passed, recorder.samples[0].checks_failed) == (1, 0)
    value = "%C3%A9" if name == "latin-1" else "7"
    assert _Odd.paths[-1].startswith(f"/second/{value}?a={value}")


@pytest.mark.parametrize("name", WRONG + UNWRITABLE)
def test_what_a_step_can_not_save_fails_its_check_and_ends_the_iteration(
    odd: str, name: str
) -> None:
    recorder = steps(odd, name)

    (sample,) = recorder.samples
    assert (sample.outcome, sample.checks_passed, sample.checks_failed) == (Outcome.OK, 0, 1)


def test_a_body_that_can_not_be_read_is_told_once_by_its_reason(odd: str) -> None:
    what = "what first expects or saves of its response failed: its body"

    assert steps(odd, "no-gzip").notes[0].startswith(f"{what} is no gzip: ")
    assert steps(odd, "gzip", keptBodyBytes=8).notes == [
        f"{what} has more than 8 bytes, which are kept (keptBodyBytes)"
    ]
    assert steps(odd, "gzip").notes == []


def test_bytes_of_a_compressed_body_are_those_on_the_wire(odd: str) -> None:
    (sample, _) = steps(odd, "gzip").samples

    body = len(ANSWERS["gzip"][0])
    assert body < sample.bytes_in < body + 300  # and the head


def python(base_url: str, code: Callable[[VU], Any], **more: Any) -> MemoryRecorder:
    """Run one iteration of a Python scenario; what it raises comes out."""
    return doubted(base_url, code, **more)[0]


def doubted(
    base_url: str, code: Callable[[VU], Any], **more: Any
) -> tuple[MemoryRecorder, Iteration]:
    """Run one iteration of a Python scenario; give what was recorded, and the iteration."""
    iteration = an_iteration()

    async def main() -> MemoryRecorder:
        parameters = PythonParameters.model_validate(more)
        runner = _VuRunner(lambda: code, (), parameters)
        own_table = parameters.model_dump(mode="json", by_alias=True)
        given = context(base_url, own=own_table, folder=".")
        await runner.open(given)
        try:
            await runner.iterate(iteration)
        finally:
            await runner.close()
            await asyncio.sleep(0.01)  # httpx closes in a task of its own
        assert isinstance(given.recorder, MemoryRecorder)
        return given.recorder

    return asyncio.run(main()), iteration


@pytest.mark.parametrize("transport", ["load", "httpx"])
@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "bom", "cookie"])
def test_python_reads_what_can_be_read(odd: str, name: str, transport: str) -> None:
    seen: list[Any] = []

    async def code(vu: VU) -> None:
        response = await vu.client.get(f"/{name}")
        seen.extend([response.json(), response.text, len(response.content), response.cookies])

    python(odd, code, transport=transport)

    assert seen[0] == {"id": 7}
    assert json.loads(seen[1].removeprefix("\ufeff")) == {"id": 7}


@pytest.mark.parametrize("transport", ["load", "httpx"])
@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "cookie"])
def test_python_streams_a_body_without_its_coding(odd: str, name: str, transport: str) -> None:
    seen: list[bytes] = []

    async def code(vu: VU) -> None:
        async with vu.client.stream("GET", f"/{name}") as response:
            seen.extend([piece async for piece in response.aiter_bytes(4)])
        async with vu.client.stream("GET", f"/{name}") as response:
            seen.extend([line.encode() async for line in response.aiter_lines()])
        read = await vu.client.get(f"/{name}")
        seen.extend(read.iter_bytes())

    python(odd, code, transport=transport)

    assert seen == [b'{"id', b'": 7', b"}", b'{"id": 7}', b'{"id": 7}']


@pytest.mark.parametrize(
    "name", ["no-gzip", "bomb", "no-br", "no-coding", "digits", "deep", "empty"]
)
def test_what_python_can_not_read_fails_its_sample(odd: str, name: str) -> None:
    async def code(vu: VU) -> None:
        response = await vu.client.get(f"/{name}")
        response.json()

    recorder = python(odd, code)

    (sample,) = recorder.samples
    assert (sample.outcome, sample.error) == (Outcome.FAILED, "unreadable")
    assert len(recorder.notes) == 1


def test_an_exception_that_python_answers_itself_fails_nothing(odd: str) -> None:
    async def code(vu: VU) -> None:
        response = await vu.client.get("/empty")
        with pytest.raises(json.JSONDecodeError):
            response.json()

    assert [one.outcome for one in python(odd, code).samples] == [Outcome.OK]


def test_an_exception_of_the_authors_own_is_no_targets(odd: str) -> None:
    async def code(vu: VU) -> None:
        await vu.client.get("/empty")
        json.loads("")

    with pytest.raises(json.JSONDecodeError):
        python(odd, code)


def test_values_of_answers_that_no_request_can_hold_fail_the_sample(odd: str) -> None:
    async def code(vu: VU) -> None:
        value = (await vu.client.get("/surrogate")).json()["id"]
        await vu.client.get(f"/user/{value}")

    (sample,) = python(odd, code).samples

    assert (sample.outcome, sample.error) == (Outcome.FAILED, "unreadable")


@pytest.mark.parametrize(
    ("name", "use", "told"),
    [
        ("no-id", lambda body: body["id"], "KeyError: 'id'"),
        ("list", lambda body: body["id"], "TypeError: list indices must be integers or slices"),
        ("list", lambda body: body[0], "IndexError: list index out of range"),
        ("null", lambda body: body["id"], "TypeError: 'NoneType' object is not subscriptable"),
        ("text-id", lambda body: int(body["id"]), "ValueError: invalid literal for int()"),
        ("list", lambda body: 1 / len(body), "ZeroDivisionError: division by zero"),
        ("list", lambda body: body.items(), "AttributeError: 'list' object has no attribute"),
    ],
)
@pytest.mark.parametrize("transport", ["load", "httpx"])
def test_a_body_that_breaks_the_code_is_the_targets_and_told_with_place_and_status(
    odd: str, name: str, use: Callable[[Any], object], told: str, transport: str
) -> None:
    async def code(vu: VU) -> None:
        await vu.client.get("/gzip", extensions={"name": "before"})
        body = (await vu.client.get(f"/{name}", extensions={"name": "read"})).json()
        use(body)

    recorder, iteration = doubted(odd, code, transport=transport)

    before, broken = recorder.samples
    assert (before.outcome, before.error) == (Outcome.OK, "")
    assert (broken.outcome, broken.error, broken.status) == (
        Outcome.FAILED,
        "unexpected_body",
        200,
    )
    (note,) = recorder.notes
    assert note.startswith(f"read (200): response body was not what the scenario expected: {told}")
    assert " at test_odd_bodies.py:" in note
    assert iteration.doubt == note
    assert not iteration.is_through


def test_an_exception_without_a_look_at_any_body_is_the_authors(odd: str) -> None:
    async def code(vu: VU) -> None:
        await vu.client.get("/gzip")
        _ = vu.state["never written"]

    with pytest.raises(KeyError):
        python(odd, code)


def test_an_exception_that_no_data_causes_is_the_authors(odd: str) -> None:
    async def code(vu: VU) -> None:
        (await vu.client.get("/gzip")).json()
        vu.check("undeclared", ok=True)

    with pytest.raises(ValueError, match="is not declared"):
        python(odd, code)


def test_names_that_a_target_makes_up_are_short_and_printable(odd: str) -> None:
    async def code(vu: VU) -> None:
        await vu.client.get("/gzip", extensions={"name": "a\x00b\ud800" + "c" * 5_000})

    (sample,) = python(odd, code).samples

    assert sample.operation == r"a\x00b\ud800" + "c" * 196 + "..."


def test_a_step_that_saves_what_no_header_can_hold_leaves_the_rest_out(odd: str) -> None:
    first = {"name": "first", "path": "/lines", "save": {"id": "$.id"}}
    second = {"name": "second", "path": "/second", "headers": {"X-Id": "${id}"}}
    iteration = an_iteration()

    (sample,) = run(HttpSteps(), own(odd, first, second), iteration).samples

    assert (sample.outcome, sample.checks_failed) == (Outcome.OK, 1)
    assert (iteration.is_through, iteration.is_incomplete) == (False, True)
    assert not any("second" in path for path in _Odd.paths)


def test_a_value_with_line_ends_is_encoded_in_paths_and_bodies(odd: str) -> None:
    first = {"name": "first", "path": "/lines", "save": {"id": "$.id"}}
    second = {"name": "second", "path": "/second/${id}", "query": {"a": "${id}"}}
    iteration = an_iteration()

    samples = run(HttpSteps(), own(odd, first, second), iteration).samples

    assert len(samples) == 2
    assert "\r" not in _Odd.paths[-1]
    assert _Odd.paths[-1].startswith("/second/a%0D%0AX-Injected%3A%201?a=a%0D%0AX")
    assert iteration.is_through


def test_failures_in_a_task_group_are_the_targets(odd: str) -> None:
    async def code(vu: VU) -> None:
        async def read(name: str) -> None:
            (await vu.client.get(name)).json()

        async with asyncio.TaskGroup() as group:
            group.create_task(read("/empty"))

    assert [one.error for one in python(odd, code).samples] == ["unreadable"]


@pytest.mark.parametrize("transport", ["load", "httpx"])
def test_a_body_that_is_too_large_to_keep_is_counted_and_not_given(
    odd: str, transport: str
) -> None:
    async def code(vu: VU) -> None:
        response = await vu.client.get("/gzip")
        assert response.status_code == 200
        with pytest.raises(httpx.DecodingError, match="more than 8 bytes"):
            _ = response.content

    (sample,) = python(odd, code, transport=transport, keptBodyBytes=8).samples

    assert sample.outcome is Outcome.OK
    assert sample.bytes_in >= len(ANSWERS["gzip"][0])


def test_python_follows_as_steps_do_and_sends_its_own_cookie_beside_the_jars(odd: str) -> None:
    async def code(vu: VU) -> None:
        response = await vu.client.get("/moved", headers={"Cookie": "session=abc"})
        assert response.status_code == 200

    python(odd, code)
    moved = {"name": "moved", "path": "/moved", "headers": {"Cookie": "session=abc"}}
    run(HttpSteps(), own(odd, moved), an_iteration())

    asked = ["/moved session=abc", "/caf%C3%A9 session=abc; sid=1"]
    assert _Odd.paths == [*asked, *asked]


def test_python_drops_what_was_about_a_body_that_is_not_sent_again(odd: str) -> None:
    async def code(vu: VU) -> None:
        first = await vu.client.get("/moved", follow_redirects=False)
        assert first.next_request is not None
        request = vu.client.build_request("POST", "/moved", json=1, headers={"X-A": "1"})
        result = first.extensions["result"]
        following = following_of(request, result, HttpOrigin.parse(odd))
        assert following is not None
        assert (following.method, following.url.path) == ("GET", "/café")
        assert "content-type" not in following.headers
        assert following.headers["x-a"] == "1"

    python(odd, code)
