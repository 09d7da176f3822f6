from typing import Any

import pytest

from perf_pipeline.config.faults import Fault, fault_names
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.fault_parts import require_fault_parts
from perf_pipeline.loading.given_parts import stack_options
from perf_pipeline.loading.leader_faults import topic_of
from perf_pipeline.plan.outline import outline, planned_faults
from perf_pipeline.report.outline import render_outline

ARRIVALS = {
    "exec": "create_user",
    "executor": "constant-arrival-rate",
    "rate": 50,
    "duration": "30s",
    "warmUp": "1s",
    "preAllocatedVUs": 5,
}
KILL = {"at": "10s", "kind": "kill", "part": "worker", "for": "5s"}

DELAY = {"kind": "delay", "to": "redis", "delay": "1s", "part": None}


def raw(
    *faults: dict[str, Any], scenario: dict[str, Any] = ARRIVALS, **more: Any
) -> dict[str, Any]:
    create = {"create_users": scenario, **more.pop("scenarios", {})}
    end_to_end = {"scenarios": create, "faults": list(faults), **more}
    return {"name": "faulty", "benchmarks": {"end_to_end": end_to_end}}


def profile(*faults: dict[str, Any], **more: Any) -> Profile:
    return validate_profile(raw(*faults, **more), "faulty.toml")


def refused(*faults: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        profile(*faults, **more)
    return caught.value.problems


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "kil"}, "'flush' or 'command'; did you mean kill?"),
        ({"kind": "lock"}, 'part has no meaning for kind = "lock"; it is postgres'),
        ({"kind": "lock", "part": None}, 'kind = "lock" needs table, such as table = "users"'),
        ({"kind": "flush", "part": None}, "and nothing brings the keys back, so for has no"),
        ({"topic": "orders"}, 'topic stands only in a fault of kind = "leader_change"; this'),
        ({"kind": "leader_change"}, 'part has no meaning for kind = "leader_change"; it is broker'),
        ({"kind": "leader_change", "part": None, "for": None}, 'needs for, such as for = "5s"'),
        ({"kind": "leader_change", "part": None, "topic": "a b"}, "can't be the name of a topic"),
        ({"table": "users"}, "table stands only in a fault of kind = \"lock\"; this one is 'kill'"),
        ({"part": "workr"}, "; did you mean worker?"),
        ({"fore": "5s"}, "is not a known key; did you mean for?"),
        ({"part": None}, 'needs the part that it hits, such as part = "worker"'),
        ({"for": None}, 'kind = "kill" needs for, such as for = "5s"'),
        ({"kind": "restart"}, "starts the part at once, so for has no meaning"),
        ({"run": "true"}, 'run stands only in a fault of kind = "command"; this one is \'kill\''),
        ({"name": "a,b"}, "it must be words of letters from A to Z, digits, _ and -"),
        ({"kind": "command", "part": None, "for": None}, 'needs run, such as run = "docker '),
        ({"kind": "command", "run": "x"}, "part has no meaning for kind"),
        ({"kind": "command", "run": "x", "part": None}, "for says when undo runs; write undo"),
        ({"kind": "connections"}, 'part has no meaning for kind = "connections"; it is postgres'),
        ({"kind": "connections", "part": None, "for": None}, 'kind = "connections" needs for'),
        ({"kind": "rebalance", "part": None, "left": 3}, 'of kind = "connections"; this one is '),
        ({"kind": "partition"}, 'write whose connections it hinders, such as from = "api", to'),
        ({"kind": "partition", "part": None}, "needs to, the server of the connections, such as"),
        ({"kind": "partition", "part": None, "to": "redis", "for": None}, "needs for, such as"),
        ({"kind": "delay", "part": None, "to": "redis"}, 'needs delay, such as delay = "50ms"'),
        ({"kind": "loss", "part": None, "to": "redis"}, "needs share, such as share = 0.05"),
        ({"kind": "bandwidth", "part": None, "to": "api"}, "needs bytesPerS, such as bytesPerS"),
        ({"delay": "1s"}, "delay stands only in a fault of kind = \"delay\"; this one is 'kill'"),
        ({"to": "api"}, "to stands only in a fault of the kinds bandwidth, delay, loss, partition"),
        ({**DELAY, "from": "relay"}, "relay does not connect to redis; load, api do"),
        ({"kind": "full_disk"}, "worker has no disk of its own that could be filled; only post"),
        ({"kind": "full_disk", "part": None}, 'kind = "full_disk" needs the part that it hits'),
        ({"kind": "full_disk", "part": "postgres", "for": None}, 'kind = "full_disk" needs for'),
        ({**DELAY, "jitter": "2s"}, "jitter is 2s, more than delay, which is 1s; no answer comes"),
    ],
)  # fmt: skip
def test_a_fault_that_cannot_be_done_is_refused_with_the_right_word(
    change: dict[str, Any], sentence: str
) -> None:
    fault = {key: value for key, value in {**KILL, **change}.items() if value is not None}

    (problem,) = refused(fault)

    assert problem.startswith("benchmarks.end_to_end.faults[0]")
    assert sentence in problem


