"""Put together from the history what happened around each fault of a run.

Add here: another fact about a fault from the history. Keep out: words (report/faults.py).
"""

from collections.abc import Sequence

from perf_pipeline.metrics.faults import FaultRecord
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report.faults import FaultStory
from perf_pipeline.units import US_PER_S


def fault_stories(
    records: Sequence[FaultRecord], summaries: Sequence[Summary]
) -> tuple[FaultStory, ...]:
    """Join the times and the figures of a benchmark's faults."""
    return tuple(_story(record, summaries) for record in records)


def _story(record: FaultRecord, summaries: Sequence[Summary]) -> FaultStory:
    figures = {
        summary.metric: summary.last
        for summary in summaries
        if summary.tags == {"fault": record.fault} and summary.last is not None
    }
    return FaultStory(
        fault=record.fault,
        what=record.what,
        began_s=record.injected_us / US_PER_S,
        undo_s=record.undo_us / US_PER_S,
        undone_s=record.undone_us / US_PER_S,
        effect_s=_seconds(record.effect_us),
        recovered_s=_seconds(record.recovered_us),
        within_s=_seconds(record.within_us),
        figures=figures,
    )


def _seconds(at_us: int | None) -> float | None:
    return None if at_us is None else at_us / US_PER_S
