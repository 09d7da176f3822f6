"""Distinguish messages that brokers delete before they are consumed (expired) from lost ones.

Before a load, brokers are asked how long they keep messages; afterwards, whether they deleted some
anyway (`retention.bytes`, a changed setting, records that somebody deleted).
Add here: another sign that messages expired. Keep out: the settings themselves (workloads/kafka/).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from perf_pipeline.benchmarks.record import LedgerKind
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.own_topics import counts_by_id, topics_with_ids
from perf_pipeline.loading.seeding import require_brokers
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import PartitionLag
from perf_pipeline.report.wording import plural
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.kafka.topics import watermarks

# The time between two loads, in which workers end and start, and machine and brokers are checked.
_AROUND_A_LOAD_US: Final = 60 * US_PER_S
_UNKNOWN: Final = "it is unknown whether missing messages were lost or expired: {}"


def longest_wait_us(session: Session, benchmark: str) -> int:
    """Return how long a message that is produced from now on may wait before it is consumed.

    It may wait until the end of the last planned benchmark that consumes from the topic, or of this
    one if none follows.
    """
    names = list(session.planned)
    at = names.index(benchmark) if benchmark in names else 0
    later = names[at:] or [benchmark]
    consuming = [
        number
        for number, name in enumerate(later)
        if record_of(name).ledger is LedgerKind.OWN_CONSUMER
    ]
    until = later[: (consuming[-1] if consuming else 0) + 1]
    return sum(_longest_us(session.profile.benchmarks[name]) + _AROUND_A_LOAD_US for name in until)


def _longest_us(config: BenchmarkConfig) -> int:
    plans = (
        [scenario.plan for scenario in scenarios.values()] for _, scenarios in config.load_steps
    )
    return sum(
        max(
            scenario.start_time_us + scenario.length_us + scenario.graceful_stop_us
            for scenario in step
        )
        for step in plans
    )


def positions_file(session: Session) -> Path:
    """Return the file with the positions of the run's consumers, as they were fixed."""
    return session.folder / "positions.json"


def expired(session: Session, benchmark: str) -> str | None:
    """Say which messages the brokers deleted since the consumers' positions were fixed, if any.

    Raises:
        TargetUnavailableError: the brokers do not answer.
    """
    topic, file = session.profile.benchmarks[benchmark].topic, positions_file(session)
    if not file.exists():
        return None
    fixed = json.loads(file.read_text(encoding="utf-8"))
    return _told(topic, dict(_deleted(require_brokers(session), topic, fixed)))


def note_ends(session: Session, benchmark: str) -> None:
    """Record before the load where those topics end whose messages are known by id.

    Raises:
        TargetUnavailableError: the brokers do not answer, or have no such topic.
    """
    if counts_by_id(session, benchmark):
        ends = {
            topic: {mark.partition: mark.high_watermark for mark in _marks(session, topic)}
            for topic in topics_with_ids(session, benchmark)
        }
        _ends_file(session, benchmark).write_text(json.dumps(ends), encoding="utf-8")


def noted_ends(session: Session, benchmark: str) -> dict[str, dict[str, int]]:
    """Return by topic and partition where a benchmark's topics ended before its load.

    What lies before is of an earlier load. It is empty if messages are not known by id.
    """
    file = _ends_file(session, benchmark)
    found: dict[str, dict[str, int]] = {}
    if file.exists():
        found = json.loads(file.read_text(encoding="utf-8"))
    return found


def own_expired(session: Session, benchmark: str) -> str | None:
    """Say which of a benchmark's own messages the brokers deleted since its load began, if any.

    None also if nobody recorded where its topics ended.
    """
    ends = noted_ends(session, benchmark)
    try:
        brokers = require_brokers(session) if ends else ""
        told = (_told(topic, dict(_deleted(brokers, topic, ends[topic]))) for topic in ends)
        return "; ".join(filter(None, told)) or None
    except TargetUnavailableError as error:
        return _UNKNOWN.format(error.sentence)


def _ends_file(session: Session, benchmark: str) -> Path:
    return session.folder / f"ends-{benchmark}.json"


def _marks(session: Session, topic: str) -> list[PartitionLag]:
    return watermarks(require_brokers(session), topic)


def _told(topic: str, deleted: Mapping[int, int]) -> str | None:
    if not deleted:
        return None
    places = ", ".join(
        f"{count:,} of partition {partition}" for partition, count in deleted.items()
    )
    count = plural(sum(deleted.values()), "message")
    return (
        f"the brokers deleted {count} of {topic} during the run ({places}), so it is unknown "
        "whether missing messages were lost, or expired before they were consumed; give the topic "
        "a larger retention.ms and retention.bytes"
    )


def _deleted(brokers: str, topic: str, fixed: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    for mark in watermarks(brokers, topic):
        count = mark.low_watermark - fixed.get(str(mark.partition), mark.low_watermark)
        if count > 0:
            yield mark.partition, count


def expired_if_known(session: Session, benchmark: str) -> str | None:
    """Say what expired, or that this is unknown; None if nothing did."""
    try:
        return expired(session, benchmark)
    except TargetUnavailableError as error:
        return _UNKNOWN.format(error.sentence)
