"""Points as a request of Prometheus' remote write, version 1.0: Protocol Buffers under Snappy.

Source: https://prometheus.io/docs/specs/prw/remote_write_spec/, with the messages of
prometheus/prometheus, prompb/remote.proto and types.proto.
Add here: another part of these messages. Keep out: where a request goes (receivers.py).
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from perf_pipeline.outputs.point import Point, PointSeries

_REPEATED, _OPTIONAL = 3, 1
_DOUBLE, _INT64, _STRING, _MESSAGE = 1, 3, 9, 11
# Number, type and label of each field of the messages that a sender needs.
_MESSAGES: Final = (
    ("Sample", (("value", 1, _DOUBLE, ""), ("timestamp", 2, _INT64, ""))),
    ("Label", (("name", 1, _STRING, ""), ("value", 2, _STRING, ""))),
    ("TimeSeries", (("labels", 1, _MESSAGE, "Label"), ("samples", 2, _MESSAGE, "Sample"))),
    ("WriteRequest", (("timeseries", 1, _MESSAGE, "TimeSeries"),)),
)


def request_of(points: Iterable[Point]) -> bytes:
    """Write points as one request; those of a series are in the order of their times."""
    by_series: dict[PointSeries, list[Point]] = {}
    for point in points:
        by_series.setdefault(point.series, []).append(point)
    request = _write_request()
    for series, its in by_series.items():
        added = request.timeseries.add()
        # By name, as the specification asks: `__name__` is before all letters.
        for name, value in (("__name__", series.metric), *series.labels):
            added.labels.add(name=name, value=value)
        for point in its:
            added.samples.add(value=point.value, timestamp=point.at_ms)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def _write_request() -> Any:
    return _message_class()()


@cache
def _message_class() -> Any:
    """Make the class of a request; in a pool of its own, which no other library's names meet."""
    file = descriptor_pb2.FileDescriptorProto(
        name="remote.proto", package="prometheus", syntax="proto3"
    )
    for message, fields in _MESSAGES:
        made = file.message_type.add(name=message)
        for name, number, kind, of in fields:
            made.field.add(
                name=name,
                number=number,
                type=kind,
                label=_REPEATED if of else _OPTIONAL,
                type_name=f".prometheus.{of}" if of else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("prometheus.WriteRequest")
    return message_factory.GetMessageClass(found)
