"""Check before a load that the target's brokers have the topics of own messages, and take them.

Add here: another check of the brokers before own messages are sent. Keep out: the load
(workloads/kafka/).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.message_sizes import largest_bytes
from perf_pipeline.config.own_topics import OwnConsumeParameters, OwnProduceParameters
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.config.safety import require_allowed
from perf_pipeline.config.target import allowed_hosts
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.loading.seeding import require_brokers
from perf_pipeline.loading.session import Aim, Session
from perf_pipeline.workloads.kafka.topic_settings import is_compacted, most_message_bytes
from perf_pipeline.workloads.kafka.topics import fix_position

OwnMessages = OwnProduceParameters | OwnConsumeParameters


def require_own_topics(session: Aim, benchmark: str) -> None:
    """Check that the topics of own messages exist, and take messages of their size.

    Raises:
        ProfileError: a message is larger than its topic takes; the sentence names both sizes.
        TargetUnavailableError: the brokers do not answer, or have no such topic.
    """
    own_groups_of(session, benchmark)
    most_bytes = {
        topic: most_message_bytes(require_brokers(session), topic)
        for topic in own_topics_of(session, session.profile.benchmarks[benchmark])
    }
    _require_registries(session, benchmark)
    mistakes = list(_too_large(session, benchmark, most_bytes))
    if mistakes:
        raise ProfileError(session.profile.name, mistakes)


def _require_registries(session: Aim, benchmark: str) -> None:
    """Refuse a schema registry on a host that nobody allowed.

    Raises:
        TargetNotAllowedError: there is such a host; the message names it.
    """
    allowed = allowed_hosts(session.target)
    for own in _own(session, benchmark):
        schema = own.registered if isinstance(own, OwnProduceParameters) else None
        if schema is None:
            continue
        place = WebAddress.read_base(schema.registry).place
        require_allowed(place, allowed, f"the schema registry {place.host}")


def topic_of(session: Aim, own: OwnMessages) -> str:
    """Return the topic that own messages go to or come from: by default the target's."""
    return own.topic or session.target.topic


def own_topics_of(session: Aim, config: BenchmarkConfig) -> list[str]:
    """Return the topics of a benchmark's own messages without duplicates."""
    own = (scenario.parameters for scenario in config.scenarios.values())
    topics = (topic_of(session, messages) for messages in own if isinstance(messages, OwnMessages))
    return list(dict.fromkeys(topics))


def own_groups_of(session: Aim, benchmark: str) -> dict[str, str]:
    """Return the groups that a benchmark's own consumers form, each with its topic.

    Raises:
        ProfileError: a group has two topics or is the system's, or two groups take messages by id.
    """
    _expect_one_group_for_ids(session, benchmark)
    config, found = session.profile.benchmarks[benchmark], dict[str, str]()
    for name, scenario in config.scenarios.items():
        own = scenario.parameters
        if not isinstance(own, OwnConsumeParameters):
            continue
        group, topic = own.group or config.group, topic_of(session, own)
        place = f"benchmarks.{benchmark}.scenarios.{name}"
        if group == watched_group(session):
            sentence = (
                f"{place}: its group {group} is that of the target {session.target.name}, whose "
                "messages it would take; write another group"
            )
            raise ProfileError(session.profile.name, [sentence])
        if found.setdefault(group, topic) != topic:
            sentence = (
                f"{place}: its group {group} consumes {found[group]} as well; write another group"
            )
            raise ProfileError(session.profile.name, [sentence])
    return found


