"""Name the catalog's metrics for the systems that figures are sent to (docs/live.md).

k6's own metrics have the names that k6's remote write gives them. Source: k6's documentation,
"Prometheus remote write", "Metrics mapping".
Add here: a metric that k6 sends under a name of its own. Keep out: what is sent of it (seconds.py).
"""

from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, Metric
from perf_pipeline.outputs.point import K6, OURS, Kind, Labels, PointSeries

_K6S: Final = frozenset(
    {
        *("http_reqs", "http_req_failed", "http_req_duration", "data_sent", "data_received"),
        *("iterations", "dropped_iterations", "vus", "vus_max"),
    }
)
QUANTILES: Final = (0.5, 0.95, 0.99)
_COUNTED: Final = frozenset({"count", "records", "bytes_out", "bytes_in"})
_TIMED: Final = frozenset({"service_ms", "response_ms", "lag_ms"})


def series_of(metric: str, suffix: str, kind: Kind, labels: Labels) -> PointSeries:
    """Name a series of a metric: that of `http_reqs` and `_total` is `k6_http_reqs_total`."""
    return PointSeries(K6 if metric in _K6S else OURS, f"{metric}{suffix}", kind, labels)


def quantile_suffix(quantile: float) -> str:
    """Return `_p95` of 0.95."""
    return f"_p{quantile * 100:g}"


def sent_of(protocol: str, operation: str) -> tuple[Metric, ...]:
    """Return the metrics of the catalog that are sent of an operation's samples."""
    return tuple(
        metric
        for metric in CATALOG.values()
        if (source := metric.source) is not None
        and source.protocol in {"", protocol}
        and (not source.operations or operation in source.operations)
        and (source.value in _COUNTED | _TIMED or source.value == "failed")
    )
