from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.errors import ProfileError

STEADY = {
    "exec": "create_user",
    "executor": "constant-arrival-rate",
    "rate": 10,
    "duration": "40s",
    "preAllocatedVUs": 5,
}
RISING = {
    "exec": "create_user",
    "executor": "ramping-arrival-rate",
    "startRate": 1,
    "stages": [{"duration": "40s", "target": 10}],
    "preAllocatedVUs": 5,
}
KILL = {"at": "10s", "kind": "kill", "part": "worker", "for": "5s"}


def raw(growth: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    benchmark = {"scenarios": {"create": STEADY}, **more}
    asked = {} if growth is None else {"growth": growth}
    return {"name": "grown", "benchmarks": {"end_to_end": {**benchmark, **asked}}}


def refused(growth: dict[str, Any] | None, **more: Any) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        validate_profile(raw(growth, **more), "grown.toml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("growth", "more", "sentence"),
    [
        ({"setle": "1s"}, {}, "is not a known key; did you mean settle?"),
        ({"margin": 0}, {}, "margin"),
        ({}, {"scenarios": {"create": RISING}}, "use constant-arrival-rate"),
        (
            {},
            {"scenarios": {"one": STEADY, "two": STEADY | {"step": 2}}},
            "put all scenarios into one step",
        ),
        ({}, {"faults": [KILL]}, "has faults, after which much grows"),
        # Only 5 s are common to 0 to 40 s and 35 to 75 s, and a tenth of that is left out.
        (
            {},
            {"scenarios": {"one": STEADY, "two": STEADY | {"startTime": "35s"}}},
            "4.5s are measured after settle while all scenarios run",
        ),
        # 40 s less a tenth are 36 s, and 30 readings every 2 s take a minute.
        ({}, {"interval": "2s"}, "36s are measured after settle"),
        ({"settle": "39s"}, {}, "1s are measured after settle, and a reading is taken every 1s"),
    ],
)
def test_growth_is_asked_only_of_a_load_that_can_tell_it(
    growth: dict[str, Any], more: dict[str, Any], sentence: str
) -> None:
    assert sentence in "\n".join(refused(growth, **more))


def test_a_bound_on_a_growth_that_nobody_measures_is_refused() -> None:
    thresholds = {"memory_growth_bytes_per_h{part:api}": ["value<1"]}

    (mistake,) = refused(None, thresholds=thresholds)

    assert "write [benchmarks.end_to_end.growth]" in mistake
    profile = validate_profile(raw({}, thresholds=thresholds), "grown.toml")
    assert profile.benchmarks["end_to_end"].growth is not None


def test_a_search_for_a_capacity_does_not_ask_what_grows() -> None:
    searched = raw({})
    searched["benchmarks"]["most"] = {"capacity": {"of": "end_to_end"}}

    with pytest.raises(ProfileError) as caught:
        validate_profile(searched, "grown.toml")

    assert "search a benchmark without growth" in caught.value.problems[0]


def test_a_tenth_is_left_out_unless_the_profile_says_how_much() -> None:
    growth = validate_profile(raw({}), "grown.toml").benchmarks["end_to_end"].growth
    settled = load_profile("soak").benchmarks["end_to_end"].growth

    assert growth is not None
    assert settled is not None
    assert growth.settled_after_us(40_000_000) == 4_000_000
    # The profile `soak` says 20 minutes, however long it is.
    assert settled.settled_after_us(3_600_000_000) == 1_200_000_000


def test_the_growth_that_is_asked_for_belongs_to_the_load() -> None:
    asked = validate_profile(raw({}), "grown.toml")
    unasked = validate_profile(raw(None), "grown.toml")

    # A probe that counts files and tables is part of what was done.
    assert asked.load_hash("end_to_end") != unasked.load_hash("end_to_end")
