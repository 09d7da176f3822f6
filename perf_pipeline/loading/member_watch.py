"""Watch the workers of two sides, since one that joins or leaves during the load spoils the times.

Kafka then rebalances the partitions, and messages wait for that and not for work.
Add here: another event among workers that spoils a comparison. Keep out: asking groups
(stack/kafka_group.py), and following messages (followed_sides.py).
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from perf_pipeline.analysis.duet_record import SIDES
from perf_pipeline.config.own_topics import OwnProduceParameters
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.kafka_group import AskedTopic, Holder
from perf_pipeline.units import US_PER_S

_EVERY_S: Final = 1.0
_NS_PER_US: Final = 1_000
_APART_US: Final = 5 * US_PER_S
"""Between two looks that lie further apart, workers may come and go without anybody seeing it."""


@dataclass(frozen=True, slots=True)
class SeenHolders:
    """Hold which members had the partitions of a topic at a moment.

    Attributes:
        asked_us: the time before the question, since the load's origin.
        answered_us: the time after the brokers' answer.
        holders: the holders of each partition that somebody had.
    """

    asked_us: int
    answered_us: int
    holders: frozenset[Holder]


@dataclass(frozen=True, slots=True)
class WorkerLooks:
    """Hold all looks at the workers of both sides.

    Attributes:
        of_topics: the looks by side and topic, in the order of time.
    """

    of_topics: tuple[tuple[str, str, tuple[SeenHolders, ...]], ...] = ()

    def doubt(self, from_us: int, until_us: int) -> str:
        """Say why messages may have waited for something other than work; else nothing.

        The reason is that partitions were reassigned while messages were measured, or that nobody
        could see whether they were.

        Args:
            from_us: when the measurement began, since the load's origin.
            until_us: when the last message of it had ended; later looks do not count.
        """
        for side, topic, looks in self.of_topics:
            if (moved_us := _moved_us(looks, from_us, until_us)) is not None:
                after_s = max(0, moved_us - from_us) / US_PER_S
                return (
                    f"the partitions of the {side}'s topic {topic} were dealt out again among its "
                    f"workers by second {after_s:.0f} of the measurement, so messages "
                    "waited for that and not for work; let all workers join within --warm-up, "
                    "and let none join or leave afterwards"
                )
        for side, topic, looks in self.of_topics:
            if not _is_seen(looks, from_us, until_us):
                return (
                    f"nobody could see all the time who works on the {side}'s topic {topic}, so "
                    "that workers may have come or gone while messages were measured; let them be "
                    "in a consumer group before the measurement begins, and let the target's login "
                    "describe groups"
                )
        return ""


def _moved_us(looks: Sequence[SeenHolders], from_us: int, until_us: int) -> int | None:
    """Return when other members had the partitions than at the start; None if never."""
    if not looks:
        return None
    known = max(1, sum(look.answered_us <= from_us for look in looks))
    others = (look.asked_us for look in looks[known:] if look.holders != looks[known - 1].holders)
    return next((asked_us for asked_us in others if asked_us <= until_us), None)


def _is_seen(looks: Sequence[SeenHolders], from_us: int, until_us: int) -> bool:
    """Say whether somebody had partitions at the start, and looks followed until the end."""
    before = sum(look.answered_us <= from_us for look in looks)
    if not before or not looks[before - 1].holders:
        return False
    meanwhile = [look.asked_us for look in looks[before - 1 :] if look.asked_us <= until_us]
    gaps = (after - at for at, after in pairwise([*meanwhile, until_us]))
    return len(meanwhile) > 1 and max(gaps) <= _APART_US


@dataclass(slots=True)
class _AskedOfSide:
    """Hold what is known about a topic so far.

    Attributes:
        told: the group that workers were told; empty if somebody else started them.
        is_taken: whether that group was seen at work, so that no other group counts.
    """

    side: str
    topic: str
    told: str
    asked: AskedTopic
    is_taken: bool = False
    looks: list[SeenHolders] = field(default_factory=list)


class MemberWatch:
    """Check every second which members have the partitions that both sides' messages go to.

    A topic of deliveries needs no worker.

    Args:
        sides: a session for each side.
        benchmark: the benchmark whose load runs.
        origin_ns: the origin, in `time.monotonic_ns`, of the load.
        groups: the groups that each side's workers were told; empty if somebody else started them.
    """

    def __init__(
        self, sides: Sequence[Session], benchmark: str, origin_ns: int, groups: Sequence[str]
    ) -> None:
        self._origin_ns = origin_ns
        self._watched = [
            _AskedOfSide(name, topic, group, AskedTopic(side.target.brokers or "", topic))
            for name, side, group in zip(SIDES, sides, groups, strict=True)
            for topic in sorted(set(_topics_of(side, benchmark)))
        ]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._meanwhile, name="workers", daemon=True)

    def begin(self) -> None:
        """Look once, then keep looking in the background."""
        if self._watched:
            self._look()
            self._thread.start()

    def finish(self) -> WorkerLooks:
        """Look once more, and return what was seen."""
        self.close()
        self._look()
        return WorkerLooks(tuple((it.side, it.topic, tuple(it.looks)) for it in self._watched))

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _meanwhile(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        for it in self._watched:
            asked_us = self._now_us()
            found = it.asked.holders((it.told,) if it.is_taken else ())
            if found is None:
                continue
            # Workers that were told a group may still use one of their own.
            told = frozenset(holder for holder in found if holder.group == it.told)
            it.is_taken = it.is_taken or bool(told)
            holders = told if it.is_taken else found
            it.looks.append(SeenHolders(asked_us, self._now_us(), holders))

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) // _NS_PER_US


def _topics_of(side: Session, benchmark: str) -> Iterator[str]:
    config = side.profile.benchmarks[benchmark]
    shown = config.deliveries.topic if config.deliveries is not None else None
    for scenario in config.scenarios.values():
        own = scenario.parameters
        if isinstance(own, OwnProduceParameters) and own.topic and own.topic != shown:
            yield own.topic
