"""How many series a run may send."""

from perf_pipeline.outputs.point import Point, PointSeries, labels_of
from perf_pipeline.outputs.series_limit import SeriesLimit


def point(name: str, at_ms: int = 1) -> Point:
    return Point(PointSeries("perf", "failures_total", "counter", labels_of(name=name)), at_ms, 1.0)


def test_new_series_beyond_the_limit_are_left_out_counted_and_told_once() -> None:
    limit = SeriesLimit(2)

    first = list(limit.allowed([point("a"), point("b"), point("c")]))
    told = limit.heard()
    second = list(limit.allowed([point("a", 2), point("c", 2), point("d", 2)]))

    assert [p.series.labels[0][1] for p in (*first, *second)] == ["a", "b", "a"]
    assert limit.left_out == 3
    assert told == (
        "the run has more than 2 series to send; further ones are left out, the first of them "
        "perf_failures_total (name=c). Fewer names of operations help"
    )
    assert limit.heard() == ""
