"""Make benchmarks of a Kafka cluster: what takes its messages, and what would produce them.

Taking is safe, in a group of its own; what produces is written switched off, because messages stay
in a topic and its readers get them.
Add here: another thing to do with a topic. Keep out: looking at a cluster (workloads/kafka/).
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.allowed import entries_in
from perf_pipeline.config.broker_address import read_brokers
from perf_pipeline.config.hosts import is_this_machine
from perf_pipeline.config.kafka_client import client_properties, with_properties
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.kafka_names import FILES
from perf_pipeline.config.kafka_properties import filled, property_mistakes, variables_in
from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.draft import Draft, DraftBenchmark, SecretVariable
from perf_pipeline.new_project.loads import FirstLoad
from perf_pipeline.workloads.kafka.properties import require_properties
from perf_pipeline.workloads.kafka.survey import SeenTopic, Survey, survey

_MOST_TOPICS: Final = 3
_VUS: Final = 10
_NO_MESSAGES_SIZE: Final = {"least": 100, "most": 1_000}
_SWITCHED_OFF: Final = (
    "Switched off: what it produces stays in {topic}{readers}. Name a topic that may be loaded, "
    "and set enabled = true."
)


@dataclass(frozen=True, slots=True)
class GivenBrokers:
    """Hold what somebody gave of a cluster.

    Attributes:
        servers: `host:port`, comma separated.
        properties: the properties of librdkafka, as a profile has them, such as
            `security.protocol`.
        topics: only these; those with most messages when empty.
    """

    servers: str
    properties: Mapping[str, str] = field(default_factory=dict)
    topics: Sequence[str] = ()


def draft_of_brokers(name: str, given: GivenBrokers, load: FirstLoad) -> Draft:
    """Look at a cluster, and give what takes its messages; what produces is switched off.

    Args:
        name: the name of the project.
        given: which cluster, and which topics of it.
        load: how hard the first load is.

    Raises:
        RequestError: the addresses or properties can't be read, or there is no topic.
        AddressError: a variable that a property names is not set.
        TargetUnavailableError: the brokers do not answer, or refuse.
    """
    brokers, table = given.servers, given.properties
    for key, sentence in property_mistakes(table):
        raise RequestError(f"--kafka {key} {sentence}")
    allowed = _allowed(brokers)
    reached = with_properties(brokers, filled(table, os.environ, str(Path.cwd()), name))
    require_listeners(reached, allowed)
    require_properties(reached, name)
    found = _without_group(survey(reached, given.topics), _own_group(name))
    if not found.topics:
        raise RequestError(
            f"there is no topic at {brokers}",
            hint="create one, or name brokers that have topics; nothing was written",
        )
    return Draft(
        name=name,
        origin=f"the topics at {brokers}",
        question=f"How fast are messages of {found.topics[0].name} taken?",
        target=_target(brokers, table, allowed, found.topics[0]),
        benchmarks=tuple(_benchmarks(name, found, load)),
        secrets=_secrets(table),
        left_out=(*found.unseen, *_left_out(found), *_elsewhere(table)),
    )


def _allowed(brokers: str) -> list[str]:
    """Return the hosts that somebody named, beside this machine, and those that were allowed."""
    if client_properties(brokers):
        raise RequestError(
            "--brokers holds a login, which should not be in a file",
            hint="name the brokers alone, and give the login to --kafka, one property each: "
            "security.protocol=SASL_PLAINTEXT, sasl.mechanism=PLAIN, sasl.username=NAME, and "
            "sasl.password with ${env.KAFKA_PASSWORD} as its value, in quotes",
        )
    try:
        places = read_brokers(brokers, ()).places
    except ValueError as error:
        raise RequestError(f"the text of --brokers {error}") from None
    named = [place.host for place in places if not is_this_machine(place.host)]
    given = entries_in(os.environ.get("PERF_ALLOWED_HOSTS", ""))
    return list(dict.fromkeys([*named, *given]))


def _target(
    brokers: str, table: Mapping[str, str], allowed: Sequence[str], first: SeenTopic
) -> dict[str, Any]:
    """Return the keys of the target; of its group the lag is read while something is produced."""
    watched = {"group": min(first.groups, key=first.groups.__getitem__)} if first.groups else {}
    paths = {key: str(Path(table[key]).absolute()) for key in table.keys() & FILES}
    return {
        "brokers": brokers,
        "topic": first.name,
        **watched,
        **({"allowed": [*allowed]} if allowed else {}),
        **({"kafka": {**table, **paths}} if table else {}),
    }


def _secrets(table: Mapping[str, str]) -> tuple[SecretVariable, ...]:
    named = {name: key for key, text in table.items() for name in variables_in(text)}
    return tuple(SecretVariable(name, f"{key} of the brokers") for name, key in named.items())


def _own_group(name: str) -> str:
    return f"perf-{name}"


def _without_group(found: Survey, own: str) -> Survey:
    """Leave out the group of an earlier run of the same project, which is nobody's reader."""
    topics = [
        replace(topic, groups={group: lag for group, lag in topic.groups.items() if group != own})
        for topic in found.topics
    ]
    return replace(found, topics=topics)


