"""A distribution is drawn on a log axis, this run over its baseline, with its percentiles."""

import re
from dataclasses import replace

import pytest

from perf_pipeline.metrics.histogram import Histogram, bucket_of
from perf_pipeline.report.distribution import Distribution, spread_of
from perf_pipeline.report.distribution_plot import histogram_plot, spectrum_plot
from perf_pipeline.report.html import render_html
from perf_pipeline.report.model import BenchmarkReport, RunReport


def histogram(*values: float) -> Histogram:
    buckets: dict[int, int] = {}
    for value in values:
        buckets[bucket_of(value)] = buckets.get(bucket_of(value), 0) + 1
    return Histogram(len(values), sum(values), min(values), max(values), buckets)


def test_values_are_shared_out_to_bars_of_8_percent() -> None:
    spread = spread_of(histogram(*[1.0] * 3, 10.0))

    assert [bar.share for bar in spread.bars] == [0.75, 0.25]
    low, high = spread.bars
    assert low.low < 1.0 <= low.high
    assert high.low < 10.0 <= high.high
    # Eight buckets of the factor (1 + 0.005) / (1 - 0.005): 1.0834
    assert low.high / low.low == pytest.approx((1.005 / 0.995) ** 8)


def test_percentiles_stop_where_too_few_values_carry_them() -> None:
    spread = spread_of(histogram(*(float(n) for n in range(1, 101))))

    # 100 values carry a p99, and nothing above it but the maximum.
    assert [percent for percent, _ in spread.percentiles][-3:] == [97.5, 99, 100]
    # ranks of 0 to 99: p50 is at 49.5, p90 at 89.1; each within 0.5 %
    found = dict(spread.percentiles)
    assert found[0] == 1.0
    assert found[50] == pytest.approx(50, rel=0.011)
    assert found[90] == pytest.approx(90, rel=0.011)
    assert found[100] == 100.0


def test_a_single_value_and_zeros_are_drawn() -> None:
    single = Distribution("http_req_duration", "ms", spread_of(histogram(5.0)))
    zeros = Distribution("http_req_duration", "ms", spread_of(histogram(0.0, 0.0)))

    assert histogram_plot(single).count("<rect") == 1
    assert "<circle" in spectrum_plot(single)
    assert histogram_plot(zeros) == spectrum_plot(zeros) == ""


def test_the_histogram_has_round_marks_on_a_log_axis() -> None:
    drawn = Distribution("http_req_duration", "ms", spread_of(histogram(1.0, 30.0)))
    texts = re.findall(r">([^<>]+)</text>", histogram_plot(drawn))

    assert texts == ["0", "20", "40", "60", "% of values", "1", "2", "5", "10", "20", "ms"]
    assert "<title>" in histogram_plot(drawn)
    assert ": 50 %</title>" in histogram_plot(drawn)


def test_the_baseline_is_drawn_under_this_run() -> None:
    now, before = histogram(1.0, 30.0), histogram(2.0, 3.0, 4.0)
    drawn = Distribution("latency", "ms", spread_of(now), spread_of(before), 7)

    for plot in (histogram_plot(drawn), spectrum_plot(drawn)):
        assert "this run, 2 values" in plot
        assert "baseline, 7 runs" in plot
    assert histogram_plot(drawn).count("<path") == 1
    assert spectrum_plot(drawn).count("<path") == 2


def test_a_wide_distribution_has_powers_of_ten_only() -> None:
    drawn = Distribution("latency", "ms", spread_of(histogram(0.05, 5_000.0)))

    assert re.findall(r">([^<>]+)</text>", histogram_plot(drawn))[-6:] == [
        *("0.1", "1", "10", "100", "1,000"),
        "ms",
    ]


def test_the_page_has_the_distributions_of_a_benchmark(
    full: RunReport, api: BenchmarkReport
) -> None:
    spread = Distribution("http_req_duration", "ms", spread_of(histogram(1.0, 30.0)))
    page = render_html(replace(full, benchmarks=(replace(api, distributions=(spread,)),)))

    assert "<summary>distribution</summary>" in page
    assert "distribution of http_req_duration" in page
    assert "<summary>distribution</summary>" not in render_html(full)
