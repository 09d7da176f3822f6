"""What a window shows, how fast something grows, and how long a window has to be."""

from typing import Final

import numpy as np
import pytest

from perf_pipeline.analysis.capacity.growth import Growth, slope_of
from perf_pipeline.analysis.capacity.length import values_needed, window_s
from perf_pipeline.analysis.capacity.search import Shown
from perf_pipeline.analysis.capacity.verdict import Piling, WindowFacts, verdict_of
from perf_pipeline.metrics.threshold import parse_threshold

GROWING: Final = Piling("operations in flight", Growth(5.0, 4.0, 6.0))


def test_a_window_holds_when_nothing_is_wrong() -> None:
    facts = WindowFacts(
        rate=100.0, length_s=10.0, piling=(Piling("in flight", Growth(0.1, -1, 1)),)
    )

    assert verdict_of(facts).shown is Shown.HELD
    assert verdict_of(facts).reasons == ()


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (WindowFacts(100.0, 10.0, misses=("p95 was 312 ms",)), "p95 was 312 ms"),
        (WindowFacts(100.0, 10.0, dropped=1), "1 planned start found no free VU"),
        (WindowFacts(100.0, 10.0, dropped=1_200), "1,200 planned starts found no free VU"),
        (
            WindowFacts(100.0, 10.0, piling=(GROWING,)),
            "operations in flight grow by 5 per second (95 % interval 4 to 6)",
        ),
    ],
    ids=["threshold", "one", "many", "growth"],
)
def test_a_window_fails_and_says_why(facts: WindowFacts, reason: str) -> None:
    verdict = verdict_of(facts)

    assert verdict.shown is Shown.FAILED
    assert verdict.reasons == (reason,)


def test_a_limit_of_the_generator_is_told_before_all_else() -> None:
    facts = WindowFacts(100.0, 10.0, misses=("p95",), limits=("its CPU was at 98 %",), dropped=9)

    assert verdict_of(facts).shown is Shown.INVALID
    assert verdict_of(facts).reasons == ("its CPU was at 98 %",)


def test_what_could_not_be_judged_does_not_hold() -> None:
    facts = WindowFacts(100.0, 10.0, unknown=("checks: nothing was measured",))

    assert verdict_of(facts).shown is Shown.INVALID


@pytest.mark.parametrize(
    ("slope", "is_growth"),
    [
        (Growth(5.0, 4.0, 6.0), True),
        (Growth(5.0, -0.1, 10.1), False),  # the interval holds 0
        (Growth(0.5, 0.4, 0.6), False),  # 5 in 10 s: fewer than 10
        (Growth(-5.0, -6.0, -4.0), False),
    ],
    ids=["grows", "unsure", "few", "shrinks"],
)
def test_growth_is_sure_and_matters(slope: Growth, is_growth: bool) -> None:
    assert Piling("it", slope).is_growth(100.0, 10.0) is is_growth


def test_growth_below_one_percent_of_the_starts_is_not_told_from_chance() -> None:
    # 1 % of 5,000/s is 50/s.
    assert not Piling("it", Growth(49.0, 40.0, 58.0)).is_growth(5_000.0, 10.0)
    assert Piling("it", Growth(51.0, 40.0, 62.0)).is_growth(5_000.0, 10.0)


def test_a_straight_line_has_its_slope_and_no_doubt() -> None:
    slope = slope_of([(0.5 * n, 2.0 + 3.0 * n) for n in range(40)])

    assert slope is not None
    assert slope.per_s == pytest.approx(6.0)
    assert slope.high - slope.low == pytest.approx(0.0, abs=1e-6)


def test_few_points_have_no_slope() -> None:
    assert slope_of([(float(n), float(n)) for n in range(7)]) is None
    assert slope_of([(1.0, float(n)) for n in range(20)]) is None


def test_the_interval_allows_for_values_that_depend_on_those_before_them() -> None:
    # An AR(1) series with 0.5 around nothing: an interval for independent values (2 standard errors
    # of least squares) misses 0 in every fifth series; this one in about one of twelve.
    wrong = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        values = [0.0]
        for step in random.normal(size=79):
            values.append(0.5 * values[-1] + float(step))
        slope = slope_of([(0.25 * n, value) for n, value in enumerate(values)])
        assert slope is not None
        wrong += not slope.low <= 0 <= slope.high
    assert wrong < 0.15 * 300


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        # 1.96^2 * 0.95 * 0.05 / 0.025^2 = 291.9
        ("http_req_duration", "p(95)<300", 292),
        # 1.96^2 * 0.99 * 0.01 / 0.005^2 = 1521.3
        ("http_req_duration", "p(99)<300", 1_522),
        # 1.96^2 * 0.99 / 0.01 = 380.3
        ("http_req_failed", "rate<0.01", 381),
        # 1.96^2 * 0.95 / 0.05 = 73.0
        ("target_answered", "rate>=0.95", 73),
        ("http_req_duration", "avg<300", 0),
        ("http_req_failed", "rate==0", 0),
    ],
)
def test_a_window_has_the_values_that_its_thresholds_need(key: str, text: str, values: int) -> None:
    assert values_needed([parse_threshold(key, text)]) == values


def test_a_window_is_as_long_as_its_values_need_at_its_rate() -> None:
    p99 = [parse_threshold("http_req_duration", "p(99)<300")]

    assert window_s(p99, 50.0) == 31.0  # 1,522 / 50 = 30.4
    assert window_s(p99, 5_000.0) == 10.0
    assert window_s(p99, 1.0) == 120.0
