"""Points as InfluxDB's line protocol, with times in ms.

VictoriaMetrics joins measurement and field by `_`, so that a figure has one name everywhere.
Source: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
Add here: nothing but this syntax. Keep out: where lines go (receivers.py).
"""

from collections.abc import Iterable
from typing import Final

from perf_pipeline.outputs.point import Labels, Point

_IN_TAG: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": " ", "\r": " "})


def lines_of(points: Iterable[Point]) -> bytes:
    r"""Write points of the same family, labels and time on one line.

    >>> from perf_pipeline.outputs.point import PointSeries, labels_of
    >>> series = PointSeries("k6", "vus", "gauge", labels_of(scenario="a b"))
    >>> lines_of([Point(series, 1_000, 2.0)])
    b'k6,scenario=a\\ b vus=2.0 1000\n'
    """
    fields: dict[tuple[str, Labels, int], list[str]] = {}
    for (family, name, _, labels), at_ms, value in points:
        fields.setdefault((family, labels, at_ms), []).append(f"{name}={value!r}")
    return "".join(
        f"{family}{_tags(labels)} {','.join(values)} {at_ms}\n"
        for (family, labels, at_ms), values in fields.items()
    ).encode()


def _tags(labels: Labels) -> str:
    # A backslash at the end of a value would escape what comes after it.
    return "".join(
        f",{name}={text.translate(_IN_TAG)}{'_' if text.endswith(chr(92)) else ''}"
        for name, text in labels
    )
