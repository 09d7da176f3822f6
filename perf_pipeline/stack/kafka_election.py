"""Make another broker lead the partitions of a topic, and give the lead back afterwards.

It changes the order of a partition's replicas, so that another broker is the preferred leader, and
then has the preferred leaders elected: operators do the same, and the cluster's own balancing of
leaders agrees with it. No message moves.
Add here: another way to a leader. Keep out: what is sent for a new order
(config/kafka_replicas.py), who leads (kafka_leaders.py), and when it happens (loading/).
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
_PLACE_S: Final = 5.0  # before another broker is asked
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
    """Refuse a topic whose leaders can't be changed, and changed back, from here and now.

    The controller is asked for the order that there is: that changes nothing, and takes the same
    rights as another one.

    Raises:
        StackError: partitions are being moved, or the brokers refuse or do not answer in time.
    """
    controller = _Controller(brokers, before, limit_s, lambda: False)
    controller.require_rest()
    controller.reorder({it.partition: it.replicas for it in before.partitions})


def lead_elsewhere(
    brokers: str, before: TopicLeaders, limit_s: float, is_over: Callable[[], bool]
) -> None:
    """Let another broker lead each partition, and return when it does.

    Args:
        brokers: bootstrap servers, with the settings that they ask for.
        before: who leads.
        limit_s: how long it may take.
        is_over: says that nobody wants it any more.

    Raises:
        StackError: the brokers refuse, or another one does not lead in time.
    """
    controller = _Controller(brokers, before, limit_s, is_over)
    controller.reorder({it.partition: it.led_by(it.next) for it in before.partitions})
    controller.elect({it.partition: it.next for it in before.partitions})


def lead_as_before(brokers: str, before: TopicLeaders, limit_s: float) -> None:
    """Let each partition be led as it was, with its brokers in the order that they had.

    It may be done twice. A topic that is gone is led by nobody.

    Raises:
        StackError: other brokers keep the topic now, they refuse, or it does not come about in
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
    """Ask the controller of a cluster for other leaders, until it has them or the time is over."""

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
        """Return who leads now."""
        return {
            it.partition: it for it in partition_leaders(self._brokers, self._topic, self._client)
        }

    def require_rest(self) -> None:
        """Refuse partitions that are being moved to other brokers.

        Raises:
            StackError: they are, or nobody says so.
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
        """Give each partition this order of brokers.

        Raises:
            StackError: the brokers refuse, or it does not come about in time.
        """
        self._until_it_is(orders, lambda it: it.replicas, self._ask_for_orders)

    def elect(self, leaders: Mapping[int, int]) -> None:
        """Let each partition be led by its first broker, which is the one that is named.

        Raises:
            StackError: as `reorder`.
        """
        self._until_it_is(leaders, lambda it: it.leader, self._ask_for_election)

    def _until_it_is(
        self,
        wanted: Mapping[int, T],
        read: Callable[[PartitionLeader], T],
        ask: Callable[[Mapping[int, T]], Iterable[tuple[int, KafkaError]]],
    ) -> None:
        """Ask until the controller has done it, and one of the brokers has heard of it.

        What a broker says may be older than what the controller knows, so it is asked in any case.
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
        """Wait for a moment until it is seen; return why it is not, where asking again may help."""
        until_s = time.monotonic() + _SEEN_WITHIN_S
        while True:
            told = ": the brokers accepted the request, but report the same leaders as before"
            try:
                now = {number: read(it) for number, it in self.partitions().items()}
            except StackError as silence:  # of one broker; another one may be asked
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
        """Ask once; return what was the matter, where asking again may help."""
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
        # A time limit as its argument ends in a SystemError of the binding (2.16).
        answer = self._client.elect_leaders(ElectionType.PREFERRED, partitions)
        found = answer.result(timeout=_ASK_S).items()
        refused = [(it.partition, _error(its)) for it, its in found if its is not None]
        # One that leads already is not elected.
        return [it for it in refused if it[1].code() != KafkaError.ELECTION_NOT_NEEDED]

    def _place(self) -> Place:
        """Return where the controller is; any broker where these lead to it themselves.

        Any broker that answers is asked, and what it says is where the client itself turns to for
        an election. The client's own search for the controller waits for the broker that it was
        told of first, be that one gone or hung.

        Raises:
            KafkaException: nobody says so.
            LookupError: there is none now.
        """
        try:
            found = self._client.list_topics(timeout=_PLACE_S)
        except KafkaException:
            # It may turn to a broker that hangs again and again; a new one begins with any of them.
            self._client = AdminClient(self._settings)
            raise
        if (broker := found.brokers.get(found.controller_id)) is None:
            raise LookupError("the brokers have no controller now")
        return Place(str(broker.host), int(broker.port))


def _error(found: KafkaError | KafkaException) -> KafkaError:
    """Return the error itself: the binding gives one where its types say an exception."""
    error: KafkaError = found if isinstance(found, KafkaError) else found.args[0]
    return error


def _listed(brokers: Iterable[int]) -> str:
    return ", ".join(map(str, brokers))
