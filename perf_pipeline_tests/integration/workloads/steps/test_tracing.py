"""Requests carry `traceparent` where a scenario asks for it, and only there."""

import re
from typing import Any

from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.metrics.trace_ids import trace_id
from perf_pipeline.workloads.python.scenario import PythonScenario
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.http_worker import an_iteration, context, run
from perf_pipeline_tests.support.loads.own_flows import __file__ as flows
from perf_pipeline_tests.support.loads.own_steps import own
from perf_pipeline_tests.support.servers.http_target import HttpTarget

# W3C Trace Context, 3.2.2: version, trace-id, parent-id and flags, neither of the ids zero.
HEADER = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-(0[01])")
OK = {"name": "ok", "path": "/ok"}
POSTED = {"name": "echo", "method": "POST", "path": "/echo", "json": {"vu": "${vu}"}}


def sent(target: HttpTarget, *iterations: Any, **more: Any) -> list[tuple[str, ...]]:
    """Give trace, span and flags of each request that arrived."""
    target.requests.clear()
    run(HttpSteps(), own(target.base_url, OK, POSTED, **more), *iterations)
    return parts(target)


def parts(target: HttpTarget) -> list[tuple[str, ...]]:
    found = [HEADER.fullmatch(request.headers["traceparent"]) for request in target.requests]
    return [match.groups() for match in found if match]


def test_the_requests_of_an_iteration_are_spans_of_one_trace(target: HttpTarget) -> None:
    found = sent(target, an_iteration(3, 4), an_iteration(3, 5), an_iteration(8, 4), trace=True)

    assert len(found) == 6
    expected = [trace_id("r1", "s", *who) for who in ((3, 4), (3, 5), (8, 4)) for _ in range(2)]
    assert [trace for trace, *_ in found] == expected
    assert len({span for _, span, _ in found}) == 6
    assert {flags for *_, flags in found} == {"01"}
    assert [request.headers["content-length"] for request in target.requests[1::2]] == ["8"] * 3


def test_only_a_share_is_marked_as_sampled(target: HttpTarget) -> None:
    iterations = [an_iteration(1, number) for number in range(40)]

    found = sent(target, *iterations, trace=True, traceRatio=0.5)

    marked = {trace: flags for trace, _, flags in found}
    assert len(marked) == 40
    assert set(marked.values()) == {"00", "01"}  # all alike: once in 2**39


def test_without_it_no_request_carries_the_header(target: HttpTarget) -> None:
    target.requests.clear()
    run(HttpSteps(), own(target.base_url, OK, POSTED), an_iteration())

    assert all("traceparent" not in request.headers for request in target.requests)


def test_a_header_of_the_profile_is_replaced_so_that_reports_name_the_right_trace(
    target: HttpTarget,
) -> None:
    target.requests.clear()
    own_header = {"Traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}
    run(HttpSteps(), own(target.base_url, OK, headers=own_header, trace=True), an_iteration(1, 0))

    [(trace, _, _)] = parts(target)
    assert trace == trace_id("r1", "s", 1, 0)


def test_a_scenario_in_python_sends_it_as_well(target: HttpTarget) -> None:
    target.requests.clear()
    parameters = PythonParameters.model_validate({"trace": True}).model_dump(
        mode="json", by_alias=True
    )
    where: dict[str, Any] = {
        "exec": "own_flows:at_once",
        "folder": flows.rpartition("/")[0],
        "own": parameters,
    }
    run(PythonScenario(), context(target.base_url, **where), an_iteration(2, 7))

    found = parts(target)
    assert len(target.requests) == 3  # at once, each with a span of its own
    assert len({span for _, span, _ in found}) == 3
    assert {trace for trace, *_ in found} == {trace_id("r1", "s", 2, 7)}
