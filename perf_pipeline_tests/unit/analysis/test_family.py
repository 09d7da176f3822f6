"""Percentiles of one operation are one question: their chances are taken together (Simes)."""

from dataclasses import replace

import pytest

from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.family import agreed, families_judged, simes
from perf_pipeline.analysis.suspicion import BaselinePolicy

POLICY = BaselinePolicy()
# ln of these: mean about ln 100, s = 0.1
HISTORY = [100.0, 110.5, 90.5, 100.0, 110.5, 90.5, 100.0, 110.5, 90.5, 100.0] * 3


def of(value: float, statistic: str, metric: str = "http_req_duration") -> tuple[str, Diff]:
    return "api", diff(Series(metric, {}, statistic), value, HISTORY, POLICY)


@pytest.mark.parametrize(
    ("chances", "together"),
    [
        ([0.01], 0.01),
        ([0.01, 0.5, 0.9], 0.03),  # 3 * 0.01 / 1
        ([0.9, 0.02, 0.02], 0.03),  # 3 * 0.02 / 2 is less than 3 * 0.02 / 1
        ([0.02, 0.02, 0.02], 0.02),  # 3 * 0.02 / 3
    ],
)
def test_the_chance_of_several_is_that_of_simes(chances: list[float], together: float) -> None:
    assert simes(chances) == pytest.approx(together)


def test_one_percentile_a_little_out_of_line_among_three_is_no_suspect() -> None:
    # s is about 0.083, t(0.99, 29) = 2.46: suspect from + 23 % on; with three, t(0.9967) = 2.9
    pairs = [of(124.5, "p(95)"), of(100.0, "p(90)"), of(101.0, "med")]

    assert pairs[0][1].status is DiffStatus.SUSPECT
    found = agreed(pairs)
    assert [comparison.status for comparison in found] == [DiffStatus.OK] * 3
    assert found[0].reason == (
        "out of line, but the 3 figures of http_req_duration are one question, and together they "
        "are in line"
    )


def test_what_is_out_of_line_for_certain_stays_although_its_family_is_calm() -> None:
    pairs = [of(150.0, "p(95)"), of(100.0, "p(90)"), of(101.0, "med")]

    assert [comparison.status for comparison in agreed(pairs)] == [
        DiffStatus.SUSPECT,
        *[DiffStatus.OK] * 2,
    ]


def test_figures_that_are_a_little_out_of_line_together_stay() -> None:
    pairs = [of(124.5, statistic) for statistic in ("p(95)", "p(90)", "med")]

    assert {comparison.status for comparison in agreed(pairs)} == {DiffStatus.SUSPECT}


@pytest.mark.parametrize(
    "others",
    [
        [],
        [("other", of(100.0, "med")[1])],
        [of(100.0, "med", "http_req_waiting")],
        [("api", replace(of(100.0, "med")[1], status=DiffStatus.LEARNING))],
    ],
    ids=["alone", "another_benchmark", "another_metric", "not_judged"],
)
def test_what_is_no_family_is_judged_by_itself(others: list[tuple[str, Diff]]) -> None:
    pairs = [of(124.5, "p(95)"), *others]

    assert agreed(pairs) == tuple(comparison for _, comparison in pairs)


def test_what_two_runs_have_shown_is_not_taken_back() -> None:
    series = Series("http_req_duration", {}, "p(95)")
    regressed = diff(series, 124.5, [*HISTORY, 125.0], POLICY)
    pairs = [("api", regressed), of(100.0, "p(90)"), of(100.0, "med")]

    assert regressed.status is DiffStatus.REGRESSED
    assert agreed(pairs)[0] is regressed


def test_questions_are_counted_and_not_series() -> None:
    pairs = [
        of(100.0, "p(95)"),
        of(100.0, "med"),
        of(100.0, "p(95)", "db_query_duration"),
        of(100.0, "rate", "http_reqs"),
        ("api", replace(of(100.0, "avg")[1], status=DiffStatus.LEARNING)),
    ]

    assert families_judged(pairs) == 3
