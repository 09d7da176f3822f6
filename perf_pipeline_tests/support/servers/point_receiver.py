"""Take points as a receiver of `--out` does, and answer as a test tells it to.

Bodies are read by the libraries that the receivers' own projects publish.
Add here: another way of answering. Keep out: what was to be sent.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import snappy
from opentelemetry.exporter.prometheus_remote_write.gen import remote_pb2
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


class Taken(NamedTuple):
    """Hold a request that came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class ReadPoint(NamedTuple):
    """Hold a point as a receiver reads it."""

    name: str
    labels: Mapping[str, str]
    at_ms: int
    value: float


@dataclass(slots=True)
class PointReceiver:
    """Keep what came.

    Attributes:
        answer: gives the status and body of the answer to the n-th request, from 0.
        delay_s: before every answer.
    """

    answer: Callable[[int], tuple[int, str]] = lambda _: (204, "")
    delay_s: float = 0.0
    url: str = ""
    taken: list[Taken] = field(default_factory=list)

    def wait_for(self, requests: int, within_s: float = 20.0) -> list[Taken]:
        """Wait until so many requests came."""
        until_s = time.monotonic() + within_s
        while len(self.taken) < requests and time.monotonic() < until_s:
            time.sleep(0.02)
        assert len(self.taken) >= requests, f"{len(self.taken)} of {requests} requests came"
        return self.taken

    @property
    def remote_writes(self) -> list[ReadPoint]:
        """Read what came as remote writes of Prometheus."""
        return [point for taken in self.taken for point in remote_write(taken.body)]

    @property
    def otlp(self) -> list[ReadPoint]:
        """Read what came as OTLP metrics."""
        return [point for taken in self.taken for point in otlp(taken.body)]


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, receiver: PointReceiver, *args: Any) -> None:
        self._receiver = receiver
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = len(self._receiver.taken)
        self._receiver.taken.append(Taken(self.path, dict(self.headers), body))
        time.sleep(self._receiver.delay_s)
        status, text = self._receiver.answer(number)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@contextmanager
def point_receiver(
    answer: Callable[[int], tuple[int, str]] = lambda _: (204, ""), delay_s: float = 0.0
) -> Iterator[PointReceiver]:
    """Take points on a free port until the block ends."""
    receiver = PointReceiver(answer, delay_s)
    with serving(partial(_Handler, receiver)) as url:
        receiver.url = url
        yield receiver


def remote_write(body: bytes) -> Iterator[ReadPoint]:
    """Read a remote write by the messages that Prometheus publishes."""
    request = remote_pb2.WriteRequest()  # type: ignore[attr-defined] # made at run time
    request.ParseFromString(snappy.uncompress(body))
    for series in request.timeseries:
        labels = {label.name: label.value for label in series.labels}
        assert [label.name for label in series.labels] == sorted(labels), "they must be in order"
        name = labels.pop("__name__")
        for sample in series.samples:
            yield ReadPoint(name, labels, sample.timestamp, sample.value)


def otlp(body: bytes) -> Iterator[ReadPoint]:
    """Read an OTLP request by the messages that OpenTelemetry publishes."""
    request = ExportMetricsServiceRequest()
    request.ParseFromString(body)
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                its = metric.sum if metric.WhichOneof("data") == "sum" else metric.gauge
                for point in its.data_points:
                    labels = {pair.key: pair.value.string_value for pair in point.attributes}
                    at_ms = point.time_unix_nano // 1_000_000
                    yield ReadPoint(metric.name, labels, at_ms, point.as_double)
