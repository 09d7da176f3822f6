"""The figures of a stored run as points at the time when it began, for plots over many runs.

A series has no label of the run, so that it goes on from run to run.
Add here: another figure of a whole run. Keep out: what is sent while a run goes on (seconds.py).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.outputs.point import OURS, Labels, Point, PointSeries, labels_of
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.tags_text import tags_text

_SENT: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        Kind.TREND: ("avg", "med", "p(95)", "p(99)"),
        Kind.COUNTER: ("count", "rate"),
        Kind.RATE: ("rate",),
        Kind.GAUGE: ("value",),
    }
)


def run_points(
    run: RunRecord,
    summaries: Iterable[tuple[str, Summary]],
    verdicts: Iterable[tuple[str, Verdict]],
    spoilt: Collection[str],
) -> Iterator[Point]:
    """Give the points of a run: its figures, in the unit of the metric, and its verdicts by status.

    Args:
        run: that is stored.
        summaries: with the benchmark of each.
        verdicts: with the benchmark of each.
        spoilt: benchmarks whose figures say nothing of the target, so that they are left out.
    """
    at_ms = round(datetime.fromisoformat(run.began_at).timestamp() * 1_000)
    for benchmark, summary in summaries:
        if benchmark in spoilt or summary.metric not in CATALOG:
            continue
        for statistic in _SENT[CATALOG[summary.metric].kind]:
            value = summary.figure(statistic)
            if value is not None:
                labels = labels_of(
                    profile=run.profile,
                    benchmark=benchmark,
                    metric=summary.metric,
                    tags=tags_text(summary.tags),
                    statistic=statistic,
                )
                yield Point(PointSeries(OURS, "run_figure", "gauge", labels), at_ms, float(value))
    counts = Counter(verdict.status for _, verdict in verdicts)
    for status in Status:
        yield Point(_verdicts(labels_of(profile=run.profile, status=status)), at_ms, counts[status])


def _verdicts(labels: Labels) -> PointSeries:
    return PointSeries(OURS, "run_verdicts", "gauge", labels)
