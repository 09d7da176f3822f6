"""HTTP steps on real servers: what comes back, is checked, followed and recorded."""

import asyncio
from typing import Any

import pytest

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.http_worker import INTENDED_US, an_iteration, run
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.loads.own_steps import Table, echo, own, summary, told
from perf_pipeline_tests.support.servers.http_target import HttpTarget


def test_each_check_answers_with_its_own_bit(shop: str) -> None:
    step = {
        "name": "login",
        "path": "/login",
        "expect": {
            "status": [201, 202],  # bit 0: wrong, it is 200
            "duration": "5s",  # bit 1: right
            "json": {
                "$.user.id": 7,  # bit 2: right
                "$.ok": 1,  # bit 3: wrong, JSON's true is no 1
                "$.user.tags[-1]": "b",  # bit 4: right
                "$.user.tags[2]": "exists",  # bit 5: wrong
                "$.user": {"id": 7, "tags": ["a", "b"]},  # bit 6: right
            },
        },
        "save": {"id": "$.user.id", "no": "$.nothing"},  # bit 7 right, bit 8 wrong
    }

    (sample,) = run(HttpSteps(), own(shop, step), an_iteration()).samples

    assert (sample.outcome, sample.error) == (Outcome.FAILED, "status")
    assert (sample.checks_passed, sample.checks_failed) == (0b0_1101_0110, 0b1_0010_1001)


def test_without_an_expectation_200_to_399_are_right_as_in_k6(shop: str) -> None:
    steps = [{"name": f"{code}", "path": f"/status/{code}"} for code in (200, 399, 400, 503)]

    samples = run(HttpSteps(), own(shop, *steps), an_iteration()).samples

    outcomes = [sample.outcome for sample in samples]
    assert outcomes == [Outcome.OK, Outcome.OK, Outcome.FAILED, Outcome.FAILED]
    assert {sample.checks_passed | sample.checks_failed for sample in samples} == {0}


def test_an_iteration_ends_where_a_value_for_later_steps_is_missing(shop: str) -> None:
    steps = (
        {"name": "first", "path": "/status/500"},
        {"name": "second", "path": "/login", "save": {"id": "$.user.name"}},
        echo(path="/echo/${id}"),
    )

    recorder = run(HttpSteps(), own(shop, *steps), an_iteration(), an_iteration(number=1))

    assert [sample.operation for sample in recorder.samples] == ["first", "second"] * 2
    assert [sample.checks_failed for sample in recorder.samples] == [0, 1] * 2


def test_what_a_header_cannot_carry_is_not_saved_for_one(target: HttpTarget) -> None:
    steps = (
        {
            "name": "first",
            "method": "POST",
            "path": "/echo",
            "json": {"x": "a\r\nInjected: 1"},
            "save": {"x": "$.x"},
        },
        {"name": "second", "path": "/echo", "headers": {"X": "${x}"}},
    )

    samples = run(HttpSteps(), own(target.base_url, *steps), an_iteration()).samples

    assert [(sample.operation, sample.checks_failed) for sample in samples] == [("first", 1)]


def test_a_failure_of_the_target_is_a_sample_with_its_class_and_failed_checks(
    target: HttpTarget,
) -> None:
    step = {"name": "a", "expect": {"status": 200, "json": {"$.ok": True}}}
    steps = [
        {**step, "path": "/ok"},
        {**step, "name": "b", "path": "/truncated"},
        {**step, "name": "c", "path": "/stall", "timeout": "200ms"},
        {**step, "name": "d", "path": "/garbage"},
    ]

    samples = run(HttpSteps(), own(target.base_url, *steps), an_iteration()).samples

    assert [(sample.outcome, sample.error) for sample in samples] == [
        (Outcome.OK, ""),
        (Outcome.FAILED, "truncated"),
        (Outcome.TIMEOUT, "timeout"),
        (Outcome.FAILED, "protocol"),
    ]
    assert [sample.checks_failed for sample in samples] == [0, 0b11, 0b11, 0b11]


def test_later_steps_are_intended_when_the_one_before_and_its_think_time_are_over(
    shop: str,
) -> None:
    steps = (
        {"name": "a", "path": "/delay/50", "thinkTime": "100ms"},
        {"name": "b", "path": "/status/200"},
        {"name": "c", "path": "/status/200"},
    )

    a, b, c = run(HttpSteps(), own(shop, *steps), an_iteration()).samples

    assert a.intended_us == INTENDED_US
    assert a.ended_us - a.started_us >= 50_000
    assert b.intended_us == a.ended_us + 100_000 <= b.started_us
    assert c.intended_us == b.ended_us <= c.started_us


