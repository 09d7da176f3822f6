"""k6's shortcuts become the scenario that k6 makes of them; what k6 refuses is refused."""

from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError

_STEPS = {"steps": [{"name": "ok", "path": "/ok"}]}
_STAGES = [{"duration": "1s", "target": 5}]


def _profile(**benchmark: Any) -> Profile:
    raw = {"exec": "http_steps", "parameters": _STEPS, **benchmark}
    return validate_profile({"name": "short", "benchmarks": {"shop": raw}}, "short.toml")


@pytest.mark.parametrize(
    ("shortcut", "scenario"),
    [
        (
            {"vus": 3, "duration": "2s"},
            {"executor": "constant-vus", "vus": 3, "duration": "2s"},
        ),
        ({"duration": "2s"}, {"executor": "constant-vus", "vus": 1, "duration": "2s"}),
        (
            {"vus": 2, "iterations": 9},
            {"executor": "shared-iterations", "vus": 2, "iterations": 9, "maxDuration": "10m"},
        ),
        (
            {"vus": 2, "iterations": 9, "duration": "5s"},
            {"executor": "shared-iterations", "vus": 2, "iterations": 9, "maxDuration": "5s"},
        ),
        ({"stages": _STAGES}, {"executor": "ramping-vus", "startVUs": 1, "stages": _STAGES}),
        (
            {"vus": 4, "stages": _STAGES},
            {"executor": "ramping-vus", "startVUs": 4, "stages": _STAGES},
        ),
    ],
    ids="+".join,
)
def test_a_shortcut_is_the_scenario_that_k6_makes_of_it(
    shortcut: dict[str, Any], scenario: dict[str, Any]
) -> None:
    short = _profile(**shortcut, warmUp="500ms")
    long = validate_profile(
        {
            "name": "short",
            "benchmarks": {
                "shop": {
                    "scenarios": {
                        "default": {
                            **scenario,
                            "exec": "http_steps",
                            "warmUp": "500ms",
                            "parameters": _STEPS,
                        }
                    }
                }
            },
        },
        "long.toml",
    )

    assert short.benchmarks == long.benchmarks
    assert short.config_hash == long.config_hash


@pytest.mark.parametrize(
    ("benchmark", "sentence"),
    [
        (
            {"stages": _STAGES, "scenarios": {"a": {}}},
            "benchmarks.shop: the shortcut stages and scenarios can't be used together; write",
        ),
        (
            {"iterations": 5, "stages": _STAGES},
            "the shortcuts iterations and stages can't be used together",
        ),
        (
            {"duration": "5s", "stages": _STAGES},
            "the shortcuts duration and stages can't be used together",
        ),
        ({"vus": 5}, "vus alone does not say how long to run; add duration, iterations or stages"),
        ({"vus": 0, "duration": "5s"}, "benchmarks.shop.scenarios.default.vus is 0"),
        ({"duration": "0s"}, "benchmarks.shop.scenarios.default.duration is 0s"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_shortcut_is_refused_with_what_would_be_right(
    benchmark: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ProfileError) as refused:
        _profile(**benchmark)

    assert any(sentence in mistake for mistake in refused.value.problems)
    assert not any("is not a known key" in mistake for mistake in refused.value.problems)


@pytest.mark.parametrize(
    ("place", "key", "value", "instead"),
    [
        ("shop.scenarios.a", "rps", 5, "use an arrival-rate executor to keep a rate"),
        ("shop", "env", {"HOST": "x"}, "write it into a scenario, beside exec"),
        ("shop", "tags", {"team": "a"}, "write them into a scenario, beside exec"),
    ],
)
def test_a_key_that_k6_has_elsewhere_or_alone_is_refused_with_what_there_is_instead(
    place: str, key: str, value: object, instead: str
) -> None:
    scenario: dict[str, object] = {
        "exec": "http_steps",
        "executor": "constant-vus",
        "duration": "1s",
        "parameters": _STEPS,
    }
    shop: dict[str, object] = {"scenarios": {"a": scenario}}
    (shop if place == "shop" else scenario)[key] = value

    with pytest.raises(ProfileError) as refused:
        validate_profile({"name": "short", "benchmarks": {"shop": shop}}, "k6.toml")

    (mistake,) = refused.value.problems
    assert f"benchmarks.{place}.{key} is a key of k6 that does not exist here" in mistake
    assert instead in mistake


def test_env_and_tags_may_stand_beside_a_shortcut() -> None:
    beside = {"env": {"PLACE": "here"}, "tags": {"team": "a"}}
    shop = {"vus": 2, "duration": "5s", "exec": "http_steps", "parameters": _STEPS, **beside}

    profile = validate_profile({"name": "short", "benchmarks": {"shop": shop}}, "short.toml")

    scenario = profile.benchmarks["shop"].scenarios["default"]
    assert (scenario.env, scenario.tags) == ({"PLACE": "here"}, {"team": "a"})


@pytest.mark.parametrize(
    "plan",
    [
        {"executor": "ramping-vus", "startVUs": 3},
        {"executor": "ramping-arrival-rate", "startRate": 3, "preAllocatedVUs": 3},
    ],
    ids=lambda plan: str(plan["executor"]),
)
def test_stages_that_take_no_time_are_refused_where_k6_would_run_nothing(
    plan: dict[str, Any],
) -> None:
    """k6's VU handle: a VU that is stopped while it starts never begins an iteration.

    Source: grafana/k6 lib/executor/vu_handle.go (grace, starting: stopped), and
    ramping_arrival_rate.go, whose starts are the area under the rate.
    """

    def shop(*durations: str) -> Profile:
        stages = [{"duration": duration, "target": 5} for duration in durations]
        scenario = {**plan, "exec": "http_steps", "parameters": _STEPS, "stages": stages}
        raw = {"name": "short", "benchmarks": {"shop": {"scenarios": {"a": scenario}}}}
        return validate_profile(raw, "short.toml")

    assert shop("0s", "1ms", "0s").benchmarks["shop"].scenarios["a"].plan.length_us == 1_000
    with pytest.raises(ProfileError) as caught:
        shop("0s", "0s")
    (problem,) = caught.value.problems
    assert problem == (
        "benchmarks.shop.scenarios.a: its stages take 0 s in total, so nothing would be measured; "
        "give a stage a longer duration"
    )
