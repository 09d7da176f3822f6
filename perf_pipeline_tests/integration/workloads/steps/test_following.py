"""Iterations of HTTP steps that follow one another, driven by the engine on a real server."""

from collections import Counter
from itertools import pairwise
from typing import Any, Final

from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.metrics.sample import IterationRecord, Outcome, Sample
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.driven import LOOPING, driven
from perf_pipeline_tests.support.loads.own_steps import echo, own
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import IterationsToo

SIX: Final = {"executor": "per-vu-iterations", "vus": 2, "iterations": 6}


def load(context: WorkerContext, **how: Any) -> IterationsToo:
    """Run steps six times with each of two VUs."""
    return driven(HttpSteps(), dict(context.parameters), "", **{"plan": SIX, **how})


def of_vu(recorder: IterationsToo, vu: int) -> list[tuple[IterationRecord, list[Sample]]]:
    """Give each iteration of a VU with its samples, in order."""
    return [
        (
            record,
            [s for s in recorder.samples if (s.vu, s.iteration) == (vu, record.iteration)],
        )
        for record in recorder.iterations
        if record.vu == vu
    ]


def test_each_iteration_is_its_own_with_nothing_of_the_one_before(shop: str) -> None:
    login = {
        "name": "login",
        "method": "POST",
        "path": "/login",
        "expect": {"status": 200},
        "save": {"token": "$.token"},
    }
    number = {"$.path": "/echo/${iteration}"}
    first = echo(path="/echo/${iteration}", expect={"json": {**number, "$.cookies": {}}})
    then = echo(name="in", path="/echo/${iteration}", expect={"json": number})

    recorder = load(own(shop, first, login, then))

    for vu in (1, 2):
        found = of_vu(recorder, vu)
        assert [record.iteration for record, _ in found] == list(range(6))
        for record, samples in found:
            assert [sample.operation for sample in samples] == ["echo", "login", "in"]
            assert {(sample.outcome, sample.checks_failed) for sample in samples} == {
                (Outcome.OK, 0)
            }
            assert record.outcome is Outcome.OK
            assert record.intended_us == samples[0].intended_us
            assert record.started_us <= samples[0].started_us
            assert samples[-1].ended_us <= record.ended_us
            for before, after in pairwise(samples):
                assert after.intended_us == before.ended_us
        for (before_it, _), (after_it, _) in pairwise(found):
            assert after_it.intended_us == before_it.ended_us


def test_an_iteration_without_its_value_fails_alone(shop: str) -> None:
    step = echo(path="/echo", save={"value": "$.none"})

    recorder = load(own(shop, step, echo(name="never")))

    for vu in (1, 2):
        found = of_vu(recorder, vu)
        assert [record.iteration for record, _ in found] == list(range(6))
        assert {record.outcome for record, _ in found} == {Outcome.FAILED}
        assert {tuple(s.operation for s in samples) for _, samples in found} == {("echo",)}


def test_the_request_under_way_is_cut_off_once(shop: str) -> None:
    steps = (echo(), {"name": "slow", "method": "GET", "path": "/delay/30000"})

    recorder = load(own(shop, *steps), plan=LOOPING, seconds=0.5, grace="0s")

    assert [record.outcome for record in recorder.iterations] == [Outcome.INTERRUPTED] * 2
    told = [(sample.operation, sample.outcome) for sample in recorder.samples]
    assert sorted(told) == [("echo", Outcome.OK)] * 2 + [("slow", Outcome.INTERRUPTED)] * 2


def test_those_who_follow_let_one_another_on_and_end_in_time(shop: str) -> None:
    recorder = load(own(shop, echo()), plan=LOOPING, seconds=0.5)

    each = Counter(record.vu for record in recorder.iterations).values()
    assert len(each) == 2
    assert max(each) < 3 * min(each)  # they take turns; one may have begun a little later
    begun_us = min(record.intended_us for record in recorder.iterations)
    assert max(record.intended_us for record in recorder.iterations) - begun_us < 5_000_000
