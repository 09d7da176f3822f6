"""Bodies and values that a target makes up fail the sample of a Python scenario: no bug of ours."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from perf_pipeline.config.python_parameters import PythonParameters
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
from perf_pipeline_tests.support.servers.odd_bodies import BODIES, OddBodies, odd_bodies


@pytest.fixture
def odd() -> Iterator[str]:
    with odd_bodies() as base_url:
        yield base_url


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

    assert [sample.outcome for sample in python(odd, code).samples] == [Outcome.OK]


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
    assert " at test_odd_bodies_in_python.py:" in note
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


def test_failures_in_a_task_group_are_the_targets(odd: str) -> None:
    async def code(vu: VU) -> None:
        async def read(name: str) -> None:
            (await vu.client.get(name)).json()

        async with asyncio.TaskGroup() as group:
            group.create_task(read("/empty"))

    assert [sample.error for sample in python(odd, code).samples] == ["unreadable"]


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
    assert sample.bytes_in >= len(BODIES["gzip"][0])


def test_python_follows_as_steps_do_and_sends_its_own_cookie_beside_the_jars(odd: str) -> None:
    async def code(vu: VU) -> None:
        response = await vu.client.get("/moved", headers={"Cookie": "session=abc"})
        assert response.status_code == 200

    python(odd, code)
    moved = {"name": "moved", "path": "/moved", "headers": {"Cookie": "session=abc"}}
    run(HttpSteps(), own(odd, moved), an_iteration())

    asked = ["/moved session=abc", "/caf%C3%A9 session=abc; sid=1"]
    assert OddBodies.paths == [*asked, *asked]


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
