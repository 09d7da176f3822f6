"""Three brokers: another one leads a topic, the first one again, one dies, a run is killed.

One run of the reference system on them has what is done to its other parts, too.
"""

import os
import signal
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import ne
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import StackError
from perf_pipeline.loading.leader_faults import LeaderFaults
from perf_pipeline.stack import embedded
from perf_pipeline.stack.kafka_election import (
    _Controller,
    lead_as_before,
    lead_elsewhere,
    require_control,
)
from perf_pipeline.stack.kafka_leaders import (
    TopicLeaders,
    movable_leaders,
    partition_leaders,
)
from perf_pipeline.stack.parts import Stack, StackOptions, broker_count
from perf_pipeline.stack.process_register import is_alive, read_register
from perf_pipeline_tests.support.commands.command_line import (
    Answer,
    CommandLine,
    wait_until,
    without_target,
)
from perf_pipeline_tests.support.commands.last_will import done_if_killed
from perf_pipeline_tests.support.loads.sessions import session_with
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.led_topics import leaders, made, orders
from perf_pipeline_tests.support.silent import hush

pytestmark = pytest.mark.timeout(240)  # three brokers start beside other tests

LIMIT_S = 60.0
# A busy machine may take seconds to change the leaders back, for which every broker is needed. The
# worker has 5 s before it and 7 s behind it, so that its backlog is its own; the broker comes last,
# for its messages wait for up to 9 s for another leader, and it may take 17 s to be back.
SYSTEM = """
extends = "quick"
name = "led"
workers = 1
calibration = false
[benchmarks.end_to_end]
drainTimeout = "60s"
faults = [
    { at = "4s", kind = "leader_change", for = "1s" },
    { at = "7s", kind = "pause", part = "api", for = "1s" },
    { at = "13s", kind = "kill", part = "worker", for = "1s" },
    { at = "21s", kind = "kill", part = "broker", for = "1s" },
]
[benchmarks.end_to_end.scenarios.create_users]
rate = 20
duration = "25s"
warmUp = "1s"
preAllocatedVUs = 200
"""
GIVEN = """
name = "given"
workers = 1
calibration = false
[benchmarks.orders]
faults = [{{ at = "{at}", kind = {kind}, for = "{lasts}" }}]
[benchmarks.orders.scenarios.place]
exec = "produce"
executor = "constant-arrival-rate"
rate = 20
duration = "{seconds}s"
preAllocatedVUs = 150
gracefulStop = "5s"
parameters = {{ topic = "{topic}", value = "one order", linger = "0ms" }}
"""