def test_cookies_come_back_within_an_iteration_and_are_forgotten_after_it(shop: str) -> None:
    login: Table = {"name": "login", "path": "/login"}
    look: Table = {"expect": {"json": {"$.cookies": {}}}}
    steps = (
        echo(name="before", **look),
        login,
        echo(name="in", expect={"json": {"$.cookies": {"session": "s-1"}}}),
        {"name": "logout", "path": "/logout"},
        echo(name="out", **look),
        {**login, "name": "again"},
    )

    samples = run(HttpSteps(), own(shop, *steps), an_iteration(), an_iteration(number=1)).samples
    kept = run(
        HttpSteps(), own(shop, *steps, keepCookies=True), an_iteration(), an_iteration(number=1)
    ).samples

    assert [sample.checks_failed for sample in samples] == [0] * 12
    assert [sample.checks_failed for sample in kept] == [0] * 6 + [1] + [0] * 5


@pytest.mark.parametrize(
    ("method", "status", "arrives"),
    [
        ("GET", 301, "GET /echo/there?a=1"),
        ("POST", 302, "GET /echo/there?a=1"),
        ("POST", 303, "GET /echo/there?a=1"),
        ("POST", 307, "POST /echo/there?a=1"),
        ("PUT", 308, "PUT /echo/there?a=1"),
    ],
)
def test_a_redirect_is_followed_and_each_hop_is_a_request(
    shop: str, method: str, status: int, arrives: str
) -> None:
    told(shop)
    keeps = arrives.startswith(method) and method != "GET"
    step = {
        "name": "go",
        "method": method,
        "path": f"/redirect/{status}?to=/echo/there%3Fa=1",
        **({"json": {"a": 1}} if method != "GET" else {}),
        "expect": {"status": 200, "json": {"$.body": '{"a":1}' if keeps else ""}},
    }

    hop, final = run(HttpSteps(), own(shop, step), an_iteration()).samples

    assert told(shop) == [f"{method} /redirect/{status}?to=/echo/there%3Fa=1", arrives]
    assert summary([hop, final]) == [("go", Outcome.OK, status), ("go", Outcome.OK, 200)]
    assert (hop.checks_passed, hop.checks_failed) == (0, 0)
    assert (final.checks_passed, final.checks_failed) == (0b11, 0)
    assert final.intended_us == hop.ended_us


def test_redirects_end_at_their_limit_at_other_origins_and_where_they_are_expected(
    shop: str,
) -> None:
    step = {"name": "go", "path": "/loop"}
    away = {"name": "go", "path": "/redirect/302?to=http://192.0.2.1/"}
    expected = {"name": "go", "path": "/loop", "expect": {"status": 302}}

    def statuses(step: Table, **more: Any) -> list[int]:
        return [s.status for s in run(HttpSteps(), own(shop, step, **more), an_iteration()).samples]

    assert statuses(step) == [302] * 11
    assert statuses(step, redirects=2) == [302] * 3
    assert statuses(step, redirects=0) == [302]
    assert statuses(away) == [302]
    assert statuses(expected) == [302]


def test_a_request_that_is_cut_off_is_recorded_as_interrupted(target: HttpTarget) -> None:
    given = own(target.base_url, {"name": "a", "path": "/stall"})

    async def cut() -> None:
        workload = HttpSteps()
        await workload.open(given)
        task = asyncio.create_task(workload.iterate(an_iteration()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await workload.close()

    asyncio.run(cut())

    assert isinstance(given.recorder, MemoryRecorder)
    (sample,) = given.recorder.samples
    assert (sample.operation, sample.outcome, sample.status) == ("a", Outcome.INTERRUPTED, 0)
    assert sample.ended_us - sample.started_us > 50_000
    assert sample.bytes_out > 50


def test_a_target_that_is_down_is_told_before_the_load() -> None:
    with pytest.raises(TargetUnavailableError, match="accepts no connection: refused"):
        run(HttpSteps(), own("http://127.0.0.1:9", {"name": "a", "path": "/"}))