def _expect_one_group_for_ids(session: Aim, benchmark: str) -> None:
    """Refuse two groups that take messages by id: what one lost would be found with the other.

    Raises:
        ProfileError: names the groups.
    """
    config, groups = session.profile.benchmarks[benchmark], dict[str, dict[str, str]]()
    if not any(
        isinstance(own, OwnProduceParameters) and own.message_id for own in _own(session, benchmark)
    ):
        return
    for name, scenario in config.scenarios.items():
        own = scenario.parameters
        if isinstance(own, OwnConsumeParameters) and own.message_id is not None:
            groups.setdefault(topic_of(session, own), {})[own.group or config.group] = name
    for topic, names in groups.items():
        if len(names) > 1:
            sentence = (
                f"benchmarks.{benchmark}: the groups {' and '.join(names)} both take messages of "
                f"{topic} by their ids, so that each would count twice, and what one group lost "
                f"would count as taken; leave messageId out of the scenario "
                f"{' or '.join(names.values())}"
            )
            raise ProfileError(session.profile.name, [sentence])


def watched_group(session: Aim) -> str | None:
    """Return the group of the system, if the profile names one; the default may be a stranger's."""
    written = session.profile.targets.get(session.profile.target)
    is_named = written is not None and "group" in written.model_fields_set
    return session.target.group if is_named else None


def fix_own_positions(session: Session, benchmark: str) -> None:
    """Set the positions of a benchmark's own consumer groups as their scenarios say.

    Raises:
        TargetUnavailableError: the brokers do not answer, have no such topic, or a group has
            members.
    """
    begins = {
        own.group or session.profile.benchmarks[benchmark].group: own.begin
        for own in _consumers(session, benchmark)
    }
    for group, topic in own_groups_of(session, benchmark).items():
        if begins[group] != "position":
            at_end = begins[group] == "end"
            fix_position(require_brokers(session), group, topic, at_end=at_end)


def counts_by_id(session: Session, benchmark: str) -> bool:
    """Say whether a benchmark produces and consumes messages with ids, and so counts by id."""
    produced = _topics_with_ids(session, benchmark, OwnProduceParameters)
    return bool(produced) and produced <= _topics_with_ids(session, benchmark, OwnConsumeParameters)


def compaction_of(session: Session, benchmark: str) -> str | None:
    """Say why lost messages can't be recognised: the topic is compacted, or unknown.

    A message that a later one replaced is not lost.
    """
    try:
        for topic in topics_with_ids(session, benchmark):
            if is_compacted(require_brokers(session), topic):
                return (
                    f"the topic {topic} is compacted, so that nobody can tell a lost message from "
                    "one that a later one replaced: lost messages are not counted"
                )
    except TargetUnavailableError as error:
        return error.sentence
    return None


def topics_with_ids(session: Session, benchmark: str) -> list[str]:
    """Return the topics to which a benchmark produces messages with ids, in their order."""
    return sorted(_topics_with_ids(session, benchmark, OwnProduceParameters))


def _topics_with_ids(session: Session, benchmark: str, kind: type[OwnMessages]) -> set[str]:
    return {
        topic_of(session, own)
        for own in _own(session, benchmark)
        if isinstance(own, kind) and own.message_id is not None
    }


def _consumers(session: Session, benchmark: str) -> list[OwnConsumeParameters]:
    return [own for own in _own(session, benchmark) if isinstance(own, OwnConsumeParameters)]


def _own(session: Aim, benchmark: str) -> list[Frozen]:
    scenarios = session.profile.benchmarks[benchmark].scenarios
    return [scenario.parameters for scenario in scenarios.values()]


def _too_large(session: Aim, benchmark: str, most_bytes: Mapping[str, int | None]) -> Iterator[str]:
    config, folder = session.profile.benchmarks[benchmark], Path(session.profile.folder)
    for name, scenario in config.scenarios.items():
        own = scenario.parameters
        if not isinstance(own, OwnProduceParameters):
            continue
        topic = topic_of(session, own)
        most = most_bytes[topic]
        largest = largest_bytes(own, scenario.env, folder)
        # Only afterwards is it known how small compression makes a batch.
        if most is not None and largest > most and own.compression == "none":
            yield (
                f"benchmarks.{benchmark}.scenarios.{name}: its largest message has {largest:,} "
                f"bytes, and the topic {topic} takes at most {most:,} (max.message.bytes); make "
                "messages smaller, or raise the topic's limit"
            )
