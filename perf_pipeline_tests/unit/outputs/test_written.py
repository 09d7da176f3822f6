"""Points as each kind of receiver reads them."""

import math
import struct

from perf_pipeline.outputs.line_protocol import lines_of
from perf_pipeline.outputs.otlp import OtlpEncoder
from perf_pipeline.outputs.point import ENDED, Point, PointSeries, labels_of
from perf_pipeline.outputs.remote_write import request_of
from perf_pipeline_tests.support.servers.point_receiver import ReadPoint, otlp, remote_write

LABELS = labels_of(scenario="buy", name="GET /a,b=c d\\", empty="")
REQS = PointSeries("k6", "http_reqs_total", "counter", LABELS)
P95 = PointSeries("k6", "http_req_duration_p95", "gauge", LABELS)
POINTS = [Point(REQS, 1_000, 0.0), Point(REQS, 2_000, 7.0), Point(P95, 2_000, 0.0125)]
READ = [
    ReadPoint("k6_http_reqs_total", dict(LABELS), 1_000, 0.0),
    ReadPoint("k6_http_reqs_total", dict(LABELS), 2_000, 7.0),
    ReadPoint("k6_http_req_duration_p95", dict(LABELS), 2_000, 0.0125),
]


def test_prometheus_own_messages_read_a_remote_write() -> None:
    assert list(remote_write(request_of(POINTS))) == READ


def test_opentelemetrys_own_messages_read_what_is_sent() -> None:
    assert list(otlp(OtlpEncoder(500).request_of(POINTS))) == READ


def test_figures_of_a_moment_are_fields_of_one_line() -> None:
    # InfluxDB, "Line protocol", "Special characters": comma, equals sign and space are escaped in
    # tags; a backslash at the end of a tag would escape the comma after it.
    tags = r"name=GET\ /a\,b\=c\ d\_,scenario=buy"

    assert lines_of(POINTS).decode() == (
        f"k6,{tags} http_reqs_total=0.0 1000\n"
        f"k6,{tags} http_reqs_total=7.0,http_req_duration_p95=0.0125 2000\n"
    )


def test_a_label_never_breaks_a_line() -> None:
    series = PointSeries("perf", "x", "gauge", labels_of(name="a\nb\rc" + 300 * "x"))

    line = lines_of([Point(series, 1, 1.0)]).decode()

    assert line.count("\n") == 1
    assert len(line) < 240


def test_the_end_of_a_series_is_the_nan_that_prometheus_knows() -> None:
    # prometheus, model/value/value.go: StaleNaN uint64 = 0x7ff0000000000002
    [point] = remote_write(request_of([Point(REQS, 1, ENDED)]))

    assert math.isnan(point.value)
    assert struct.pack("<d", point.value) == struct.pack("<Q", 0x7FF0000000000002)