@pytest.mark.parametrize(
    ("at", "lasts", "sentence"),
    [
        ("40s", "5s", "[0].at is 40s, but the load ends at 30s"),
        ("3s", "5s", "at least 3s of measured load come before a fault"),
        ("23s", "5s", "[0] is undone at 28s, and the load ends at 30s"),
    ],
)
def test_a_fault_whose_effect_nobody_could_see_is_refused(
    at: str, lasts: str, sentence: str
) -> None:
    (problem,) = refused({**KILL, "at": at, "for": lasts})

    assert sentence in problem


@pytest.mark.parametrize("at", ["4s", "22s"])
def test_the_first_and_the_last_moment_that_can_be_seen_are_right(at: str) -> None:
    assert profile({**KILL, "at": at}).benchmarks["end_to_end"].faults


def test_a_closed_model_is_refused() -> None:
    closed = {"exec": "create_user", "executor": "constant-vus", "vus": 2, "duration": "30s"}

    (problem,) = refused(KILL, scenario=closed)

    assert "scenario create_users is a closed model (constant-vus)" in problem


def test_several_load_steps_are_refused() -> None:
    (problem,) = refused(KILL, scenarios={"later": {**ARRIVALS, "step": 2}})

    assert "has several load steps" in problem


def test_a_part_that_is_still_broken_is_not_broken_again() -> None:
    (problem,) = refused(KILL, {**KILL, "at": "12s", "kind": "pause"})

    assert "[1] hits worker at 12s, which faults[0] makes whole at 15s" in problem


def test_leaders_are_not_changed_again_before_the_first_ones_lead() -> None:
    led = {"at": "10s", "kind": "leader_change", "for": "5s", "topic": "orders"}

    (problem,) = refused(led, {**led, "at": "12s"})
    others = profile(led, {**led, "at": "12s", "topic": "returns"}, {**led, "at": "16s"})

    assert "[1] hits the leaders of orders at 12s, which faults[0] makes whole at 15s" in problem
    assert len(others.benchmarks["end_to_end"].faults) == 3


def test_a_second_fault_of_a_name_gets_a_number() -> None:
    killed = Fault(at_us=0, kind="kill", part="api", for_us=1)
    named = Fault(at_us=0, kind="kill", part="api", for_us=1, name="lights out")

    assert fault_names((killed, named, killed)) == ("kill api", "lights out", "kill api 2")


def test_faults_replace_the_share_of_answers_by_what_came_back() -> None:
    without = profile().benchmarks["end_to_end"].all_thresholds()
    with_faults = profile(KILL).benchmarks["end_to_end"].all_thresholds()

    assert [threshold.key for threshold in without] == ["target_answered"]
    assert [(threshold.key, threshold.source) for threshold in with_faults] == [
        ("faults_unrecovered", "value==0"),
        ("answered_beside_faults", "value>=0.95"),
    ]


def test_a_profile_without_faults_has_the_hashes_of_before() -> None:
    assert "faults" not in profile().as_json
    assert profile().load_hash("end_to_end") != profile(KILL).load_hash("end_to_end")


def test_a_fault_can_be_named_in_a_threshold() -> None:
    found = profile(KILL, thresholds={"fault_recovery_s{fault:kill worker}": ["value<9"]})

    assert found.benchmarks["end_to_end"].parsed_thresholds()[0].tags == {"fault": "kill worker"}


