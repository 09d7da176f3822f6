"""The distribution of a latency in a run, and in the runs of its baseline, from their histograms.

Histograms are kept for ever, so that a pruned run is drawn as well. What a bucket is stands in
metrics/histogram.py. Add here: another distribution that reports draw. Keep out: drawing (report/).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import duckdb

from perf_pipeline.metrics.histogram import Histogram
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.like_runs import span

# Each metric of a benchmark has baseline runs of its own; what was cut off undecided says nothing.
_BUCKETS: Final = f"""
with wanted as (
    select unnest($benchmarks::varchar[]) as benchmark, unnest($metrics::varchar[]) as metric,
        unnest($runs::varchar[]) as run_id, unnest($now::boolean[]) as is_now
),
found as (
    select benchmark, metric, is_now, minimum, maximum, unnest(buckets) as bucket,
        unnest(counts) as times
    from histograms join wanted using (run_id, benchmark, metric)
    where run_id between $first and $last and not ({UNDECIDED})
)
select benchmark, metric, is_now, bucket, cast(sum(times) as bigint), min(minimum), max(maximum)
from found group by benchmark, metric, is_now, bucket
order by benchmark, metric, is_now, bucket
"""


@dataclass(frozen=True, slots=True)
class WantedDistribution:
    """Name a distribution.

    Attributes:
        benchmark: its name.
        metric: a trend.
        baseline: runs that it is held against; may be empty.
    """

    benchmark: str
    metric: str
    baseline: Sequence[str] = ()


def distributions_of(
    connection: duckdb.DuckDBPyConnection, run_id: str, wanted: Sequence[WantedDistribution]
) -> dict[tuple[str, str, bool], Histogram]:
    """Return histograms by (benchmark, metric, is of this run); none where nothing was measured.

    Args:
        connection: to the history.
        run_id: this run.
        wanted: each distribution at most once.
    """
    rows = connection.execute(_BUCKETS, _parameters(run_id, wanted)).fetchall()
    return {
        (benchmark, metric, is_now): _histogram([row[3:] for row in group])
        for (benchmark, metric, is_now), group in groupby(rows, key=lambda row: row[:3])
    }


def _parameters(run_id: str, wanted: Sequence[WantedDistribution]) -> Mapping[str, object]:
    asked = [
        (question.benchmark, question.metric, run, run == run_id)
        for question in wanted
        for run in (run_id, *(run for run in question.baseline if run != run_id))
    ]
    columns = zip(*asked, strict=True) if asked else ((), (), (), ())
    names = ("benchmarks", "metrics", "runs", "now")
    return dict(zip(names, map(list, columns), strict=True)) | span({row[2] for row in asked})


def _histogram(rows: Sequence[tuple[int, int, float, float]]) -> Histogram:
    counts = {bucket: times for bucket, times, _, _ in rows}
    return Histogram(
        sum(counts.values()),
        0.0,
        min(low for _, _, low, _ in rows),
        max(high for _, _, _, high in rows),
        counts,
    )
