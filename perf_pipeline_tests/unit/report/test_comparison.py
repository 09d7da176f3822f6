from dataclasses import replace

import pytest

from perf_pipeline.analysis.baseline import (
    BaselinePolicy,
    Diff,
    DiffStatus,
    Series,
    diff,
    pinned_diff,
)
from perf_pipeline.report import comparison
from perf_pipeline.report.model import RunReport

P95 = Series("http_req_duration", {}, "p(95)")
CALM = [3.0, 3.1, 2.9, 3.05, 2.95, 3.0, 3.1, 2.9]


def against(value: float | None, runs: list[float], statistic: str = "p(95)") -> Diff:
    series = Series("http_req_duration", {}, statistic)
    return diff(series, value, runs, BaselinePolicy())


@pytest.fixture
def report(five_seconds: RunReport) -> RunReport:
    return five_seconds


def of(report: RunReport, *diffs: Diff) -> RunReport:
    return replace(report, diffs=tuple(("api_user_creation", compared) for compared in diffs))


@pytest.mark.parametrize(
    ("diffs", "text"),
    [
        ([], "not known, nothing was compared"),
        ([against(3.0, [])], "not known yet, no series has enough history (1 LEARNING)"),
        (
            [against(3.0, []), pinned_diff(P95, 4.0, 800.0)],
            "not known yet, no series has enough history (1 LEARNING); no pinned figure is missed",
        ),
        ([against(3.0, CALM), against(3.0, [], "med")], "no (1 series judged, 1 not)"),
        (
            [against(4.0, CALM)],
            "no (1 series judged); 1 SUSPECT, the next run decides",
        ),
        ([against(4.0, [*CALM, 4.1])], "yes: api_user_creation http_req_duration p(95)"),
        (
            [replace(against(4.0, CALM), status=DiffStatus.ENVIRONMENT_CHANGED)],
            "withheld, most figures moved together: the environment changed",
        ),
    ],
    ids=["nothing", "first_run", "pinned_only", "calm", "suspect", "regressed", "environment"],
)
def test_whether_it_regressed_is_answered_in_words(
    diffs: list[Diff], text: str, report: RunReport
) -> None:
    assert comparison.regression(of(report, *diffs)) == text


def test_a_first_run_is_told_in_one_line_and_no_row(report: RunReport) -> None:
    first = of(report, *(against(3.0, [], statistic) for statistic in ("p(95)", "med", "avg")))

    assert comparison.shown_first(first) == []
    assert comparison.remarks(first) == [
        ("LEARNING", "baseline", "0 of 5 runs so far; comparing starts with run 6 (3 of 3 series)")
    ]


def test_rows_are_for_what_moved_and_for_the_leading_p95(report: RunReport) -> None:
    pairs = comparison.shown_first(
        of(report, against(3.0, CALM), against(3.0, CALM, "med"), against(4.0, CALM, "avg"))
    )

    assert [diff.series.statistic for _, diff in pairs] == ["p(95)", "avg"]


def test_a_pinned_figure_is_one_sentence(report: RunReport) -> None:
    assert comparison.remarks(of(report, pinned_diff(P95, 28.6, 800.0))) == [
        (
            "OK",
            "api_user_creation http_req_duration p(95)",
            "28.6 ms, -96.4 % against the pinned 800 ms",
        )
    ]


def test_series_that_were_not_compared_are_counted_by_benchmark(report: RunReport) -> None:
    invalid = diff(P95, 3.0, CALM, BaselinePolicy(), valid=False)

    assert comparison.remarks(of(report, invalid, against(None, CALM, "med"))) == [
        ("INVALID", "baseline", "1 series of api_user_creation not compared"),
        ("NO_DATA", "baseline", "1 series of api_user_creation not compared"),
    ]


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (None, "-"),
        (against(3.0, []), "no history yet"),
        (against(3.0, CALM[:2]), "LEARNING, 2 of 5 runs so far; comparing starts with run 6"),
        (against(4.0, CALM), "+33.4 % vs 3 ms, SUSPECT"),
        (pinned_diff(P95, 4.0, 800.0), "-99.5 % vs pinned 800 ms, OK"),
    ],
)
def test_a_leading_figure_says_what_it_was_compared_with(one: Diff | None, text: str) -> None:
    assert comparison.against(one) == text


def test_the_number_of_judged_series_comes_with_what_chance_makes_of_it(report: RunReport) -> None:
    # 3 statistics of one metric are one question: 1 * 0.02 / 2 = 0.01; without history is none.
    diffs = [against(3.0, CALM), against(4.0, CALM, "med"), against(3.0, CALM, "avg")]
    told = comparison.remarks(of(report, *diffs, against(3.0, [], "max")))

    sentence = (
        "3 series judged, as 1 question; by chance alone about 0.01 of these are SUSPECT in a "
        "run, so that REGRESSED takes more than half of several runs"
    )
    assert ("NOTE", "baseline", sentence) in told


def test_without_a_judged_series_chance_is_not_talked_about(report: RunReport) -> None:
    assert not [
        remark for remark in comparison.remarks(of(report, against(3.0, []))) if "NOTE" in remark
    ]


def test_how_noise_is_halved_is_said_once_where_it_helps(report: RunReport) -> None:
    wild = [3.0, 4.0, 2.0, 3.5, 2.5, 3.0]
    told = comparison.remarks(of(report, against(3.0, wild), against(3.0, wild, "med")))
    how = (
        "to see smaller changes, send four times the requests (a longer run) or use a quieter "
        "machine; either gives half the noise"
    )

    assert told.count(("NOTE", "would detect", how)) == 1


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        ((1.4,), "40 % slower"),
        ((1.2, 1.4), "20 to 40 % slower"),
        ((0.8,), "20 % faster"),
        ((0.6, 0.8), "20 to 40 % faster"),
        ((0.9, 1.1), "10 % faster to 10 % slower"),
    ],
)
def test_a_machine_that_was_not_as_fast_as_usual_is_told_once_a_benchmark(
    factors: tuple[float, ...], told: str, report: RunReport
) -> None:
    moved = [replace(against(3.0, CALM), machine_factor=factor) for factor in factors]

    (line,) = (line for line in comparison.remarks(of(report, *moved)) if "machine" in line[1])

    assert line[:2] == ("NOTE", "machine during api_user_creation")
    assert line[2].startswith(f"the load machine itself was {told} than usual, by its calibration")
