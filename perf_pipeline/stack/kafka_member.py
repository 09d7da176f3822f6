"""Join a consumer group and leave it again, as if an instance were started and stopped.

Add here: another way in which a member of a group can disturb others. Keep out: when it happens
(loading/), and consuming as a load (workloads/kafka).
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupType, KafkaException
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.errors import StackError

_SESSION_MS: Final = 6_000  # the shortest session that brokers allow by default
_ASK_S: Final = 5.0
_POLL_S: Final = 0.1


class HeldMembership:
    """Be a member of a group that takes its share of the partitions without working on it.

    Its share waits until it leaves; it commits nothing, so that nothing is lost. If this process
    dies, the group goes on without it after 6 s, or, if the brokers assign partitions (KIP-848),
    after the session timeout of the brokers, 45 s by default.

    Args:
        brokers: bootstrap servers, with the settings that they ask for.
        group: a group that has members.
        topic: the topic that the group consumes.
        limit_s: the longest time that joining may take.
        is_over: says whether the membership is no longer wanted.

    Raises:
        StackError: the group has no members, or the new one got no partition in time.
    """

    def __init__(
        self, brokers: str, group: str, topic: str, limit_s: float, is_over: Callable[[], bool]
    ) -> None:
        settings = {**kafka_settings(brokers), "log_level": 0}
        self._leaves = threading.Event()
        self._has_share = threading.Event()
        self._consumer = _consumer(settings, group)
        self._thread = threading.Thread(target=self._belong, args=(topic,), name="member of group")
        self._thread.start()
        give_up_at = time.monotonic() + limit_s
        while not self._has_share.wait(_POLL_S):
            if is_over() or time.monotonic() > give_up_at or not self._thread.is_alive():
                self.release()
                raise StackError(
                    f"a new member of the group {group} got no partition of {topic} within "
                    f"{limit_s:g} s",
                    hint="the group needs more partitions than it has members",
                )

    def release(self) -> None:
        """Leave the group."""
        self._leaves.set()
        self._thread.join()

    def _belong(self, topic: str) -> None:
        """Keep polling until the group is left; messages that are fetched are thrown away."""
        try:
            self._consumer.subscribe([topic])
            while not self._leaves.is_set():
                self._consumer.poll(_POLL_S)
                if share := self._consumer.assignment():
                    self._consumer.pause(share)
                    self._has_share.set()
        except KafkaException:
            return
        finally:
            self._consumer.close()


def _consumer(settings: dict[str, str | int | float | bool], group: str) -> Consumer:
    joining, named = _joining(settings, group)
    others = {key: value for key, value in settings.items() if not key.startswith("group.")}
    try:
        return Consumer(
            {
                **others,
                **joining,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
            }
        )
    except KafkaException as error:
        raise StackError(
            f"nobody can join the group {group} from here, which shares its partitions out by "
            f"{named}: {error.args[0].str()}"
        ) from error


def _joining(
    settings: dict[str, str | int | float | bool], group: str
) -> tuple[dict[str, str | int], str]:
    """Return the settings of a group member, and how the group assigns its partitions.

    A member with another assignor would be refused.

    Raises:
        StackError: the group has no members now, or the brokers do not answer.
    """
    client = AdminClient(settings)
    try:
        found = client.list_groups(group, timeout=_ASK_S)
        protocols = [str(listed.protocol) for listed in found if listed.members]
        if protocols:
            assignor = {"partition.assignment.strategy": protocols[0]}
            return {**assignor, "session.timeout.ms": _SESSION_MS}, protocols[0]
        is_of_brokers = has_newer_members(client, group)
    except KafkaException as error:
        raise StackError(f"the group {group} can't be asked for: {error.args[0].str()}") from error
    if not is_of_brokers:
        raise StackError(f"the group {group} has no members, so nobody would feel another one")
    return {"group.protocol": "consumer"}, "what its brokers say"


def has_newer_members(client: AdminClient, group: str) -> bool:
    """Say whether a group has members to which its brokers assign partitions (KIP-848).

    Such a group looks dead to clients that use the older request.

    Raises:
        KafkaException: the group is not listed, and a silent broker may have it.
    """
    listing = client.list_consumer_groups(request_timeout=_ASK_S).result()
    without = {ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD}
    newer = [it for it in listing.valid if it.type is ConsumerGroupType.CONSUMER]
    if group in {it.group_id for it in newer if it.state not in without}:
        return True
    if listing.errors:
        raise KafkaException(listing.errors[0])
    return False
