from perf_pipeline.report.model import TimeSeries
from perf_pipeline.report.svg import plot, thinned


def test_a_peak_of_one_second_survives_thinning() -> None:
    points = [(float(second), 1.0) for second in range(10_000)]
    points[7_777] = (7_777.0, 99.0)

    kept = thinned(points)

    assert len(kept) <= 600
    assert (7_777.0, 99.0) in kept


def test_a_flat_line_at_zero_does_not_divide_by_zero() -> None:
    assert "M8.0 122.0L480.0 122.0" in plot(TimeSeries("x", "ms", ((0.0, 0.0), (1.0, 0.0))))


def test_a_series_of_gaps_has_no_data() -> None:
    nothing = TimeSeries("x", "ms", ((0.0, float("nan")), (1.0, float("inf"))))

    assert plot(nothing) == "<figure><figcaption>x: no data</figcaption></figure>"
