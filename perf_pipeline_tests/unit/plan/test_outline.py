"""What a run will do is said before it does it: who starts when, how much, and how fast."""

from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.plan.outline import (
    Turn,
    load_length_us,
    longest_wait_us,
    outline,
    peak_requests_per_s,
)
from perf_pipeline.report.outline import render_outline, totals
from perf_pipeline.units import US_PER_S

LOOK = {"name": "look", "path": "/look"}
TEN = {"executor": "constant-arrival-rate", "rate": 10, "duration": "4s", "preAllocatedVUs": 5}
RAMP = {
    "executor": "ramping-arrival-rate",
    "startRate": 0,
    "preAllocatedVUs": 5,
    "stages": [{"duration": "2s", "target": 30}, {"duration": "2s", "target": 0}],
}
LOOP = {"executor": "constant-vus", "vus": 3, "duration": "6s"}
SHARED = {"executor": "shared-iterations", "vus": 2, "iterations": 8, "maxDuration": "60s"}


def steps(plan: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    listed = [LOOK | {"name": name} for name in names]
    return {"exec": "http_steps", **plan, "parameters": {"steps": listed} | more}


def turns_of(**scenarios: dict[str, Any]) -> list[Turn]:
    raw = {"name": "mine", "benchmarks": {"visits": {"scenarios": scenarios}}}
    return outline(validate_profile(raw, "mine.toml"), ["visits"])


def test_a_rate_is_counted_to_the_last_start_and_in_requests() -> None:
    # 10 a second for 4 s, and one at the very end, as in k6: 41 starts of 2 requests each.
    [turn] = turns_of(visitors=steps(TEN, "look", "buy"))

    assert (turn.starts, turn.requests, turn.is_most) == (41, 82, False)
    assert peak_requests_per_s([turn]) == 20.0
    assert load_length_us([turn]) == (4 * US_PER_S, 4 * US_PER_S)


def test_the_peak_of_several_rates_is_the_largest_of_their_sum() -> None:
    # The ramp reaches 30/s at 1 s + 2 s = 3 s, where the steady 10/s still goes on: 40/s.
    later = steps(RAMP, "look") | {"startTime": "1s"}

    turns = turns_of(steady=steps(TEN, "look"), ramp=later)

    assert peak_requests_per_s(turns) == 40.0
    # The area of the ramp is 2 s x 30/s / 2 + 2 s x 30/s / 2 = 60 starts; in floats, as in k6, the
    # last one is just not reached.
    assert turns[1].starts in {59, 60}
    assert [turn.begins_us for turn in turns] == [0, US_PER_S]


def test_rates_of_different_steps_are_never_summed() -> None:
    turns = turns_of(first=steps(TEN, "look"), second=steps(TEN, "look") | {"step": 2})

    assert peak_requests_per_s(turns) == 10.0
    assert [turn.begins_us for turn in turns] == [0, 4 * US_PER_S]


def test_a_jump_counts_with_what_is_behind_it() -> None:
    jump = RAMP | {"stages": [{"duration": "0s", "target": 50}, {"duration": "1s", "target": 50}]}

    assert peak_requests_per_s(turns_of(jump=steps(jump, "look"))) == 50.0


def test_think_time_bounds_what_looping_vus_can_start() -> None:
    # 3 VUs x 6 s / 1 s of think time = 18, and the iteration that each of them has begun.
    [thinking] = turns_of(visitors=steps(LOOP, "look", thinkTime="1s..3s"))
    [unpaced] = turns_of(visitors=steps(LOOP, "look"))

    assert (thinking.starts, thinking.is_most) == (21, True)
    assert unpaced.starts is None
    assert peak_requests_per_s([thinking]) is None


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sql", {"statements": [{"name": "a", "sql": "select 1", "thinkTime": "1s"}]}),
        ("pgbench", {"scripts": ["select-only"], "thinkTime": "1s..2s"}),
        ("produce", {"topic": "orders", "value": "x", "thinkTime": "1s"}),
    ],
)
def test_pauses_bound_looping_vus_whatever_they_load(name: str, parameters: dict[str, Any]) -> None:
    # 3 VUs x 6 s / 1 s = 18, and the iteration that each of them has begun.
    [turn] = turns_of(visitors={"exec": name, **LOOP, "parameters": parameters})

    assert (turn.starts, turn.is_most) == (21, True)


def test_what_follows_a_number_of_iterations_may_begin_later() -> None:
    turns = turns_of(first=steps(SHARED, "look"), second=steps(TEN, "look") | {"step": 2})

    assert [(turn.begins_us, turn.delay_us) for turn in turns] == [(0, 0), (0, 60 * US_PER_S)]
    assert load_length_us(turns) == (4 * US_PER_S, 64 * US_PER_S)


def test_graceful_stops_of_steps_follow_one_another() -> None:
    slow, quick = steps(TEN, "look"), steps(TEN, "look") | {"gracefulStop": "2s"}

    assert longest_wait_us(turns_of(one=slow, other=quick)) == 30 * US_PER_S
    assert longest_wait_us(turns_of(one=slow, other=quick | {"step": 2})) == 32 * US_PER_S


def test_the_plan_is_shown_with_its_totals() -> None:
    shown = render_outline(turns_of(visitors=steps(TEN, "look", "buy")))

    assert "0s    visits     visitors  http_steps" in shown
    assert shown.splitlines()[-3:] == [
        "In total: 82 requests in 41 iterations.",
        "At its peak 20 requests start per second, as far as that is planned.",
        "The load takes 4s; running iterations may take up to 30s more.",
    ]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (LOOP, "In total: as many iterations as the target answers."),
        (SHARED, "In total: up to 8 requests in 8 iterations."),
    ],
    ids=["looping VUs", "a number of iterations"],
)
def test_what_the_target_decides_is_said(plan: dict[str, Any], told: str) -> None:
    assert next(iter(totals(turns_of(visitors=steps(plan, "look"))))) == told
