import math
from collections.abc import Callable

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, Series, diff, pinned_diff
from perf_pipeline.analysis.pinned import release_diff
from perf_pipeline.analysis.scale import Scale
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.report import wording
from perf_pipeline.report.html import render_html
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.terminal import render_terminal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (5.0, "5"),
        (12.345, "12.3"),
        (0.0123456, "0.0123"),
        (999.6, "1,000"),
        (1_234_567.8, "1,234,568"),
        (-12.345, "-12.3"),
        (3e-7, "3e-07"),
        (1e20, "1e+20"),
        (float("nan"), "-"),
    ],
)
def test_numbers_have_three_significant_digits_and_thousands_apart(value: float, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (812.4, "ms", "812 ms"),
        (11_734.2, "requests/s", "11,734 requests/s"),
        (0.0123, "ratio", "1.23 %"),
        (81.26, "percent", "81.3 %"),
        (1_610_612_736, "bytes", "1.5 GiB"),
        (12_500_000, "bytes/s", "11.9 MiB/s"),
        (3.2, "times", "3.2x"),
        (None, "ms", "-"),
        (float("inf"), "ms", "-"),
    ],
)
def test_a_quantity_carries_its_unit(value: float | None, unit: str, text: str) -> None:
    assert wording.quantity(value, unit) == text


@pytest.mark.parametrize(
    ("key", "expression", "value", "text"),
    [
        ("http_req_failed", "rate<0.01", 0.010004, "1.0004 %"),
        ("http_req_failed", "rate<0.01", 0.01, "1 %"),
        ("http_req_duration", "p(95)<1000", 1000.2, "1,000.2 ms"),
        ("http_reqs", "count>100", 120.0, "120 requests"),
        ("http_reqs", "rate>50", 120.0, "120 requests/s"),
        ("headroom_ratio", "value>1", 3.2, "3.2x"),
        ("http_req_duration", "p(95)<1000", None, "-"),
    ],
)
def test_an_observed_figure_never_looks_like_the_bound_that_it_missed(
    key: str, expression: str, value: float | None, text: str
) -> None:
    assert wording.observed(parse_threshold(key, expression).judge(value)) == text


@pytest.mark.parametrize("render", [render_terminal, render_markdown, render_junit, render_html])
def test_an_invalid_threshold_has_no_figure_in_any_report(
    aborted: RunReport, render: Callable[[RunReport], str]
) -> None:
    text = render(aborted)

    assert "not judged" in text
    assert "12 requests/s" not in text


@pytest.mark.parametrize(
    ("change", "scale", "unit", "text"),
    [
        (0.1234, Scale.RELATIVE, "ms", "+12.3 %"),
        (-0.05, Scale.RELATIVE, "ms", "-5.0 %"),
        (123.0, Scale.RELATIVE, "ms", "+12,300 %"),
        (0.0052, Scale.POINTS, "ratio", "+0.52 pp"),
        (5.0, Scale.UNIT, "messages", "+5 messages"),
    ],
)
def test_a_change_says_what_it_is_counted_in(
    change: float, scale: Scale, unit: str, text: str
) -> None:
    assert wording.signed(change, scale, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0s"),
        (0.31, "300ms"),
        (5.04, "5s"),
        (60.4, "1m"),
        (118.04, "1m58s"),
        (3_723, "1h2m3s"),
    ],
)
def test_durations_read_like_those_in_a_profile(value: float, text: str) -> None:
    assert wording.seconds(value) == text


def test_control_characters_never_reach_a_report() -> None:
    assert wording.printable("a\x1b[31mb\x00\tc\nd\ud800\uffff") == "a�[31mb� c d��"


def test_a_pinned_figure_is_named_as_such() -> None:
    diff = pinned_diff(Series("http_req_duration", {}, "p(95)"), 900.0, 800.0)

    assert wording.reference_of(diff) == "pinned 800 ms"
    assert wording.change_of(diff) == "+12.5 %"
    assert wording.interval_of(diff) == "-"
    assert wording.detectable_of(diff) == "5.0 %"


def test_what_a_run_would_detect_is_said_with_more_runs_and_with_less_noise() -> None:
    # analysis/test_power.py has the calculation: 0.6712 now, 0.4009 with 30 runs, 0.2927 at half s
    five = [800.0 * math.exp(0.0632456 * step) for step in (-2, -1, 0, 1, 2)]
    found = diff(Series("http_req_duration", {}, "p(95)"), 800.0, five, BaselinePolicy())

    assert wording.detectable_of(found) == "67.1 %"
    assert wording.remedy_of(found) == "40.1 % with 30 runs, 29.3 % with half the noise"


def test_where_only_the_minimum_effect_limits_that_is_said() -> None:
    found = diff(Series("http_req_duration", {}, "p(95)"), 800.0, [800.0] * 30, BaselinePolicy())

    assert wording.remedy_of(found) == "limited by the minimum effect"


def test_nothing_to_detect_is_a_dash() -> None:
    found = diff(Series("http_req_duration", {}, "p(95)"), 800.0, [], BaselinePolicy())

    assert wording.remedy_of(found) == "-"


def test_a_release_is_told_from_history_by_its_name() -> None:
    runs = [100.0, 101.0, 99.0, 100.0, 100.0, 102.0]
    latency = Series("http_req_duration", {}, "p(95)")
    of_release = release_diff(latency, 100.0, runs, against="v1.4", policy=BaselinePolicy())

    assert wording.reference_of(of_release) == "v1.4 100 ms"
    assert wording.reference_of(diff(latency, 100.0, runs, BaselinePolicy())) == "100 ms"
