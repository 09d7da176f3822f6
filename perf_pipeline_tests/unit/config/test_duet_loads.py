"""Which loads of a profile two sides get, and for how long.

Add here: another executor or a refusal. Keep out: reading sides (test_duet_sides.py).
"""

from typing import Any

import pytest

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.duet_loads import at_topic, duet_loads, is_paced, needs_users
from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.config.executors.kinds import RampedRate, SteadyRate
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError

_S = 1_000_000
_GET = {"steps": [{"name": "get", "path": "/"}]}


def _profile(*scenarios: dict[str, Any], **config: Any) -> Profile:
    named = {
        f"s{number}": {"exec": "http_steps", "parameters": _GET, **scenario}
        for number, scenario in enumerate(scenarios)
    }
    raw = {"name": "shop", "benchmarks": {"orders": {"scenarios": named, **config}}}
    return validate_profile(raw, "shop.toml")


_STEADY = {
    "executor": "constant-arrival-rate",
    "rate": 50,
    "duration": "10s",
    "preAllocatedVUs": 5,
}


def test_a_steady_rate_goes_on_for_as_long_as_is_measured() -> None:
    (load,) = duet_loads(_profile(_STEADY), ["orders"], 60 * _S, 3 * _S)

    scenario = load.profile.benchmarks["orders"].scenarios["s0"]
    assert scenario.plan.length_us == 63 * _S
    assert scenario.warm_up_us == 3 * _S
    assert scenario.plan.planned_rate == SteadyRate(50, _S, 63 * _S)  # type: ignore[union-attr]  # a rate's


def test_a_longer_warm_up_of_the_profile_wins_and_later_scenarios_are_measured_alike() -> None:
    late = {**_STEADY, "startTime": "2s", "warmUp": "4s"}
    (load,) = duet_loads(_profile(_STEADY, late), ["orders"], 60 * _S, 3 * _S)

    # The later one is warm at 2 + 4 = 6 s; both are measured from then on, until 66 s.
    scenarios = load.profile.benchmarks["orders"].scenarios
    assert load.warm_up_us == 6 * _S
    assert [s.warm_up_us for s in scenarios.values()] == [6 * _S, 4 * _S]
    assert [s.plan.start_time_us + s.plan.length_us for s in scenarios.values()] == [66 * _S] * 2


def test_stages_are_stretched_to_the_time() -> None:
    ramp = {
        "executor": "ramping-arrival-rate",
        "startRate": 10,
        "stages": [{"duration": "5s", "target": 100}, {"duration": "15s", "target": 20}],
        "preAllocatedVUs": 5,
    }
    (load,) = duet_loads(_profile(ramp), ["orders"], 37 * _S, 3 * _S)

    plan = load.profile.benchmarks["orders"].scenarios["s0"].plan
    assert isinstance(plan, RampingArrivalRate)
    assert isinstance(plan.planned_rate, RampedRate)
    assert [stage.duration_us for stage in plan.stages] == [10 * _S, 30 * _S]
    assert [stage.target for stage in plan.stages] == [100, 20]


def test_a_number_of_iterations_becomes_virtual_users_that_go_on() -> None:
    quota = {"executor": "shared-iterations", "vus": 4, "iterations": 100}
    (load,) = duet_loads(_profile(quota), ["orders"], 60 * _S, 3 * _S)

    scenarios = load.profile.benchmarks["orders"].scenarios
    assert isinstance(scenarios["s0"].plan, ConstantVUs)
    assert (scenarios["s0"].plan.vus, scenarios["s0"].plan.length_us) == (4, 63 * _S)
    assert not is_paced(scenarios, ["s0"])


def test_steps_come_one_after_the_other_and_share_the_time() -> None:
    loads = duet_loads(_profile(_STEADY, {**_STEADY, "step": 2}), ["orders"], 60 * _S, _S)

    assert [(load.step, load.length_us) for load in loads] == [(1, 30 * _S), (2, 30 * _S)]