def test_the_plan_shows_what_is_broken_when() -> None:
    undone = {"at": "12s", "kind": "command", "run": "docker kill api", "undo": "docker start api"}
    found = profile(KILL, {**undone, "for": "2s"})

    turns = outline(found, ["end_to_end"])
    shown = render_outline(turns, planned_faults(found, turns))

    assert "At 10s the fault kill worker of end_to_end kills worker for 5s." in shown
    assert "runs 'docker kill api' for 2s, then runs 'docker start api'." in shown


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        (
            {"kind": "delay", "from": "api", "to": "postgres", "delay": "50ms", "jitter": "20ms"},
            "delay api to postgres",
            "delays answers on the connections from api to postgres by 50ms ± 20ms for 5s",
        ),
        (
            {"kind": "partition", "to": "redis"},
            "partition redis",
            "cuts the connections from all to redis for 5s",
        ),
        (
            {"kind": "bandwidth", "from": "load", "to": "api", "bytesPerS": 2048},
            "bandwidth load to api",
            "lets 2.0 KiB/s through on the connections from load to api for 5s",
        ),
        (
            {"kind": "loss", "to": "broker", "share": 0.05},
            "loss broker",
            "loses 0.05 of the answers on the connections from all to broker for 5s",
        ),
        (
            {"kind": "reset", "from": "worker", "to": "postgres"},
            "reset worker to postgres",
            "resets the connections from worker to postgres for 5s",
        ),
        (
            {"kind": "connections", "left": 2},
            "connections",
            "takes all free connections of PostgreSQL but 2 for 5s",
        ),
        (
            {"kind": "full_disk", "part": "postgres"},
            "full_disk postgres",
            "fills the disk of postgres for 5s",
        ),
        (
            {"kind": "rebalance"},
            "rebalance",
            "joins the consumer group of the workers for 5s, then leaves it",
        ),
        (
            {"kind": "leader_change"},
            "leader_change",
            "lets other brokers lead the topic for 5s, then the first ones",
        ),
        (
            {"kind": "leader_change", "topic": "orders"},
            "leader_change",
            "lets other brokers lead orders for 5s, then the first ones",
        ),
    ],
    ids=[
        "delay",
        "partition",
        "bandwidth",
        "loss",
        "reset",
        "connections",
        "disk",
        "rebalance",
        "leaders",
        "leaders of a topic",
    ],
)
def test_a_fault_is_told_with_what_it_hits(fault: dict[str, Any], name: str, words: str) -> None:
    (found,) = profile({"at": "10s", "for": "5s", **fault}).benchmarks["end_to_end"].faults

    assert (found.plain_name, found.in_words) == (name, words)


def test_a_run_puts_a_proxy_only_between_the_parts_that_a_fault_names() -> None:
    cut = {"at": "10s", "kind": "partition", "to": "redis", "for": "1s"}
    reset = {"at": "15s", "kind": "reset", "from": "worker", "to": "postgres"}
    here = resolve_target("local", None, {})

    def links(*faults: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        return stack_options(profile(*faults), here, ["end_to_end"]).links

    assert links(KILL) == ()
    assert links(reset, cut, KILL) == (("api", "redis"), ("load", "redis"), ("worker", "postgres"))
    assert stack_options(profile(cut), here).links == ()


def test_a_server_gets_a_disk_of_its_own_only_where_a_fault_fills_it() -> None:
    here = resolve_target("local", None, {})
    found = profile({"at": "10s", "kind": "full_disk", "part": "postgres", "for": "5s"})

    assert stack_options(found, here, ["end_to_end"]).small_disks == {"postgres"}
    assert stack_options(profile(KILL), here, ["end_to_end"]).small_disks == frozenset()


def test_three_brokers_start_where_a_fault_changes_who_leads_or_a_profile_says_so() -> None:
    here = resolve_target("local", None, {})
    led = profile({"at": "10s", "kind": "leader_change", "for": "5s"})
    asked = validate_profile({**raw(KILL), "brokers": 3}, "faulty.toml")

    for found, number in ((led, 3), (asked, 3), (profile(KILL), 1)):
        assert stack_options(found, here, ["end_to_end"]).broker_count == number
        require_fault_parts(found, ["end_to_end"], here)
    assert stack_options(led, here).broker_count == 1  # of `up`: no benchmark is planned
    with pytest.raises(ProfileError, match="brokers"):
        validate_profile({**raw(KILL), "brokers": 2}, "faulty.toml")


def test_leaders_are_changed_on_given_brokers_and_not_where_there_are_none() -> None:
    led = profile({"at": "10s", "kind": "leader_change", "for": "5s"})
    found = {"PERF_BASE_URL": "http://127.0.0.1:1"}

    given = resolve_target("local", None, {**found, "PERF_KAFKA_BROKERS": "127.0.0.1:2"})
    require_fault_parts(led, ["end_to_end"], given)
    with pytest.raises(ProfileError) as caught:
        require_fault_parts(led, ["end_to_end"], resolve_target("local", None, found))

    assert "is 'leader_change', and the target has no broker" in caught.value.problems[0]


@pytest.mark.parametrize(
    ("exec_name", "parameters", "topic"),
    [
        ("create_user", {}, "of the target"),
        ("produce_messages", {}, "of the benchmark"),
        ("produce", {"value": "x"}, "of the target"),
        ("produce", {"value": "x", "topic": "orders"}, "orders"),
    ],
)
def test_the_leaders_are_those_of_the_topic_that_the_messages_are_on(
    exec_name: str, parameters: dict[str, str], topic: str
) -> None:
    scenario = {**ARRIVALS, "exec": exec_name, "parameters": parameters}
    config = profile(KILL, scenario=scenario).benchmarks["end_to_end"]

    named = config.model_copy(update={"topic": "of the benchmark"})

    assert topic_of(named, "of the target") == topic


@pytest.mark.parametrize(
    ("environment", "starts"),
    [
        ({"PERF_BASE_URL": "http://127.0.0.1:1"}, "(it starts no part)"),
        (
            {"PERF_POSTGRES_DSN": "postgresql://127.0.0.1/x"},
            "(it starts api, broker, redis, relay, worker)",
        ),
    ],
)
def test_the_disk_of_somebody_elses_server_is_never_filled(
    environment: dict[str, str], starts: str
) -> None:
    found = profile({"at": "10s", "kind": "full_disk", "part": "postgres", "for": "5s"})

    with pytest.raises(ProfileError) as caught:
        require_fault_parts(found, ["end_to_end"], resolve_target("local", None, environment))

    (problem,) = caught.value.problems
    assert f"faults[0].part is 'postgres', which this run does not start {starts}" in problem


@pytest.mark.parametrize("ends", [{"to": "redis"}, {"from": "worker", "to": "postgres"}])
def test_connections_of_a_system_that_a_run_does_not_start_are_not_hindered(
    ends: dict[str, str],
) -> None:
    found = profile({"at": "10s", "kind": "partition", "for": "1s", **ends})
    target = resolve_target("local", None, {"PERF_BASE_URL": "http://127.0.0.1:1"})

    with pytest.raises(ProfileError) as caught:
        require_fault_parts(found, ["end_to_end"], target)

    assert "which this run does not start (it starts no part), so that" in caught.value.problems[0]


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8000",
        "https://localhost:8443/shop",
        "http://127.0.0.2:8000",
        "http://shop.example",
    ],
)
def test_the_load_of_an_api_is_hindered_whoever_started_it_and_wherever(base_url: str) -> None:
    found = profile({"at": "10s", "kind": "partition", "to": "api", "for": "1s"})
    target = resolve_target("local", None, {"PERF_BASE_URL": base_url})

    require_fault_parts(found, ["end_to_end"], target)


