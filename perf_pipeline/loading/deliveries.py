"""Complete a benchmark's ledger with messages promised before its load and delivered after it.

Add here: another way in which messages leave or reach a benchmark. Keep out: counting (store/).
"""

import csv
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.engine.health import CLOCK_STEP_LIMIT_MS
from perf_pipeline.engine.wall_clock import WallClockWatch, wall_clock_at_us
from perf_pipeline.loading.jobs import run_of
from perf_pipeline.loading.seeding import require_postgres
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import LEDGER_COLUMNS, Figure, LedgerEntry, LedgerEvent
from perf_pipeline.metrics.totals import LedgerCounts, OutOfTime, SpanFigures
from perf_pipeline.report.wording import plural
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.spool_figures import out_of_time_from_spool
from perf_pipeline.units import US_PER_MS, US_PER_S
from perf_pipeline.workloads.people import run_email_pattern
from perf_pipeline.workloads.postgres.deliveries import (
    MOST_ATTEMPTS,
    DeliveryRow,
    await_deliveries,
    read_deliveries,
)

BACKLOG_AT_US: Final = 0
CLOCK_SLACK_US: Final = round(CLOCK_STEP_LIMIT_MS * US_PER_MS)
IDLE_US: Final = US_PER_S // 2
NO_TABLE: Final = (
    "the system's database has no table message_deliveries: "
    "message latency, lost and duplicate messages were not measured"
)


def take_over_backlog(produced: Path, folder: Path) -> int:
    """Record the messages that an earlier benchmark produced, and return their number.

    They were acknowledged before this benchmark's origin; their time is written as 0.
    """
    entries = (
        LedgerEntry(row["message_id"], LedgerEvent.ACKNOWLEDGED, BACKLOG_AT_US)
        for path in sorted(produced.glob("ledger-*.csv"))
        for row in _whole_rows(path)
        if row["event"] == LedgerEvent.ACKNOWLEDGED
    )
    return write_ledger(folder / "ledger-backlog.csv", entries)


@dataclass(frozen=True, slots=True)
class Collected:
    """Hold how completing a ledger went.

    Attributes:
        is_known: whether the ledger shows deliveries.
        problems: what a reader must know, in one sentence each.
        limits: why message latencies are not known, in one sentence each.
        figures: figures that follow from the collecting.
        told: what a reader of the figures should know even though nothing is wrong.
    """

    is_known: bool
    problems: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    told: tuple[str, ...] = ()


def collect_deliveries(
    session: Session,
    benchmark: str,
    folder: Path,
    origin_ns: int,
    expected: int,
    clock: WallClockWatch,
) -> Collected:
    """Wait for the workers' deliveries and record them.

    The workers use the wall clock of this machine; its times are converted to the benchmark's axis
    by reading both clocks now. If the wall clock was set since `clock` began, the benchmark is
    invalid; a completion before its request makes it so, too.

    Raises:
        TargetUnavailableError: the database does not answer.
    """
    dsn = require_postgres(session)
    pattern = run_email_pattern(run_of(session, benchmark))
    timeout_s = session.profile.benchmarks[benchmark].drain_timeout_us / US_PER_S
    arrived = await_deliveries(dsn, pattern, expected, timeout_s, session.stop, clock.look)
    if arrived is None:
        return Collected(is_known=False, problems=(NO_TABLE,))
    wall_origin_us = wall_clock_at_us(origin_ns)
    deliveries, oddities = read_deliveries(dsn, pattern), list[str]()
    write_ledger(folder / "ledger-deliveries.csv", _stations(deliveries, wall_origin_us, oddities))
    now_us = (time.monotonic_ns() - origin_ns) // 1_000
    found = out_of_time_from_spool(folder, now_us, CLOCK_SLACK_US)
    return Collected(
        is_known=True,
        problems=tuple(_oddities_told(oddities)),
        limits=(*clock_told(found), *clock_set_told(clock)),
    )


def _oddities_told(oddities: Sequence[str]) -> Iterator[str]:
    if oddities:
        yield (
            f"{plural(len(oddities), 'row')} of message_deliveries can't be right, such as the "
            f"first one {oddities[0]}; without a valid time of completion a message counts as not "
            f"delivered, and attempts outside 1 to {MOST_ATTEMPTS:,} count as the nearest valid "
            "number"
        )


def clock_set_told(watch: WallClockWatch) -> Iterator[str]:
    """Say that the wall clock was set since the load began; deliveries are stamped by it.

    The load's own health sees only what is set while a load runs, and not between steps or while
    deliveries are awaited.
    """
    watch.look()
    if abs(watch.step_ms) > CLOCK_STEP_LIMIT_MS:
        yield (
            f"the wall clock was set by {watch.step_ms:+.0f} ms between the begin of the load and "
            f"its last delivery (limit {CLOCK_STEP_LIMIT_MS:.0f} ms), so message latencies can't "
            "be measured; run again"
        )


def clock_told(found: OutOfTime) -> Iterator[str]:
    """Say that messages were completed at impossible times; nothing if none were."""
    wrong = found.early + found.late
    if wrong:
        yield (
            f"{wrong:,} of {found.messages:,} messages were completed up to "
            f"{found.most_us / US_PER_S:.1f} s before they were asked for, or in the future: the "
            "clock of the system's workers differs from this machine's, so message latencies can't "
            "be measured; correct the clocks, or the time zone of completed_at"
        )


def still_consuming(
    ledger: LedgerCounts, spans: Iterable[SpanFigures], counts: Iterable[ScenarioCounts]
) -> str | None:
    """Say why missing messages may still be waiting; None if the consumer had time for all.

    A consumer that was idle at the end of its time had taken everything.
    """
    ends_us = {scenario.name: scenario.measured_until_us for scenario in counts}
    for span in spans:
        idle_us = ends_us.get(span.scenario, span.last_ended_us) - span.last_ended_us
        if span.operation == "consume" and ledger.lost and idle_us < IDLE_US:
            return (
                f"{ledger.lost:,} messages had not been consumed when the consumer's time was "
                "over, but it was still busy or got no answer, so it is unknown whether they "
                f"were lost or just waiting; give {span.scenario} a longer duration or more VUs"
            )
    return None


def _stations(
    deliveries: Iterable[DeliveryRow], wall_origin_us: int, oddities: list[str]
) -> Iterator[LedgerEntry]:
    """Yield the stations of each delivery; add anything odd about a row to `oddities`."""
    for delivery in deliveries:
        if delivery.oddity:
            oddities.append(f"of user {delivery.user_id}: {delivery.oddity}")
        passed = (
            (LedgerEvent.PUBLISHED, delivery.published_us),
            (LedgerEvent.RECEIVED, delivery.received_us),
            *[(LedgerEvent.COMPLETED, delivery.completed_us)] * delivery.attempts,
        )
        for event, wall_us in passed:
            if wall_us is not None:
                yield LedgerEntry(delivery.user_id, event, wall_us - wall_origin_us)


def _whole_rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("at_us"):
                yield row


def write_ledger(path: Path, entries: Iterable[LedgerEntry]) -> int:
    """Write entries of a ledger, and return their number."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(LEDGER_COLUMNS)
        for entry in entries:
            writer.writerow(astuple(entry))
            count += 1
    return count
