"""What own messages need of the target's brokers before a load: their topic, and room for them.

Add here: another question that is asked of the brokers before own messages flow. Keep out: the load
(workloads/kafka/).
"""

from collections.abc import Iterator
from pathlib import Path

from perf_pipeline.config.message_sizes import largest_bytes
from perf_pipeline.config.own_topics import OwnProduceParameters
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.seeding import require_brokers
from perf_pipeline.loading.session import Session
from perf_pipeline.workloads.kafka.topic_settings import most_message_bytes


def require_own_topics(session: Session, benchmark: str) -> None:
    """Ask whether the topics of own messages are there, and take messages of their size.

    Raises:
        ProfileError: a message is larger than its topic takes; says both sizes.
        TargetUnavailableError: the brokers do not answer, or have no such topic.
    """
    mistakes = list(_too_large(session, benchmark))
    if mistakes:
        raise ProfileError(session.profile.name, mistakes)


def own_topics_of(session: Session, config: BenchmarkConfig) -> list[str]:
    """Return the topics of a benchmark's own messages, each once."""
    own = (scenario.parameters for scenario in config.scenarios.values())
    topics = (
        one.topic or session.target.topic for one in own if isinstance(one, OwnProduceParameters)
    )
    return list(dict.fromkeys(topics))


def _too_large(session: Session, benchmark: str) -> Iterator[str]:
    config, folder = session.profile.benchmarks[benchmark], Path(session.profile.folder)
    for name, scenario in config.scenarios.items():
        own = scenario.parameters
        if not isinstance(own, OwnProduceParameters):
            continue
        topic = own.topic or session.target.topic
        most = most_message_bytes(require_brokers(session), topic)
        largest = largest_bytes(own, scenario.env, folder)
        # How small compression makes a batch is known only afterwards.
        if most is not None and largest > most and own.compression == "none":
            yield (
                f"benchmarks.{benchmark}.scenarios.{name}: its largest message has {largest:,} "
                f"bytes, and the topic {topic} takes at most {most:,} (max.message.bytes); make "
                "messages smaller, or raise the topic's limit"
            )
