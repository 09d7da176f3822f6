"""The plans against k6's own, computed by k6 itself (see `about` in the data file)."""

import json
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.executors.ramping_vus import RampingVUs
from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.plan.arrivals import arrivals, count_arrivals
from perf_pipeline.plan.vus import VuStep, reserved_steps, vu_steps

ORACLE: dict[str, Any] = json.loads(Path(__file__).with_name("k6_executor_plans.json").read_text())


def _plans(executor: str) -> list[Any]:
    plans = [p for p in ORACLE["plans"] if p["scenario"]["executor"] == executor]
    return [pytest.param(p["scenario"], p["expected"], id=p["id"]) for p in plans]


def _agree(ours: list[VuStep], theirs: list[dict[str, float]]) -> bool:
    return [step.vus for step in ours] == [step["vus"] for step in theirs] and all(
        abs(mine.at_us - step["at_ms"] * 1_000) <= 1
        for mine, step in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(("scenario", "expected"), _plans("ramping-vus"))
def test_the_vus_step_when_k6_steps_them(
    scenario: dict[str, Any], expected: dict[str, Any]
) -> None:
    executor = read_executor(scenario)

    assert isinstance(executor, RampingVUs)
    assert _agree(vu_steps(executor), expected["raw_steps"])
    assert _agree(reserved_steps(executor), expected["reserved_steps"])


@pytest.mark.parametrize(("scenario", "expected"), _plans("ramping-arrival-rate"))
def test_a_ramping_rate_starts_within_a_microsecond_of_k6(
    scenario: dict[str, Any], expected: dict[str, Any]
) -> None:
    executor = read_executor(scenario)

    assert isinstance(executor, RampingArrivalRate)
    starts = [arrival.at_us for arrival in arrivals(executor)]
    assert len(starts) == expected["count"] == count_arrivals(executor)
    for ours_us, theirs_ms in zip(starts, expected["start_ms"], strict=True):
        assert abs(ours_us - theirs_ms * 1_000) <= 1


@pytest.mark.parametrize(("scenario", "expected"), _plans("constant-arrival-rate"))
def test_a_constant_rate_starts_at_multiples_of_k6s_period(
    scenario: dict[str, Any], expected: dict[str, Any]
) -> None:
    executor = read_executor(scenario)

    assert isinstance(executor, ConstantArrivalRate)
    for arrival in arrivals(executor):
        assert abs(arrival.at_us - arrival.n * expected["period_ms"] * 1_000) <= 1


def test_a_constant_rate_may_start_at_both_ends() -> None:
    # k6's observed run "dropped_some": 20/s for 3 s gave 6 iterations + 55 dropped = 61 starts.
    run = next(r["observed"] for r in ORACLE["runs"] if r["id"] == "dropped_some")
    executor = ConstantArrivalRate(
        executor="constant-arrival-rate", rate=20, duration_us=3_000, pre_allocated_vus=1
    )

    starts = list(arrivals(executor))
    assert len(starts) == run["iterations"] + run["dropped"] == count_arrivals(executor)
    assert (starts[0].at_us, starts[-1].at_us) == (0, 3_000_000)
