"""Let another broker lead the partitions of a topic, and restore the leaders afterwards.

It changes the order of a partition's replicas, so that another broker is the preferred leader, and
then triggers an election of preferred leaders. Operators do the same, and the cluster's own
balancing of leaders agrees with it. No message moves.
Add here: another way to change leaders. Keep out: the request for a new order
(config/kafka_replicas.py), finding leaders (kafka_leaders.py), and when it happens (loading/).
"""

import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from confluent_kafka import ElectionType, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.hosts import Place
from perf_pipeline.config.kafka_client import client_properties, kafka_settings
from perf_pipeline.config.kafka_listeners import BrokerAccess
from perf_pipeline.config.kafka_replicas import is_reassigned_now, reorder_replicas
from perf_pipeline.errors import StackError, TargetUnavailableError
from perf_pipeline.stack.kafka_leaders import (
    PartitionLeader,
    TopicLeaders,
    known_leaders,
    partition_leaders,
)

T = TypeVar("T")
_ASK_S: Final = 10.0
_PLACE_S: Final = 5.0  # how long to wait before another broker is asked
_LIMIT_MS: Final = 10_000
_POLL_S: Final = 0.1
_SEEN_WITHIN_S: Final = 1.0
_PASSING: Final = frozenset(
    {
        KafkaError.PREFERRED_LEADER_NOT_AVAILABLE,
        KafkaError.NOT_CONTROLLER,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
"""Errors after which the controller is asked again."""


def require_control(brokers: str, before: TopicLeaders, limit_s: float) -> None:
    """Refuse a topic whose leaders can't be changed and restored from here now.

    The controller is asked to set the present order, which changes nothing and needs the same
    permissions.

    Raises:
        StackError: partitions are being moved, or the brokers refuse or do not answer in time.
    """
    controller = _Controller(brokers, before, limit_s, lambda: False)
    controller.require_rest()
    controller.reorder({it.partition: it.replicas for it in before.partitions})


def lead_elsewhere(
    brokers: str, before: TopicLeaders, limit_s: float, is_over: Callable[[], bool]
) -> None:
    """Let another broker lead each partition, and wait until it does.

    Args:
        brokers: bootstrap servers, with the settings that they ask for.
        before: the present leaders.
        limit_s: the longest time that it may take.
        is_over: says whether the change is no longer wanted.

    Raises:
        StackError: the brokers refuse, or no other broker leads in time.
    """
    controller = _Controller(brokers, before, limit_s, is_over)
    controller.reorder({it.partition: it.led_by(it.next) for it in before.partitions})
    controller.elect({it.partition: it.next for it in before.partitions})


def lead_as_before(brokers: str, before: TopicLeaders, limit_s: float) -> None:
    """Restore the leader of each partition and the order of its brokers.

    It may be done twice. A topic that is gone needs nothing.

    Raises:
        StackError: other brokers keep the topic now, the brokers refuse, or it does not happen in
            time.
    """
    controller = _Controller(brokers, before, limit_s, lambda: False)
    now = {it.partition: it for it in known_leaders(brokers, before.topic)}
    kept = [it for it in before.partitions if it.partition in now]
    for it in kept:
        if set(now[it.partition].replicas) != set(it.replicas):
            raise StackError(
                f"partition {it.partition} of {before.topic} is on the brokers "
                f"{_listed(now[it.partition].replicas)} now and was on {_listed(it.replicas)}, so "
                "its leader is not changed back"
            )
    controller.reorder({it.partition: it.led_by(it.leader) for it in kept})
    controller.elect({it.partition: it.leader for it in kept})
    controller.reorder({it.partition: it.replicas for it in kept})


class _Controller:
    """Ask the controller of a cluster for other leaders until there are, or the time is over."""

    def __init__(
        self, brokers: str, before: TopicLeaders, limit_s: float, is_over: Callable[[], bool]
    ) -> None:
        self._settings = {**kafka_settings(brokers), "log_level": 0}
        self._client = AdminClient(self._settings)
        self._brokers = brokers
        self._access = BrokerAccess(AllowedHosts.read(before.allowed), client_properties(brokers))
        self._topic = before.topic
        self._numbers = [it.partition for it in before.partitions]
        self._limit_s, self._until_s = limit_s, time.monotonic() + limit_s
        self._is_over = is_over

    def partitions(self) -> dict[int, PartitionLeader]:
        """Return the present leaders."""
        return {
            it.partition: it for it in partition_leaders(self._brokers, self._topic, self._client)
        }

    def require_rest(self) -> None:
        """Refuse partitions that are being moved to other brokers.

        Raises:
            StackError: partitions are being moved, or nobody can say.
        """
        try:
            with self._access.entered(self._place()) as connection:
                is_moved = is_reassigned_now(connection, self._topic, self._numbers, _LIMIT_MS)
        except (OSError, struct.error, LookupError, KafkaException) as error:
            raise StackError(
                "the brokers do not say whether partitions are being moved, which they do from "
                f"Kafka 2.4 on to a user who may describe the cluster: {error}"
            ) from error
        if is_moved:
            raise StackError(
                f"partitions of {self._topic} are being moved to other brokers now, which a change "
                "of their leader would end",
                hint="wait until kafka-reassign-partitions.sh --list names none of them",
            )

    def reorder(self, orders: Mapping[int, tuple[int, ...]]) -> None:
        """Set the order of brokers for each partition.

        Raises:
            StackError: the brokers refuse, or it does not happen in time.
        """
        self._until_it_is(orders, lambda it: it.replicas, self._ask_for_orders)

    def elect(self, leaders: Mapping[int, int]) -> None:
        """Elect the first broker of each partition, which is the named one.

        Raises:
            StackError: as for `reorder`.
        """
        self._until_it_is(leaders, lambda it: it.leader, self._ask_for_election)

    def _until_it_is(
        self,
        wanted: Mapping[int, T],
        read: Callable[[PartitionLeader], T],
        ask: Callable[[Mapping[int, T]], Iterable[tuple[int, KafkaError]]],
    ) -> None:
        """Ask until the controller has done it and one of the brokers knows it.

        A broker's information may be older than the controller's, so the controller is asked in any
        case.
        """
        while wanted:
            told = self._trouble(ask, wanted)
            if not told and not (told := self._unseen(wanted, read)):
                return
            if self._is_over() or time.monotonic() > self._until_s:
                raise StackError(
                    f"the topic {self._topic} did not get its new leaders within "
                    f"{self._limit_s:g} s{told}"
                )
            time.sleep(_POLL_S)

    def _unseen(self, wanted: Mapping[int, T], read: Callable[[PartitionLeader], T]) -> str:
        """Wait a moment until it is visible; if not, return why, if asking again may help."""
        until_s = time.monotonic() + _SEEN_WITHIN_S
        while True:
            told = ": the brokers accepted the request, but report the same leaders as before"
            try:
                now = {number: read(it) for number, it in self.partitions().items()}
            except StackError as silence:  # of one broker; another may be asked
                told, now = f": {silence.sentence}", {}
                self._client = AdminClient(self._settings)
            if now and all(now.get(number) == its for number, its in wanted.items()):
                return ""
            if time.monotonic() > until_s:
                return told
            time.sleep(_POLL_S)

    def _trouble(
        self,
        ask: Callable[[Mapping[int, T]], Iterable[tuple[int, KafkaError]]],
        wanted: Mapping[int, T],
    ) -> str:
        """Ask once; on failure return why, if asking again may help."""
        told = ""
        try:
            for number, error in ask(wanted):
                if error.code() not in _PASSING and not error.retriable():
                    raise StackError(
                        f"the brokers refuse another leader of {self._topic}, partition {number}: "
                        f"{error.str()}"
                    )
                told = f": {error.str()}"
        except KafkaException as error:
            return f": {error.args[0].str()}"
        except (OSError, struct.error, LookupError, TargetUnavailableError) as error:
            return f": {error}"  # TimeoutError is an OSError
        return told

    def _ask_for_orders(
        self, orders: Mapping[int, tuple[int, ...]]
    ) -> Iterable[tuple[int, KafkaError]]:
        with self._access.entered(self._place()) as connection:
            refused = reorder_replicas(connection, self._topic, orders, _LIMIT_MS)
        return [(number, KafkaError(code)) for number, code in refused.items()]

    def _ask_for_election(self, leaders: Mapping[int, int]) -> Iterable[tuple[int, KafkaError]]:
        self._place()
        partitions = [TopicPartition(self._topic, number) for number in leaders]
        # A timeout as its argument causes a SystemError in the binding (2.16).
        answer = self._client.elect_leaders(ElectionType.PREFERRED, partitions)
        found = answer.result(timeout=_ASK_S).items()
        refused = [(it.partition, _error(its)) for it, its in found if its is not None]
        # A broker that already leads is not elected.
        return [it for it in refused if it[1].code() != KafkaError.ELECTION_NOT_NEEDED]

    def _place(self) -> Place:
        """Return the place of the controller, or of any broker if brokers forward requests to it.

        Any broker that answers is asked, and the client itself sends elections to the place that it
        names. The client's own search for the controller would wait for the first broker that it
        knew, even if that is gone or hangs.

        Raises:
            KafkaException: no broker says where.
            LookupError: there is no controller now.
        """
        try:
            found = self._client.list_topics(timeout=_PLACE_S)
        except KafkaException:
            # A client may ask a hanging broker repeatedly; a new client starts with any of them.
            self._client = AdminClient(self._settings)
            raise
        if (broker := found.brokers.get(found.controller_id)) is None:
            raise LookupError("the brokers have no controller now")
        return Place(str(broker.host), int(broker.port))


def _error(found: KafkaError | KafkaException) -> KafkaError:
    """Return the error itself, which the binding returns where its types promise an exception."""
    error: KafkaError = found if isinstance(found, KafkaError) else found.args[0]
    return error


def _listed(brokers: Iterable[int]) -> str:
    return ", ".join(map(str, brokers))
