"""Bodies and values that a target makes up fail the check of an HTTP step: no bug of ours."""

from collections.abc import Iterator
from typing import Any

import pytest

from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.http_worker import an_iteration, run
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.loads.own_steps import own
from perf_pipeline_tests.support.servers.odd_bodies import BODIES, OddBodies, odd_bodies

WRONG = ["no-gzip", "bomb", "no-br", "no-coding", "nan", "digits", "deep", "not-utf-8", "empty"]
UNWRITABLE = ["surrogate", "nested-surrogate", "infinite"]


@pytest.fixture
def odd() -> Iterator[str]:
    with odd_bodies() as base_url:
        yield base_url


def steps(base_url: str, name: str, **more: Any) -> MemoryRecorder:
    first = {"name": "first", "path": f"/{name}", "save": {"id": "$.id"}}
    second = {"name": "second", "path": "/second/${id}", "query": {"a": "${id}"}}
    return run(HttpSteps(), own(base_url, first, second, **more), an_iteration())


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "bom", "latin-1", "hex", "cookie"])
def test_steps_read_what_can_be_read(odd: str, name: str) -> None:
    recorder = steps(odd, name)

    assert [sample.operation for sample in recorder.samples] == ["first", "second"]
    assert (recorder.samples[0].checks_passed, recorder.samples[0].checks_failed) == (1, 0)
    value = "%C3%A9" if name == "latin-1" else "7"
    assert OddBodies.paths[-1].startswith(f"/second/{value}?a={value}")


@pytest.mark.parametrize("name", WRONG + UNWRITABLE)
def test_what_a_step_can_not_save_fails_its_check_and_ends_the_iteration(
    odd: str, name: str
) -> None:
    recorder = steps(odd, name)

    (sample,) = recorder.samples
    assert (sample.outcome, sample.checks_passed, sample.checks_failed) == (Outcome.OK, 0, 1)


def test_a_body_that_can_not_be_read_is_told_once_by_its_reason(odd: str) -> None:
    what = "what first expects or saves of its response failed: its body"

    assert steps(odd, "no-gzip").notes[0].startswith(f"{what} is not gzip: ")
    assert steps(odd, "gzip", keptBodyBytes=8).notes == [
        f"{what} has more than 8 bytes, which is all that is kept (keptBodyBytes)"
    ]
    assert steps(odd, "gzip").notes == []


def test_bytes_of_a_compressed_body_are_those_on_the_wire(odd: str) -> None:
    (sample, _) = steps(odd, "gzip").samples

    body = len(BODIES["gzip"][0])
    assert body < sample.bytes_in < body + 300  # and the head


def test_a_step_that_saves_what_no_header_can_hold_leaves_the_rest_out(odd: str) -> None:
    first = {"name": "first", "path": "/lines", "save": {"id": "$.id"}}
    second = {"name": "second", "path": "/second", "headers": {"X-Id": "${id}"}}
    iteration = an_iteration()

    (sample,) = run(HttpSteps(), own(odd, first, second), iteration).samples

    assert (sample.outcome, sample.checks_failed) == (Outcome.OK, 1)
    assert (iteration.is_through, iteration.is_incomplete) == (False, True)
    assert not any("second" in path for path in OddBodies.paths)


def test_a_value_with_line_ends_is_encoded_in_paths_and_bodies(odd: str) -> None:
    first = {"name": "first", "path": "/lines", "save": {"id": "$.id"}}
    second = {"name": "second", "path": "/second/${id}", "query": {"a": "${id}"}}
    iteration = an_iteration()

    samples = run(HttpSteps(), own(odd, first, second), iteration).samples

    assert len(samples) == 2
    assert "\r" not in OddBodies.paths[-1]
    assert OddBodies.paths[-1].startswith("/second/a%0D%0AX-Injected%3A%201?a=a%0D%0AX")
    assert iteration.is_through
