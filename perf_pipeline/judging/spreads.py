"""The distributions of a run's latencies beside those of their baselines, as reports show them.

Add here: another distribution. Keep out: SQL (store/) and drawing (report/).
"""

from collections.abc import Iterable, Sequence

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.report.distribution import Distribution, spread_of
from perf_pipeline.report.model import Origin
from perf_pipeline.report.request_table import OF_PROTOCOLS
from perf_pipeline.store.distributions import WantedDistribution, distributions_of
from perf_pipeline.store.history import History


def distributions_by_benchmark(
    history: History, run_id: str, benchmarks: Iterable[str], origins: Sequence[Origin]
) -> dict[str, tuple[Distribution, ...]]:
    """Return the distribution of each latency that a request table has.

    Args:
        history: that has the run.
        run_id: the run.
        benchmarks: the benchmarks of the run.
        origins: the origins of its comparisons; the baseline of a latency is that of its p95 as a
            whole.
    """
    baselines = {
        (origin.benchmark, origin.series): origin.run_ids
        for origin in origins
        if origin.against == "history"
    }
    wanted = [
        WantedDistribution(name, metric, baselines.get((name, f"{metric} p(95)"), ()))
        for name in benchmarks
        for metric in (leading.latency for leading in OF_PROTOCOLS)
    ]
    return distributions_beside(history, run_id, wanted)


def distributions_beside(
    history: History, run_id: str, wanted: Sequence[WantedDistribution]
) -> dict[str, tuple[Distribution, ...]]:
    """Return by benchmark the wanted distributions that a run has, beside those of their baselines.

    Args:
        history: that has the run.
        run_id: the run.
        wanted: in the order in which they are shown, each at most once.
    """
    found = distributions_of(history.connection, run_id, wanted)
    drawn: dict[str, list[Distribution]] = {}
    for asked in wanted:
        now = found.get((asked.benchmark, asked.metric, True))
        before = found.get((asked.benchmark, asked.metric, False))
        if now is not None:
            drawn.setdefault(asked.benchmark, []).append(
                Distribution(
                    asked.metric,
                    CATALOG[asked.metric].unit,
                    spread_of(now),
                    None if before is None else spread_of(before),
                    len(asked.baseline),
                )
            )
    return {name: tuple(distributions) for name, distributions in drawn.items()}
