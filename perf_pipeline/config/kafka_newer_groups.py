"""Ask the coordinator who is in a consumer group whose brokers assign the work (KIP-848).

It uses ConsumerGroupDescribe v0 (Apache Kafka 3.7 and newer). librdkafka can ask for it, too, but
ends the process with an assertion if the connection breaks at the wrong moment (its issue 4605).
Source: Kafka's message definitions (ConsumerGroupDescribeRequest and Response).
Add here: another field of the answer. Keep out: connecting (kafka_listeners.py), groups of the
classic protocol, and what is made of the members (stack/kafka_group.py).
"""

import socket
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.kafka_compact import (
    NO_TAGS,
    behind_tags,
    compact_array,
    compact_count_at,
    compact_text,
    compact_text_at,
)
from perf_pipeline.config.kafka_wire import asked

_DESCRIBE: Final = 69
_TOPIC_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class NewerMember:
    """Hold a member of a group.

    Attributes:
        member: its id.
        places: topic and partition of each partition that is assigned to it now.
    """

    member: str
    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NewerGroup:
    """Hold a broker's description of a group.

    Attributes:
        code: Kafka's error code; only the group's coordinator answers with 0.
        group: its id.
        state: its state; `Stable` once each member has the partitions that it shall have.
        members: all of its members.
    """

    code: int
    group: str
    state: str
    members: tuple[NewerMember, ...]


def newer_groups(connection: socket.socket, groups: Collection[str]) -> list[NewerGroup]:
    """Ask a broker for groups; a group that another broker coordinates has an error code.

    Args:
        connection: a connection to a broker, after the login.
        groups: their ids.

    Raises:
        struct.error, IndexError: the broker does not know this request, or hung up.
    """
    named = compact_array([compact_text(group) for group in groups])
    without_rights = b"\0"
    answer = asked(connection, _DESCRIBE, 0, NO_TAGS + named + without_rights + NO_TAGS)
    return list(_DescribedGroups(answer).groups())


class _DescribedGroups:
    """Read a whole answer."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = behind_tags(data, 0) + 4  # the time of throttling

    def groups(self) -> Iterator[NewerGroup]:
        for _ in range(self._count()):
            code = self._number(">h")
            self._text()  # the message of the error
            group, state = self._text(), self._text()
            self._at += 8  # two epochs
            self._text()  # the assignor's name
            members = tuple(self._member() for _ in range(self._count()))
            self._at += 4  # the authorized operations
            self._tags()
            yield NewerGroup(code, group, state, members)

    def _member(self) -> NewerMember:
        name = self._text()
        self._text()  # its instance id
        self._text()  # its rack
        self._at += 4  # its epoch
        self._text()  # its client's id
        self._text()  # its client's host
        for _ in range(self._count()):
            self._text()  # a topic of its subscription
        self._text()  # the expression of its subscription
        has = tuple(self._assignment())
        tuple(self._assignment())  # the target assignment
        self._tags()
        return NewerMember(name, has)

    def _assignment(self) -> Iterator[tuple[str, int]]:
        for _ in range(self._count()):
            self._at += _TOPIC_ID_BYTES
            topic = self._text()
            for _ in range(self._count()):
                yield topic, self._number(">i")
            self._tags()
        self._tags()

    def _number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def _count(self) -> int:
        count, self._at = compact_count_at(self._data, self._at)
        return count

    def _text(self) -> str:
        text, self._at = compact_text_at(self._data, self._at)
        return text

    def _tags(self) -> None:
        self._at = behind_tags(self._data, self._at)
