"""A figure with its labels and its time, as it is sent to any receiver.

Add here: what every receiver needs of a figure. Keep out: how a receiver has it written.
"""

import struct
from typing import Final, Literal, NamedTuple

Kind = Literal["counter", "gauge"]
Labels = tuple[tuple[str, str], ...]

K6: Final = "k6"
"""Begins the names of what k6 sends too."""
OURS: Final = "perf"
"""Begins the names of what k6 does not know."""

ENDED: Final[float] = struct.unpack("<d", struct.pack("<Q", 0x7FF0_0000_0000_0002))[0]
"""Says to Prometheus that a series has ended. Source: its model/value/value.go, StaleNaN."""


class PointSeries(NamedTuple):
    """Name a series of points.

    Attributes:
        family: `k6` or `perf`, with which the whole name begins.
        name: the rest of it, e.g. `http_reqs_total`.
        kind: a counter only grows while a benchmark goes on; a gauge is of its moment.
        labels: in the order of their names; none is empty.
    """

    family: str
    name: str
    kind: Kind
    labels: Labels

    @property
    def metric(self) -> str:
        """Return the whole name."""
        return f"{self.family}_{self.name}"


class Point(NamedTuple):
    """Hold a value of a series at a moment.

    Attributes:
        series: that it belongs to.
        at_ms: ms since 1970 (UTC).
        value: finite, or `ENDED`; durations are in seconds, as k6 sends them.
    """

    series: PointSeries
    at_ms: int
    value: float


def labels_of(**labels: str) -> Labels:
    """Return labels in order, without empty ones, each of at most 200 letters."""
    return tuple(sorted((name, text[:200]) for name, text in labels.items() if text))
