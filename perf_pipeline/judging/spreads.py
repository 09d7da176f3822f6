"""Read the distributions of a run's latencies and of their baselines for reports.

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
    """Return the distribution of each latency in the request table.

    Args:
        history: the open history.
        run_id: the id of the run.
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
    """Return by benchmark the wanted distributions of a run, with those of their baselines.

    Args:
        history: the open history.
        run_id: the id of the run.
        wanted: the wanted distributions in the order of showing, each at most once.
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
