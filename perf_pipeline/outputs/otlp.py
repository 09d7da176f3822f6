"""Points as a request of OTLP metrics, by OpenTelemetry's own SDK and encoder.

Add here: what OpenTelemetry asks of a metric. Keep out: where a request goes (receivers.py).
"""

from collections.abc import Iterable
from typing import Final

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from perf_pipeline import __version__
from perf_pipeline.outputs.point import Kind, Point

_NS_PER_MS: Final = 1_000_000
_SERVICE: Final = "perf_pipeline"


class OtlpEncoder:
    """Write points as requests; sums count from when this was made.

    Args:
        began_ms: ms since 1970 (UTC).
    """

    def __init__(self, began_ms: int) -> None:
        self._began_ns = began_ms * _NS_PER_MS
        self._resource = Resource({"service.name": _SERVICE, "service.version": __version__})
        self._scope = InstrumentationScope(_SERVICE, __version__)

    def request_of(self, points: Iterable[Point]) -> bytes:
        """Write points as one request."""
        by_metric: dict[tuple[str, Kind], list[Point]] = {}
        for point in points:
            by_metric.setdefault((point.series.metric, point.series.kind), []).append(point)
        metrics = [self._metric(name, kind, its) for (name, kind), its in by_metric.items()]
        scoped = ScopeMetrics(self._scope, metrics, "")
        data = MetricsData([ResourceMetrics(self._resource, [scoped], "")])
        return bytes(encode_metrics(data).SerializeToString())

    def _metric(self, name: str, kind: Kind, points: list[Point]) -> Metric:
        found = [
            NumberDataPoint(
                dict(point.series.labels),
                min(self._began_ns, point.at_ms * _NS_PER_MS),
                point.at_ms * _NS_PER_MS,
                point.value,
            )
            for point in points
        ]
        if kind == "gauge":
            return Metric(name, "", "", Gauge(found))
        return Metric(
            name, "", "", Sum(found, AggregationTemporality.CUMULATIVE, is_monotonic=True)
        )
