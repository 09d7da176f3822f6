"""Follow promised messages to the place where the profile says that deliveries appear.

Times are converted to our clock by the other clock's measured offset, and carry its error bound.
Add here: another figure from matching promises and deliveries. Keep out: reading (workloads/), and
the reference system's own table (deliveries.py).
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from perf_pipeline.analysis.clock import ClockOffset
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.engine.wall_clock import wall_clock_at_us
from perf_pipeline.loading.clock_watch import ClockWatch
from perf_pipeline.loading.deliveries import (
    CLOCK_SLACK_US,
    Collected,
    clock_told,
    write_ledger,
)
from perf_pipeline.loading.own_sources import axis_of, clock_of, source_of
from perf_pipeline.loading.promised_ids import PromisedIds
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.completion import Completion, DeliverySource
from perf_pipeline.metrics.sample import Figure, LedgerEntry, LedgerEvent
from perf_pipeline.store.spool_figures import out_of_time_from_spool
from perf_pipeline.units import US_PER_MS, US_PER_S

_POLL_S: Final = 0.2
_SHARE: Final = 5  # after a slow question, wait five times as long before the next one
_SILENT_CLOCK: Final = (
    "{} did not answer after the load, so nobody knows how far it is from this machine's: "
    "message latencies can't be measured"
)


def require_own_deliveries(session: Session, benchmark: str) -> None:
    """Check before a load that the place and the clock of its deliveries can be read.

    Raises:
        TargetUnavailableError: they can't; the message names the key of the profile.
    """
    deliveries = session.profile.benchmarks[benchmark].deliveries
    if deliveries is None:
        return
    origin_ns = time.monotonic_ns()
    source_of(session, benchmark, deliveries, session.folder / benchmark, origin_ns).require()
    if (clock := clock_of(session, deliveries, origin_ns)) is not None:
        try:
            clock.open()
        finally:
            clock.close()


@dataclass(slots=True)
class OwnDeliveries:
    """Follow the deliveries of one benchmark, from right before its load until after it.

    Attributes:
        session: the session of the run.
        deliveries: where deliveries show.
        folder: the folder of the benchmark in the spool.
        origin_ns: the origin, in `time.monotonic_ns`, of the benchmark.
        timeout_s: the longest wait without any progress after the load.
        source: the reader of deliveries.
        watch: measures their clock; None if they use ours.
    """

    session: Session
    deliveries: Deliveries
    folder: Path
    origin_ns: int
    timeout_s: float
    source: DeliverySource
    watch: ClockWatch | None

    @classmethod
    def of(
        cls, session: Session, benchmark: str, deliveries: Deliveries, folder: Path, origin_ns: int
    ) -> Self:
        """Make the follower of a benchmark's deliveries.

        Raises:
            TargetUnavailableError: the target has no such part.
        """
        clock = clock_of(session, deliveries, origin_ns)
        return cls(
            session,
            deliveries,
            folder,
            origin_ns,
            session.profile.benchmarks[benchmark].drain_timeout_us / US_PER_S,
            source_of(session, benchmark, deliveries, folder, origin_ns),
            None if clock is None else ClockWatch(clock),
        )

    def begin(self) -> None:
        """Start looking for deliveries, and measuring the clock.

        Raises:
            TargetUnavailableError: the place or the clock does not answer.
        """
        if self.watch is not None:
            self.watch.begin()
        self.source.begin()

    def collect(self) -> Collected:
        """Wait for messages on their way, match them with the promised ones, and record them.

        Raises:
            TargetUnavailableError: the place does not answer any more.
        """
        ended_us = axis_of(self.origin_ns)()
        promises = PromisedIds(self.folder).fresh()
        promised = {message_id for message_id, _ in promises}
        found = self._awaited(promised)
        self.source.end()
        offset = None if self.watch is None else self.watch.finish()
        if self.watch is not None and offset is None:
            return Collected(is_known=False, limits=(_SILENT_CLOCK.format(self.watch.name),))
        entries = list(_entries(found, offset))
        write_ledger(self.folder / "ledger-deliveries.csv", entries)
        return self._told(promises, entries, found, offset, ended_us)

    def close(self) -> None:
        """Release place and clock, whatever happened."""
        self.source.end()
        if self.watch is not None:
            self.watch.close()

    def _awaited(self, promised: set[str]) -> list[Completion]:
        """Read until everything has arrived, or until nothing has arrived for the given time."""
        deadline, arrived = time.monotonic() + self.timeout_s, -1
        while True:
            asked = time.monotonic()
            found = [
                completion
                for completion in self.source.read(promised)
                if completion.message_id in promised
            ]
            before, arrived = arrived, len({completion.message_id for completion in found})
            now = time.monotonic()
            if arrived > before:
                deadline = now + self.timeout_s
            if arrived >= len(promised) or now >= deadline:
                return found
            if self.session.stop.wait(max(_POLL_S, _SHARE * (now - asked))):
                return found

    def _told(
        self,
        promises: list[tuple[str, int]],
        entries: list[LedgerEntry],
        found: list[Completion],
        offset: ClockOffset | None,
        ended_us: int,
    ) -> Collected:
        twice = tuple(_twice_told(promises))
        slack_us = max((completion.slack_us for completion in found), default=0)
        error_us = slack_us + (0 if offset is None else offset.error_us)
        now_us = axis_of(self.origin_ns)()
        wrong = out_of_time_from_spool(self.folder, now_us, CLOCK_SLACK_US + error_us)
        first: dict[str, int] = {}
        for entry in entries:
            first[entry.message_id] = min(entry.at_us, first.get(entry.message_id, entry.at_us))
        late = sum(at_us > ended_us for at_us in first.values())
        return Collected(
            is_known=not twice,
            problems=(*self.source.oddities, *twice),
            limits=(*clock_told(wrong), *twice),
            figures=(
                Figure("messages_late", float(late)),
                Figure("latency_error_ms", error_us / US_PER_MS),
                *self._clock_figures(offset),
            ),
            told=tuple(self._bound_told(offset, slack_us)),
        )

    def _clock_figures(self, offset: ClockOffset | None) -> Iterator[Figure]:
        if offset is not None:
            yield Figure("clock_offset_ms", self._ahead_us(offset) / US_PER_MS)

    def _bound_told(self, offset: ClockOffset | None, slack_us: int) -> Iterator[str]:
        if offset is not None and self.watch is not None:
            ahead_ms = self._ahead_us(offset) / US_PER_MS
            side = "ahead of" if ahead_ms >= 0 else "behind"
            yield (
                f"{self.watch.name} is {abs(ahead_ms):,.1f} ms {side} this machine's, known to "
                f"±{offset.error_us / US_PER_MS:,.1f} ms; message latencies are corrected by it"
            )
        if slack_us:
            yield (
                f"deliveries were seen by polls: a latency may be up to {slack_us / US_PER_MS:,.0f}"
                " ms too long"
            )

    def _ahead_us(self, offset: ClockOffset) -> int:
        """Return how far the other wall clock is ahead of ours."""
        wall_origin_us = wall_clock_at_us(self.origin_ns)
        return offset.offset_us - wall_origin_us


def _twice_told(promises: list[tuple[str, int]]) -> Iterator[str]:
    times = Counter(message_id for message_id, _ in promises)
    twice = [message_id for message_id, count in times.items() if count > 1]
    if twice:
        yield (
            f"{len(twice):,} message ids were promised more than once, such as {twice[0]!r}: "
            "lost and duplicate messages and latencies are not known; `message` has "
            "to differ between messages"
        )


def _entries(found: list[Completion], offset: ClockOffset | None) -> Iterator[LedgerEntry]:
    for completion in found:
        theirs_us = 0 if completion.is_ours or offset is None else offset.offset_us
        at_us = completion.at_us - theirs_us
        yield LedgerEntry(completion.message_id, LedgerEvent.COMPLETED, at_us)