def _benchmarks(name: str, found: Survey, load: FirstLoad) -> Iterator[DraftBenchmark]:
    shown = found.topics[:_MOST_TOPICS]
    words = _words(shown)
    for topic in shown:
        yield _taking(name, topic, words[topic.name], load)
    for topic in shown:
        yield _producing(topic, words[topic.name], load)


def _taking(name: str, topic: SeenTopic, word: str, load: FirstLoad) -> DraftBenchmark:
    held = f"{topic.messages:,} messages in {len(topic.marks)} partitions"
    remarks = [f"Takes what is in {topic.name} ({held}) in a group of its own; changes nothing."]
    if topic.groups:
        behind = ", ".join(f"{reader} ({lag:,} behind)" for reader, lag in topic.groups.items())
        remarks.append(f"Groups that read it, whose positions stay: {behind}.")
    if not topic.messages:
        remarks.append("It is empty now, and without messages there is nothing to judge.")
    return DraftBenchmark(
        name=f"take_{word}",
        scenario="readers",
        exec="consume",
        load={
            "executor": "constant-vus",
            "vus": _VUS,
            "duration": load.duration,
            "gracefulStop": "1s",
        },
        parameters={
            "topic": topic.name,
            "group": _own_group(name),
            "from": "beginning",
            "work": "1ms..5ms",
        },
        thresholds={
            "messages_consumed": ["count>0"],
            "message_processing_duration": ["p(95)<100"],
        },
        description=f"Take the messages of {topic.name}.",
        remarks=remarks,
    )


def _producing(topic: SeenTopic, word: str, load: FirstLoad) -> DraftBenchmark:
    readers = f", and its readers ({', '.join(topic.groups)}) get it" if topic.groups else ""
    remarks = [_SWITCHED_OFF.format(topic=topic.name, readers=readers)]
    if topic.sizes:
        remarks.append(
            f"Sizes as those of its newest {len(topic.sizes)} messages; put your own values in "
            "their place by json, value or payloads."
        )
    keys = {"keys": {"count": 1_000, "prefix": "key-"}} if topic.has_keys else {}
    return DraftBenchmark(
        name=f"produce_{word}",
        scenario="writers",
        exec="produce",
        load=load.executor(),
        parameters={"topic": topic.name, **keys, "size": _sizes(topic.sizes)},
        thresholds={
            "message_delivery_failed": ["rate<0.01"],
            "message_delivery_duration": ["p(95)<500"],
        },
        description=f"Produce to {topic.name}.",
        enabled=False,
        remarks=remarks,
    )


def _sizes(sizes: Sequence[int]) -> dict[str, int]:
    """Return a distribution like that of some sizes, which are sorted."""
    if not sizes:
        return dict(_NO_MESSAGES_SIZE)
    middle, high = sizes[len(sizes) // 2], sizes[min(len(sizes) - 1, len(sizes) * 99 // 100)]
    median = max(1, middle)
    return {"median": median, "p99": max(median, high), "most": max(median, sizes[-1])}


def _words(topics: Sequence[SeenTopic]) -> dict[str, str]:
    """Name topics as benchmarks are named, each by a name of its own."""
    words: dict[str, str] = {}
    for topic in topics:
        plain = re.sub(r"[^a-z0-9]+", "_", topic.name.lower()).strip("_")[:40] or "topic"
        word, number = plain, 1
        while word in words.values():
            number += 1
            word = f"{plain}_{number}"
        words[topic.name] = word
    return words


def _left_out(found: Survey) -> Iterator[str]:
    for topic in found.topics[_MOST_TOPICS:]:
        yield (
            f"topic {topic.name}, with {topic.messages:,} messages; --topic {topic.name} takes it"
        )


def _elsewhere(table: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(table.keys() & FILES):
        path = Path(table[key]).absolute()
        yield f"{path} of {key} stays where it is; for CI put it beside the profile"
