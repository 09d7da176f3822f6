"""Survey a cluster for people who begin to measure it: topics, consumer groups, message sizes.

Nothing is produced, committed or created. Add here: another fact that a first profile needs. Keep
out: profiles (new_project/), and what is read while a load runs (probes/).
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import onlooker_settings, shown_brokers
from perf_pipeline.errors import RequestError
from perf_pipeline.metrics.sample import PartitionLag
from perf_pipeline.quoting import first_few
from perf_pipeline.spelling import meant
from perf_pipeline.workloads.kafka.errors import cause
from perf_pipeline.workloads.kafka.topics import TIMEOUT_S, admin_of, explained, watermarks

MOST_TOPICS: Final = 20
_MOST_GROUPS: Final = 50
_MOST_NAMED: Final = 10
_MOST_PARTITIONS: Final = 1_000
_MOST_MESSAGES: Final = 200
_LOOK_S: Final = 3.0
_POLL_S: Final = 0.2
_READER: Final = "perf_pipeline_init"


@dataclass(frozen=True, slots=True)
class SeenTopic:
    """Hold a topic.

    Attributes:
        name: the name of the topic.
        marks: the marks of its partitions, ordered.
        groups: the groups that have committed offsets, each with its lag in messages, the busiest
            first.
        sizes: the sizes of the values of some of its newest messages, in bytes.
        has_keys: whether most of these messages have a key.
    """

    name: str
    marks: Sequence[PartitionLag]
    groups: Mapping[str, int]
    sizes: Sequence[int]
    has_keys: bool

    @property
    def messages(self) -> int:
        """Return the number of offsets in it, which is the number of messages or slightly more."""
        return sum(mark.high_watermark - mark.low_watermark for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Survey:
    """Hold what was found in a cluster.

    Attributes:
        topics: at most 20 topics, those with the most messages first.
        unseen: what the brokers did not reveal, in one sentence each.
    """

    topics: Sequence[SeenTopic]
    unseen: Sequence[str]


def survey(brokers: str, wanted: Collection[str] = ()) -> Survey:
    """Look at the topics of a cluster, except those that Kafka and its tools use internally.

    Args:
        brokers: checked bootstrap servers, with the login.
        wanted: the topics to look at; empty for all.

    Raises:
        RequestError: one of the wanted topics does not exist.
        TargetUnavailableError: the brokers do not answer, or refuse.
    """
    admin = admin_of(brokers)
    with explained(brokers, "reading the topics"):
        found = admin.list_topics(timeout=TIMEOUT_S).topics
    known = sorted(name for name, topic in found.items() if _is_own(name) and topic.error is None)
    for name in wanted:
        if name not in known:
            shown = first_few(known, _MOST_NAMED) or "none"
            raise RequestError(
                f"there is no topic {name!r} on {shown_brokers(brokers)}{meant(name, known)}",
                hint=f"its topics are: {shown}",
            )
    names = [name for name in known if not wanted or name in wanted]
    unseen = []
    if len(names) > MOST_TOPICS:
        unseen.append(f"{len(names) - MOST_TOPICS} of {len(names)} topics, by their names the last")
    marks = {name: watermarks(brokers, name, admin) for name in names[:MOST_TOPICS]}
    groups, why = _groups(admin, brokers, marks)
    with closing(_reader(brokers, _READER)) as reader:
        topics = [_seen(reader, name, marks[name], groups) for name in marks]
    return Survey(sorted(topics, key=lambda topic: -topic.messages), [*unseen, *why])


def _is_own(name: str) -> bool:
    return not name.startswith(("_", "connect-"))


def _seen(
    reader: Consumer,
    name: str,
    marks: Sequence[PartitionLag],
    groups: Mapping[str, Mapping[str, int]],
) -> SeenTopic:
    looked = [*_newest(reader, name, marks)]
    keyed = sum(has_key for _, has_key in looked)
    return SeenTopic(
        name,
        marks,
        groups.get(name, {}),
        sorted(size for size, _ in looked),
        has_keys=2 * keyed > len(looked),
    )


def _groups(
    admin: AdminClient, brokers: str, marks: Mapping[str, Sequence[PartitionLag]]
) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Return each group's lag by topic, and what was not accessible or took too long."""
    try:
        listed = admin.list_consumer_groups(request_timeout=TIMEOUT_S).result(TIMEOUT_S)
        names = sorted(group.group_id for group in listed.valid)
    except (KafkaException, TimeoutError) as error:
        return {}, [f"the groups that read the topics: {_said(error)}"]
    why = []
    if len(names) > _MOST_GROUPS:
        why.append(f"{len(names) - _MOST_GROUPS} of {len(names)} groups")
    found: dict[str, dict[str, int]] = {}
    for group in names[:_MOST_GROUPS]:
        try:
            for topic, lag in _behind(brokers, group, marks):
                found.setdefault(topic, {})[group] = lag
        except KafkaException as error:
            why.append(f"what group {group} reads: {_said(error)}")
    return found, why


def _behind(
    brokers: str, group: str, marks: Mapping[str, Sequence[PartitionLag]]
) -> Iterator[tuple[str, int]]:
    every = {(mark.topic, mark.partition): mark for marks_of in marks.values() for mark in marks_of}
    wanted = [TopicPartition(*place) for place in [*every][:_MOST_PARTITIONS]]
    with closing(_reader(brokers, group)) as reader:
        answers = [
            answer for answer in reader.committed(wanted, timeout=TIMEOUT_S) if answer.offset >= 0
        ]
    for topic in dict.fromkeys(answer.topic for answer in answers):
        yield (
            topic,
            sum(
                max(0, every[topic, answer.partition].high_watermark - answer.offset)
                for answer in answers
                if answer.topic == topic
            ),
        )


def _newest(
    reader: Consumer, name: str, marks: Sequence[PartitionLag]
) -> Iterator[tuple[int, bool]]:
    """Read some of the newest messages: the size of each value, and whether there is a key."""
    wanted = max(1, _MOST_MESSAGES // max(1, len(marks)))
    begins = [
        TopicPartition(name, mark.partition, max(mark.low_watermark, mark.high_watermark - wanted))
        for mark in marks
        if mark.high_watermark > mark.low_watermark
    ][:_MOST_MESSAGES]
    if not begins:
        return
    reader.assign(begins)
    until_s, left = time.monotonic() + _LOOK_S, _MOST_MESSAGES
    while left and time.monotonic() < until_s:
        messages = [got for got in reader.consume(left, _POLL_S) if got.error() is None]
        if not messages and left < _MOST_MESSAGES:
            break  # the ends of all partitions are reached
        for message in messages:
            left -= 1
            yield len(message.value() or b""), message.key() is not None
    reader.unassign()


def _reader(brokers: str, group: str) -> Consumer:
    settings: dict[str, Any] = {**onlooker_settings(brokers, group), "auto.offset.reset": "latest"}
    return Consumer(settings)


def _said(error: KafkaException | TimeoutError) -> str:
    if isinstance(error, KafkaException):
        return f"the brokers say: {cause(error).str()}"
    return f"the brokers did not answer within {TIMEOUT_S:g} s"