MOVED = '"leader_change"'
CUT = '"partition", from = "load", to = "broker"'
HELD_UP = """
select count(*) from samples join faults using (run_id, benchmark)
where intended_us between injected_us and injected_us + 2000000 and ended_us >= undo_us
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_state(tmp_path_factory.mktemp("cluster") / "state")


@pytest.fixture(scope="module")
def cluster(state: Path) -> Iterator[Stack]:
    """Give the reference system on three brokers, which stays up for all tests of this file."""
    down = [sys.executable, "-m", "perf_pipeline", "--state", str(state), "down"]
    with done_if_killed(down, without_target()):
        yield embedded.up(state, StackOptions(broker_count=3), say=hush)
        embedded.down(state, say=hush)


@pytest.fixture(scope="module")
def brokers(cluster: Stack) -> str:
    return cluster.endpoints.brokers or ""


@dataclass(frozen=True, slots=True)
class Broken:
    """Hold a run of the reference system whose parts were frozen, killed, and led by others.

    Attributes:
        command: the command line that ran it.
        answer: what it gave.
        brokers_before: the process of each broker before it.
        parts_after: how many processes each part had when it was over.
    """

    command: CommandLine
    answer: Answer
    brokers_before: dict[str, int]
    parts_after: dict[str, int]


@pytest.fixture(scope="module")
def broken(cluster: Stack, state: Path) -> Broken:
    """Break what the reference system consists of, one part after the other, under one load."""
    profile = state / "broken.toml"
    profile.write_text(SYSTEM, encoding="utf-8")
    command, before = CommandLine(state), pids(cluster)
    answer = command("run", str(profile), "--only", "end_to_end", timeout_s=200.0)
    after = embedded.find_running(state)
    assert after is not None, answer.err
    return Broken(command, answer, before, {it.name: len(it.pids) for it in after.services})


def given(
    folder: Path, topic: str, *, seconds: int, lasts: str, kind: str = MOVED, at: str = "3s"
) -> Path:
    path = folder / "given.toml"
    text = GIVEN.format(topic=topic, seconds=seconds, lasts=lasts, kind=kind, at=at)
    path.write_text(text, encoding="utf-8")
    return path


def never() -> bool:
    return False


def test_a_topic_is_on_all_three_brokers_and_each_message_on_two_at_least(
    cluster: Stack, brokers: str
) -> None:
    topic = made(brokers, "replicated")

    assert broker_count(cluster) == 3
    (broker,) = [it for it in cluster.services if it.name == "broker"]
    assert len(broker.pids) == 3
    assert [set(order) for order in orders(brokers, topic)] == [{1, 2, 3}] * 3
    assert broker.settings["min.insync.replicas"] == "2"


def test_each_partition_gets_another_leader_and_then_the_first_one_again(brokers: str) -> None:
    topic = made(brokers, "led")
    before = movable_leaders(brokers, topic)
    led, ordered = leaders(brokers, topic), orders(brokers, topic)
    require_control(brokers, before, LIMIT_S)
    assert (leaders(brokers, topic), orders(brokers, topic)) == (led, ordered)

    lead_elsewhere(brokers, before, LIMIT_S, never)

    changed = leaders(brokers, topic)
    assert all(now != then for now, then in zip(changed, led, strict=True))
    # Kafka's own balancing elects the first of the order: it would not take the change back.
    assert [order[0] for order in orders(brokers, topic)] == changed
    assert [set(order) for order in orders(brokers, topic)] == [{1, 2, 3}] * 3
    for _ in range(2):  # an undo may run twice
        lead_as_before(brokers, TopicLeaders.from_text(before.as_text()), LIMIT_S)
        assert (leaders(brokers, topic), orders(brokers, topic)) == (led, ordered)


def test_who_led_without_being_preferred_leads_again_and_is_not_preferred(brokers: str) -> None:
    topic = made(brokers, "unbalanced", 1)
    first = movable_leaders(brokers, topic)
    (it,) = first.partitions
    # As after a restart of a broker: the second one leads, and the first one is preferred.
    lead_elsewhere(brokers, first, LIMIT_S, never)
    other = movable_leaders(brokers, topic)
    unbalanced = TopicLeaders(
        topic, (type(it)(0, other.partitions[0].leader, it.replicas, it.in_sync),)
    )
    lead_as_before(brokers, unbalanced, LIMIT_S)
    assert (leaders(brokers, topic), orders(brokers, topic)) == (
        [other.partitions[0].leader],
        [it.replicas],
    )

    before = movable_leaders(brokers, topic)
    lead_elsewhere(brokers, before, LIMIT_S, never)
    assert leaders(brokers, topic) != [other.partitions[0].leader]
    lead_as_before(brokers, before, LIMIT_S)

    assert leaders(brokers, topic) == [other.partitions[0].leader]
    assert orders(brokers, topic) == [it.replicas]


def test_another_broker_says_who_leads_and_controls_when_the_one_that_was_named_hangs(
    cluster: Stack, brokers: str
) -> None:
    topic = made(brokers, "hung")
    before = movable_leaders(brokers, topic)
    controller = _Controller(brokers, before, LIMIT_S, never)
    asked_first = controller._client.list_topics(timeout=30).controller_id
    hung = pids(cluster)["broker" if asked_first == 1 else f"broker-{asked_first}"]

    kept = {it.partition: it.replicas for it in before.partitions}

    os.kill(hung, signal.SIGSTOP)
    try:
        # The first look gets no answer; what it wants to see is there all the time.
        wait_until(lambda: not controller._unseen(kept, lambda it: it.replicas), LIMIT_S)
        wait_until(partial(_is_told, controller), LIMIT_S)
    finally:
        os.kill(hung, signal.SIGCONT)

    wait_until(lambda: all(len(it.in_sync) == 3 for it in partition_leaders(brokers, topic)))


def _is_told(controller: _Controller) -> bool:
    """Ask once where the controller is."""
    with suppress(KafkaException):
        return controller._place().host == "127.0.0.1"
    return False


def test_where_nobody_else_can_lead_it_is_told(brokers: str) -> None:
    topic = made(brokers, "alone", 1, replicas=1)
    (only,) = leaders(brokers, topic)

    with pytest.raises(StackError) as caught:
        movable_leaders(brokers, topic)
    with pytest.raises(StackError, match="there is no topic nowhere, so nobody leads it"):
        movable_leaders(brokers, "nowhere")

    assert caught.value.sentence == (
        f"partition 0 of the topic alone has one replica only, on broker {only}, so no other "
        "broker can lead it"
    )
    assert "replication factor of 2 or more" in caught.value.hint


def test_a_topic_that_is_gone_needs_no_leader_and_one_that_was_moved_keeps_its_own(
    brokers: str,
) -> None:
    topic = made(brokers, "moved", 1)
    (it,) = movable_leaders(brokers, topic).partitions
    elsewhere = type(it)(0, 1, (1, 4), (1, 4))

    lead_as_before(brokers, TopicLeaders("never was", (it,)), LIMIT_S)
    with pytest.raises(StackError, match=r"is on the brokers \d, \d, \d now and was on 1, 4, so"):
        lead_as_before(brokers, TopicLeaders(topic, (elsewhere,)), LIMIT_S)

    assert leaders(brokers, topic) == [it.leader]


def test_leaders_that_are_changed_are_not_changed_again_before_the_first_ones_lead(
    brokers: str,
) -> None:
    topic = made(brokers, "changed_twice", 1)
    text = GIVEN.format(topic=topic, seconds=8, lasts="1s", kind=MOVED, at="3s")
    profile = validate_profile(tomllib.loads(text), "given.toml")
    target = resolve_target("local", None, {"PERF_KAFKA_BROKERS": brokers})
    faults = LeaderFaults(session_with(profile, target), "orders")
    (fault,) = profile.benchmarks["orders"].faults

    undo = faults.way_back("first", fault)
    with pytest.raises(StackError, match="has changed the leaders of changed_twice, and those be"):
        faults.way_back("second", fault)
    faults.are_back(undo)

    assert faults.way_back("second", fault).before == undo.before


def test_the_first_brokers_lead_again_when_a_run_on_given_brokers_is_killed(
    brokers: str, tmp_path: Path
) -> None:
    topic = made(brokers, "of_a_killed_run")
    led = leaders(brokers, topic)
    command = CommandLine(new_state(tmp_path / "state"), {"PERF_KAFKA_BROKERS": brokers})
    running = command.begin("run", str(given(tmp_path, topic, seconds=100, lasts="60s")))
    running.wait_for("fault leader_change begins")
    wait_until(lambda: all(map(ne, leaders(brokers, topic), led)), 60.0)

    running.kill()

    wait_until(lambda: leaders(brokers, topic) == led, 60.0)
    wait_until(lambda: not any((command.state / "faults").iterdir()), 30.0)


def test_a_topic_of_given_brokers_with_one_replica_is_refused_before_the_load(
    brokers: str, tmp_path: Path
) -> None:
    topic = made(brokers, "kept_once", 1, replicas=1)
    command = CommandLine(new_state(tmp_path / "state"), {"PERF_KAFKA_BROKERS": brokers})

    answer = command.here("run", str(given(tmp_path, topic, seconds=8, lasts="1s")))

    assert answer.code == 97
    assert "partition 0 of the topic kept_once has one replica only" in answer.err + answer.out
    assert messages(brokers, topic) == 0


def test_what_the_load_sends_to_any_of_three_given_brokers_is_hindered(
    brokers: str, tmp_path: Path
) -> None:
    topic = made(brokers, "far_away")
    command = CommandLine(new_state(tmp_path / "state"), {"PERF_KAFKA_BROKERS": brokers})

    # On a busy machine three brokers behind a proxy take seconds to answer first.
    hindered = given(tmp_path, topic, seconds=11, lasts="3s", kind=CUT, at="5s")
    answer = command("run", str(hindered))

    felt = dict(command.sql("select name, value from figures where operation like 'partition%'"))
    facts = command.value("select facts from environments")
    # 40 are due in the first two seconds of it, and wait for the other one at least.
    assert command.value(HELD_UP) >= 30, answer.out + answer.err
    assert felt["fault_failed"] == 0
    assert facts["proxied"] == "load-broker, load-broker-2, load-broker-3"
    assert "before which no proxy" not in answer.out + answer.err


def test_the_reference_system_loses_nothing_when_leaders_change_and_when_one_dies(
    cluster: Stack, broken: Broken
) -> None:
    answer, before = broken.answer, broken.brokers_before

    assert before.keys() == {"broker", "broker-2", "broker-3"}
    assert "using the stack that is up" in answer.err
    assert "could not be" not in answer.out + answer.err
    told = "select fault from faults order by injected_us"
    assert broken.command.sql(told) == [
        ("leader_change",),
        ("pause api",),
        ("kill worker",),
        ("kill broker",),
    ]
    lost = "select value from figures where name = 'messages_lost' and operation = ''"
    assert broken.command.sql(lost) == [(0.0,)]
    # One broker was killed and is back, and the other two have run all the time.
    assert pids(cluster).keys() == before.keys()
    assert len(set(pids(cluster).values()) - set(before.values())) == 1


def test_the_reference_system_loses_nothing_when_its_parts_are_frozen_and_killed(
    broken: Broken,
) -> None:
    told = broken.command.sql(
        "select fault, (undo_us - injected_us) / 1e6, (effect_us - injected_us) / 1e6, "
        "(recovered_us - injected_us) / 1e6 from faults where fault in ('pause api', 'kill worker')"
    )
    figures = broken.command.sql("select name, operation, value from figures")
    felt = {(name, operation): value for name, operation, value in figures}

    assert len(told) == 2
    for fault, lasted_s, effect_s, recovery_s in told:
        # Each is undone after a second, by a machine that may have much else to do.
        assert 0.9 <= lasted_s < 20, fault
        # It is started after a second, and is back at once on an idle machine, to half a second.
        # Where much else is to do before, the wait for either may be nothing unusual.
        assert effect_s is None or recovery_s is None or recovery_s >= 0.4, fault
    if "so it is unknown what it changed" not in broken.answer.out:
        for fault, *_ in told:
            assert felt["fault_messages_lost", fault] == 0
        assert felt["fault_backlog_peak", "kill worker"] >= 15
    # The stack that was up is whole again.
    assert (broken.parts_after["api"], broken.parts_after["worker"]) == (1, 1)


def pids(cluster: Stack) -> dict[str, int]:
    register = read_register(cluster.folder)
    assert register is not None
    alive = [it for it in register.processes if it.part == "broker" and is_alive(it)]
    return {it.name: it.pid for it in alive}


def messages(brokers: str, topic: str) -> int:
    consumer = Consumer({**kafka_settings(brokers), "group.id": "counts"})
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)[1]
    finally:
        consumer.close()
