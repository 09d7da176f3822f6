"""Complete a benchmark's ledger after its load, and say whether it can be counted.

Add here: another reason why a missing message is not lost. Keep out: reading deliveries
(deliveries.py) and counting (store/).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perf_pipeline.benchmarks.record import LedgerKind
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.engine.wall_clock import WallClockWatch
from perf_pipeline.loading.deliveries import Collected, collect_deliveries, still_consuming
from perf_pipeline.loading.expiry import expired_if_known, own_expired
from perf_pipeline.loading.own_deliveries import OwnDeliveries
from perf_pipeline.loading.own_topics import compaction_of, counts_by_id
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.metrics.totals import LedgerCounts, SpanFigures
from perf_pipeline.report.wording import plural
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.spool_figures import ledger_counts_from_spool


@dataclass(frozen=True, slots=True)
class CompletedLedger:
    """Hold how completing a ledger went.

    Attributes:
        counts: the counts of its messages; None where there is no ledger, or it is unknown what was
            lost.
        problems: what a reader must know, in one sentence each.
        limits: why message latencies are not known, in one sentence each.
        figures: figures that follow from completing it.
        told: what a reader of the figures should know even though nothing is wrong.
    """

    counts: LedgerCounts | None = None
    problems: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    told: tuple[str, ...] = ()


def completed_ledger(
    session: Session,
    benchmark: str,
    folder: Path,
    origin_ns: int,
    spans: Sequence[SpanFigures],
    scenarios: Sequence[ScenarioCounts],
    own: OwnDeliveries | None = None,
    *,
    clock: WallClockWatch,
) -> CompletedLedger:
    """Complete the ledger of a benchmark whose messages the system, or its own group, delivers.

    Args:
        session: the session of the run.
        benchmark: the benchmark whose load ran.
        folder: the folder of its spool.
        origin_ns: its origin.
        spans: the spans of its spool.
        scenarios: the counts of its scenarios.
        own: follows the messages if the profile says where deliveries show.
        clock: has watched the wall clock since the load began.

    Raises:
        TargetUnavailableError: the database does not answer.
    """
    if own is not None:
        return _unless_stopped(session, _counted(folder, own.collect()))
    kind = record_of(benchmark).ledger
    if kind is LedgerKind.SYSTEM:
        expected = ledger_counts_from_spool(folder).expected
        found = collect_deliveries(session, benchmark, folder, origin_ns, expected, clock)
        return _unless_stopped(session, _counted(folder, found))
    if kind is LedgerKind.OWN_CONSUMER or counts_by_id(session, benchmark):
        counts = ledger_counts_from_spool(folder)
        if shared := tuple(_shared_ids(counts)):
            return CompletedLedger(limits=shared)
        if not counts.lost or session.stop.is_set():
            return _unless_stopped(session, CompletedLedger(counts))
        if kind is LedgerKind.OWN_CONSUMER:
            why = expired_if_known(session, benchmark)
        else:
            why = compaction_of(session, benchmark) or own_expired(session, benchmark)
        why = why or still_consuming(counts, spans, scenarios)
        return CompletedLedger(counts) if why is None else CompletedLedger(problems=(why,))
    return CompletedLedger()


def _unless_stopped(session: Session, found: CompletedLedger) -> CompletedLedger:
    """Withdraw losses where the user's stop cut the wait for messages short.

    What had come twice by then is certain; that nothing had is not.
    """
    if found.counts is None or not found.counts.lost or not session.stop.is_set():
        return found
    told = (
        f"{plural(found.counts.lost, 'message')} had not arrived when the run was stopped, so it "
        "is unknown whether they were lost or on their way"
    )
    figures, twice = found.figures, found.counts.duplicated
    if twice:
        figures = (*figures, Figure("messages_duplicated", float(twice)))
    return replace(found, counts=None, problems=(*found.problems, told), figures=figures)


def _shared_ids(counts: LedgerCounts) -> Iterator[str]:
    """Say that messages share ids, so that nobody can tell what became of which of them."""
    unknown = "so that nobody can tell what was lost, came twice, or came late"
    if counts.repeated:
        yield (
            f"{plural(counts.repeated, 'message')} had the id of an earlier one, {unknown}; give "
            "each message an id of its own, such as ${uuid}"
        )
    if counts.early:
        yield (
            f"{plural(counts.early, 'message')} had the id of an older one of the topic, which the "
            f"consumer took before the new one was produced, {unknown}; give messages ids that no "
            "other run has, such as ${run}-${vu}-${iteration}"
        )


def _counted(folder: Path, found: Collected) -> CompletedLedger:
    counts = ledger_counts_from_spool(folder) if found.is_known else None
    return CompletedLedger(counts, found.problems, found.limits, found.figures, found.told)
