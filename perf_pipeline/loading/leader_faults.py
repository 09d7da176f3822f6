"""Break leading brokers: change who leads a topic, or hit the broker that leads it.

Add here: another fault of a leading broker. Keep out: electing leaders (stack/kafka_election.py),
and when faults happen (fault_driver.py).
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.faults import Fault
from perf_pipeline.config.own_topics import OwnConsumeParameters, OwnProduceParameters
from perf_pipeline.config.parameters import iteration_kind
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.errors import StackError
from perf_pipeline.loading.broker_watch import given_brokers
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.kafka_configuration import name_of
from perf_pipeline.stack.kafka_election import lead_elsewhere, require_control
from perf_pipeline.stack.kafka_leaders import TopicLeaders, leading_broker, movable_leaders
from perf_pipeline.stack.parts import broker_count
from perf_pipeline.stack.undoing import Undo
from perf_pipeline.units import US_PER_S


class LeaderFaults:
    """Change the leaders of a benchmark's topic, and find the broker that leads most of it.

    Args:
        session: the session of the run.
        benchmark: the benchmark whose messages are on the topic.
    """

    def __init__(self, session: Session, benchmark: str) -> None:
        self._session = session
        self._topic = topic_of(session.profile.benchmarks[benchmark], session.target.topic)
        self._lock = threading.Lock()
        self._changed = set[str]()

    def require_other_leaders(self, faults: Iterable[Fault]) -> None:
        """Refuse changes of leaders if no other broker could lead, or if we may not change them.

        Raises:
            StackError: the change is not possible; the message names the topic, and the partition
                if it is one.
        """
        for fault in faults:
            if fault.kind == "leader_change":
                self._leaders(fault)

    def way_back(self, name: str, fault: Fault) -> Undo:
        """Return how the present leaders can be restored.

        Raises:
            StackError: no other broker could lead, partitions are being moved, the brokers refuse,
                or an earlier change is not undone yet, so that the present leaders are not the
                original ones.
        """
        stack, given = self._session.stack, given_brokers(self._session)
        with ExitStack() as leaving:
            topic = self._claim(fault)
            leaving.callback(self._changed.discard, topic)
            undo = Undo(
                name,
                "lead",
                limit_s=fault.time_limit_us / US_PER_S,
                stack="" if stack is None or given else str(stack.folder),
                brokers=given or "",
                before=self._leaders(fault).as_text(),
            )
            leaving.pop_all()
        return undo

    def are_back(self, undo: Undo) -> None:
        """Allow another change of leaders, now that the original ones lead again."""
        self._changed.discard(TopicLeaders.from_text(undo.before).topic)

    def _claim(self, fault: Fault) -> str:
        topic = fault.topic or self._topic
        with self._lock:
            if topic in self._changed:
                raise StackError(
                    f"an earlier fault has changed the leaders of {topic}, and those before it do "
                    "not lead again yet"
                )
            self._changed.add(topic)
        return topic

    def change_leaders(self, fault: Fault, undo: Undo, is_over: Callable[[], bool]) -> None:
        """Let brokers lead other than those that will be restored.

        Raises:
            StackError: the brokers refuse, or do not lead in time.
        """
        before = TopicLeaders.from_text(undo.before)
        lead_elsewhere(self._brokers, before, fault.time_limit_us / US_PER_S, is_over)

    def hit_by(self, fault: Fault) -> str:
        """Return the process of the one broker that a fault of the part hits.

        It leads most partitions of the topic. The result is empty if the fault hits the whole part.

        Raises:
            StackError: the brokers do not say who leads.
        """
        stack = self._session.stack
        if fault.part != "broker" or stack is None or broker_count(stack) < 2:
            return ""
        return name_of(leading_broker(self._brokers, self._topic))

    @property
    def _brokers(self) -> str:
        return self._session.target.brokers or ""

    def _leaders(self, fault: Fault) -> TopicLeaders:
        topic = fault.topic or self._topic
        found = movable_leaders(self._brokers, topic, self._session.target.allowed)
        require_control(self._brokers, found, fault.time_limit_us / US_PER_S)
        return found


def topic_of(config: BenchmarkConfig, of_target: str) -> str:
    """Return the topic that a benchmark's messages are on.

    Args:
        config: the configuration of the benchmark.
        of_target: the topic that the target publishes to.
    """
    for scenario in config.scenarios.values():
        own = scenario.parameters
        if isinstance(own, OwnProduceParameters | OwnConsumeParameters):
            return own.topic or of_target
        kind = iteration_kind(scenario.exec)
        if kind is not None and kind.part is Part.BROKERS:
            return config.topic
    return of_target
