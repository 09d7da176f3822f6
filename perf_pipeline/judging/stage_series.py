"""Read the series of the stages of messages, from which a slow tier is found.

Add here: another figure of a stage. Keep out: finding the tier (attribution.py).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from perf_pipeline.analysis.attribution_rules import STAGES
from perf_pipeline.analysis.baseline import Series
from perf_pipeline.metrics.summary import Summary

TAIL: Final = "stage_tail"
_TIMES: Final = frozenset(f"stage_{stage.name}" for stage in STAGES)


def stage_series(summaries: Iterable[Summary]) -> Iterator[Series]:
    """Yield the series of a benchmark's measured stages: typical times, and those of the tail."""
    for summary in summaries:
        if summary.metric == TAIL:
            yield Series(TAIL, summary.tags, "value")
        elif summary.metric in _TIMES:
            yield Series(summary.metric, summary.tags, "med")