@pytest.mark.parametrize(
    ("environment", "part", "starts"),
    [
        ({"PERF_BASE_URL": "http://127.0.0.1:1"}, "worker", "(it starts no part)"),
        (
            {"PERF_POSTGRES_DSN": "postgresql://127.0.0.1/x"},
            "postgres",
            "(it starts api, broker, redis, relay, worker)",
        ),
    ],
)
def test_a_part_that_a_run_does_not_start_is_refused(
    environment: dict[str, str], part: str, starts: str
) -> None:
    found = profile({**KILL, "part": part})

    with pytest.raises(ProfileError) as caught:
        require_fault_parts(found, ["end_to_end"], resolve_target("local", None, environment))

    (problem,) = caught.value.problems
    assert f"faults[0].part is {part!r}, which this run does not start {starts}" in problem
    assert caught.value.exit_code == 104


def test_a_server_is_broken_whoever_started_it_and_must_be_there() -> None:
    lock = {"at": "10s", "kind": "lock", "table": "users", "for": "1s"}
    found = profile(lock, {"at": "15s", "kind": "flush"})
    given = {"PERF_BASE_URL": "http://127.0.0.1:1", "PERF_POSTGRES_DSN": "postgresql://h/x"}

    require_fault_parts(found, ["end_to_end"], resolve_target("local", None, {}))
    with pytest.raises(ProfileError) as caught:
        require_fault_parts(found, ["end_to_end"], resolve_target("local", None, given))

    (problem,) = caught.value.problems
    assert "faults[1].kind is 'flush', and the target has no redis" in problem


def test_a_part_that_a_run_starts_is_right() -> None:
    found = profile(KILL, {**KILL, "at": "16s", "part": "postgres"})
    given = {"PERF_POSTGRES_DSN": "postgresql://127.0.0.1/x"}

    require_fault_parts(found, ["end_to_end"], resolve_target("local", None, {}))
    with pytest.raises(ProfileError) as caught:
        require_fault_parts(found, ["end_to_end"], resolve_target("local", None, given))

    (problem,) = caught.value.problems
    assert problem.startswith("benchmarks.end_to_end.faults[1].part is 'postgres'")
