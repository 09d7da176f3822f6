"""Look who works on the messages of two sides: a worker that comes or goes spoils their times.

Kafka then shares the partitions anew, and messages wait for that and not for work.
Add here: another thing about workers that spoils a comparison. Keep out: what groups say
(stack/kafka_group.py), and following messages (followed_sides.py).
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from perf_pipeline.analysis.duet_record import SIDES
from perf_pipeline.config.own_topics import OwnProduceParameters
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.kafka_group import AskedTopic, Holder
from perf_pipeline.units import US_PER_S

_EVERY_S: Final = 1.0
_NS_PER_US: Final = 1_000


@dataclass(frozen=True, slots=True)
class SeenHolders:
    """Hold who had the partitions of a topic at a moment.

    Attributes:
        at_us: before it was asked, from the load's origin on.
        holders: of each partition that somebody had.
    """

    at_us: int
    holders: frozenset[Holder]


@dataclass(frozen=True, slots=True)
class WorkerLooks:
    """Hold what was seen of the workers of both sides.

    Attributes:
        of_topics: by side and topic, in the order of time.
    """

    of_topics: tuple[tuple[str, str, tuple[SeenHolders, ...]], ...] = ()

    def moved(self, from_us: int) -> str:
        """Say that partitions were given to others while messages were measured; else nothing.

        Args:
            from_us: when the measurement began, from the load's origin on.
        """
        for side, topic, looks in self.of_topics:
            known = [look for look in looks if look.at_us <= from_us][-1:] or [*looks[:1]]
            for look in looks:
                if known and look.at_us > known[0].at_us and look.holders != known[0].holders:
                    after_s = max(0, look.at_us - from_us) / US_PER_S
                    return (
                        f"the partitions of the {side}'s topic {topic} were shared anew among its "
                        f"workers by second {after_s:.0f} of the measurement, so that messages "
                        "waited for that and not for work; let all workers join within --warm-up, "
                        "and none come or go afterwards"
                    )
        return ""


@dataclass(slots=True)
class _AskedOfSide:
    """Hold what is known of a topic so far."""

    side: str
    topic: str
    asked: AskedTopic
    groups: frozenset[str] = frozenset()
    looks: list[SeenHolders] = field(default_factory=list)


class MemberWatch:
    """Look every second who has the partitions to which both sides' messages go.

    Brokers that do not say so leave nothing to judge by.

    Args:
        sides: a session of each.
        benchmark: that is loaded.
        origin_ns: of the load.
    """

    def __init__(self, sides: Sequence[Session], benchmark: str, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._watched = [
            _AskedOfSide(name, topic, AskedTopic(side.target.brokers or "", topic))
            for name, side in zip(SIDES, sides, strict=True)
            for topic in sorted(set(_topics_of(side, benchmark)))
        ]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._meanwhile, name="workers", daemon=True)

    def begin(self) -> None:
        """Look once, and go on in the background."""
        if self._watched:
            self._look(at_all_groups=True)
            self._thread.start()

    def finish(self) -> WorkerLooks:
        """Look once more, also for groups that are new, and return what was seen."""
        self.close()
        self._look(at_all_groups=True)
        return WorkerLooks(tuple((it.side, it.topic, tuple(it.looks)) for it in self._watched))

    def close(self) -> None:
        """Look no longer."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _meanwhile(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._look(at_all_groups=False)

    def _look(self, *, at_all_groups: bool) -> None:
        for it in self._watched:
            at_us = (time.monotonic_ns() - self._origin_ns) // _NS_PER_US
            found = it.asked.holders(() if at_all_groups else it.groups)
            if found is None:
                continue
            # Workers that were told a group are in it; another group works for somebody else.
            told = frozenset(holder for holder in found if holder.group == it.topic)
            holders = told or found
            it.groups |= {holder.group for holder in holders}
            it.looks.append(SeenHolders(at_us, holders))


def _topics_of(side: Session, benchmark: str) -> Iterator[str]:
    for scenario in side.profile.benchmarks[benchmark].scenarios.values():
        own = scenario.parameters
        if isinstance(own, OwnProduceParameters) and own.topic:
            yield own.topic