def test_a_search_for_a_capacity_is_no_load_to_compare() -> None:
    scenarios = {"s0": {"exec": "http_steps", "parameters": _GET, **_STEADY}}
    raw = {
        "name": "shop",
        "benchmarks": {
            "orders": {"scenarios": scenarios},
            "most": {"capacity": {"of": "orders"}},
        },
    }
    profile = validate_profile(raw, "shop.toml")

    loads = duet_loads(profile, ["orders", "most"], 60 * _S, _S)

    assert [load.benchmark for load in loads] == ["orders"]
    with pytest.raises(ProfileError, match="most has no scenarios"):
        duet_loads(profile, ["most"], 60 * _S, _S)


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        pytest.param(
            {
                **_STEADY,
                "exec": "sql",
                "parameters": {"statements": [{"name": "one", "sql": "select 1"}]},
            },
            "benchmarks.orders.scenarios.s0 runs sql, not HTTP requests",
            id="statements",
        ),
        pytest.param(
            {
                **_STEADY,
                "parameters": {
                    "data": {"users": {"seeded": "reads"}},
                    "steps": [{"name": "get", "path": "/${data.users.id}"}],
                },
            },
            "benchmarks.orders draws users that a run seeds; write data of your own for a duet",
            id="seeded users",
        ),
    ],
)
def test_what_needs_more_than_two_addresses_is_refused(scenario: dict[str, Any], told: str) -> None:
    profile = _profile(scenario)

    with pytest.raises(ProfileError) as refused:
        duet_loads(profile, ["orders"], 60 * _S, _S)

    assert told in str(refused.value)


def test_seeded_users_are_drawn_where_both_sides_have_tables_of_their_own() -> None:
    parameters = {
        "data": {"users": {"seeded": "reads"}},
        "steps": [{"name": "get", "path": "/${data.users.id}"}],
    }
    profile = _profile({**_STEADY, "parameters": parameters})

    (load,) = duet_loads(profile, ["orders"], 60 * _S, _S, has_own_users=True)

    assert needs_users(load)
    (other,) = duet_loads(_profile(_STEADY), ["orders"], 60 * _S, _S)
    assert not needs_users(other)


def test_databases_get_sql_and_nothing_else() -> None:
    statements = {"statements": [{"name": "one", "sql": "select 1"}]}
    sql = {**_STEADY, "exec": "sql", "parameters": statements}

    (load,) = duet_loads(_profile(sql), ["orders"], 60 * _S, _S, Part.POSTGRES)

    assert list(load.profile.benchmarks["orders"].scenarios) == ["s0"]
    with pytest.raises(ProfileError, match="s1 runs http_steps, not SQL of your own"):
        duet_loads(_profile(sql, _STEADY), ["orders"], 60 * _S, _S, Part.POSTGRES)


def test_pgbench_needs_a_scale_that_both_sides_share() -> None:
    script = {**_STEADY, "exec": "pgbench", "parameters": {"scripts": ["select-only"]}}
    told = {**script, "parameters": {"scripts": ["select-only"], "scale": 3}}

    assert duet_loads(_profile(told), ["orders"], 60 * _S, _S, Part.POSTGRES)
    with pytest.raises(ProfileError, match=r"write parameters\.scale"):
        duet_loads(_profile(script), ["orders"], 60 * _S, _S, Part.POSTGRES)


def test_brokers_get_messages_each_side_to_its_topic_and_nothing_that_consumes() -> None:
    produce = {
        **_STEADY,
        "exec": "produce",
        "parameters": {"topic": "orders", "value": "order"},
    }
    consume = {**_STEADY, "exec": "consume", "parameters": {"topic": "orders"}}
    (load,) = duet_loads(_profile(produce), ["orders"], 60 * _S, _S, Part.BROKERS)

    topics = [
        at_topic(load.profile, topic).benchmarks["orders"].scenarios["s0"].parameters.topic  # type: ignore[attr-defined]  # of messages
        for topic in ("", "orders_compressed")
    ]

    assert topics == ["orders", "orders_compressed"]
    with pytest.raises(ProfileError, match="s1 consumes; a duet of two topics compares"):
        duet_loads(_profile(produce, consume), ["orders"], 60 * _S, _S, Part.BROKERS)
