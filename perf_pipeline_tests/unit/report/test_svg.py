import re

from perf_pipeline.report.axis import panels
from perf_pipeline.report.model import TimeSeries
from perf_pipeline.report.svg import plot, span_of, thinned


def drawn(*series: TimeSeries) -> str:
    (panel,) = panels(series)
    return plot(panel)


def test_a_peak_of_one_second_survives_thinning() -> None:
    points = [(float(second), 1.0) for second in range(10_000)]
    points[7_777] = (7_777.0, 99.0)

    kept = thinned(points)

    assert len(kept) <= 240
    assert (7_777.0, 99.0) in kept


def test_a_line_is_drawn_to_scale_and_leaves_gaps() -> None:
    points = ((0.0, 0.0), (5.0, 10.0), (6.0, float("nan")), (10.0, 5.0))
    svg = drawn(TimeSeries("lag", "messages", points))

    # x from 52 to 470 over 10 s, y from 172 (0) to 22 (10)
    assert 'd="M52.0 172.0L261.0 22.0"' in svg
    assert '<circle cx="470.0" cy="97.0" r="2"/>' in svg


def test_axes_carry_round_ticks_and_units() -> None:
    svg = drawn(TimeSeries("response time p(95)", "ms", ((0.0, 3.0), (12.0, 93.0))))

    assert re.findall(r">([^<>]+)</text>", svg) == [
        *("0", "25", "50", "75", "100"),
        "ms",
        *("0", "2", "4", "6", "8", "10", "12"),
        "time in s",
    ]


def test_lines_of_one_metric_share_a_plot_whose_legend_starts_with_the_highest() -> None:
    made = panels(
        TimeSeries(f"process_cpu_percent {part}", "percent", ((0.0, top), (1.0, 1.0)))
        for part, top in (("api", 13.0), ("broker", 34.2))
    )
    svg = plot(made[0])

    assert len(made) == 1
    assert re.findall(r'class="key k(\d)">([^<]+)<', svg) == [("0", "broker 34.2"), ("1", "api 13")]
    assert svg.count("<path") == 2


def test_lines_of_different_units_never_share_a_plot() -> None:
    points = ((0.0, 1.0),)
    made = panels([TimeSeries("db x", "ms", points), TimeSeries("db y", "connections", points)])

    assert [panel.title for panel in made] == ["db x", "db y"]


def test_the_plots_of_a_benchmark_share_their_time_axis() -> None:
    made = panels(
        [TimeSeries("a", "ms", ((0.0, 1.0), (9.0, 1.0))), TimeSeries("b", "s", ((2.0, 1.0),))]
    )

    assert span_of(made) == (0.0, 9.0)
    assert span_of([]) == (0.0, 1.0)


def test_a_flat_line_and_a_single_point_do_not_divide_by_zero() -> None:
    # 7 lies at the top of 0..8: y = 172 - 7/8*150 = 40.75
    assert "M52.0 40.8L470.0 40.8" in drawn(TimeSeries("x", "ms", ((0.0, 7.0), (1.0, 7.0))))
    assert "<circle" in drawn(TimeSeries("x", "ms", ((0.0, 7.0),)))


def test_a_negative_value_is_inside_the_plot() -> None:
    # ticks -5, 0, 5: y of -5 is the bottom
    assert "L470.0 172.0" in drawn(TimeSeries("x", "ms", ((0.0, 5.0), (1.0, -5.0))))


def test_the_lower_lines_of_many_are_counted() -> None:
    many = (TimeSeries(f"cpu {n}", "percent", ((0.0, 1.0 + n),)) for n in range(20))
    (panel,) = panels(many)

    assert [line.name for line in panel.lines] == [str(n) for n in range(19, 3, -1)]
    assert "and 4 lower lines" in plot(panel)


def test_zeros_and_gaps_are_told_in_words() -> None:
    nothing = TimeSeries("x", "ms", ((0.0, float("nan")), (1.0, float("inf"))))
    zeros = TimeSeries("x", "ms", ((0.0, 0.0), (1.0, 0.0)))

    assert drawn(nothing) == "<figure><figcaption>x: no data</figcaption></figure>"
    assert drawn(zeros) == "<figure><figcaption>x: 0 ms throughout</figcaption></figure>"
