"""The first screen says in one sentence why a run ended so, and lists what failed or changed."""

from dataclasses import replace

import pytest

from perf_pipeline.analysis.baseline import DiffStatus, pinned_diff
from perf_pipeline.metrics.threshold import Status, parse_threshold
from perf_pipeline.report.first_screen import asked_answer, lines, verdict_sentence
from perf_pipeline.report.html import render_html
from perf_pipeline.report.model import (
    Asked,
    BenchmarkReport,
    BenchmarkStatus,
    RunReport,
    TimeSeries,
    Withheld,
)
from perf_pipeline.report.pages import trend_id
from perf_pipeline.report.trend import Trend, TrendChange, TrendRun
from perf_pipeline_tests.unit.report.conftest import HISTORY, p95_diff, verdict

LABEL = "http_req_duration p(95)"


def passed(report: RunReport, api: BenchmarkReport) -> RunReport:
    fine = replace(api, verdicts=api.verdicts[:2])
    return replace(report, benchmarks=(fine,), diffs=(), findings=(), notices=())


def test_a_failed_run_names_the_figure_and_what_is_wanted(full: RunReport) -> None:
    assert verdict_sentence(full) == (
        "The run failed, because 1 of 6 thresholds is missed: http_req_failed of "
        "api_user_creation is 1.0004 %, and rate<0.01 is wanted."
    )


def test_a_run_that_passed_says_whether_anything_got_worse(
    full: RunReport, api: BenchmarkReport
) -> None:
    fine = passed(full, api)
    calm = replace(fine, diffs=(("api_user_creation", p95_diff(3.0, HISTORY)),))
    suspect = replace(fine, diffs=(("api_user_creation", p95_diff(4.0, HISTORY)),))

    assert verdict_sentence(fine) == (
        "All 2 thresholds hold, and there are too few earlier runs to compare with."
    )
    assert verdict_sentence(calm).endswith(
        "and none of 1 compared series is out of line with earlier runs."
    )
    assert "1 of 1 compared series are suspect" in verdict_sentence(suspect)


def test_a_missed_aim_is_told_although_the_run_passed(
    full: RunReport, database: BenchmarkReport
) -> None:
    report = replace(full, benchmarks=(database,), diffs=())

    assert verdict_sentence(report).startswith("No threshold failed, although 1 aim is missed, and")


def test_a_bound_that_is_kept_is_not_said_to_be_missed(
    full: RunReport, api: BenchmarkReport
) -> None:
    first = replace(api.verdicts[0], reason="it did not come back")
    assert first.keeps_bound
    doubted, gone = (
        replace(
            full, benchmarks=(replace(api, verdicts=(replace(first, status=status),)),), diffs=()
        )
        for status in (Status.WARN, Status.FAIL)
    )

    assert verdict_sentence(doubted).startswith(
        "No threshold failed, although 1 threshold is in doubt, and"
    )
    assert verdict_sentence(gone).endswith(
        f"{first.threshold.source} is wanted (it did not come back)."
    )


def test_a_regression_is_named_with_its_change_and_since_when(
    full: RunReport, api: BenchmarkReport
) -> None:
    regressed = p95_diff(4.0, [*HISTORY, 4.1])
    runs = tuple(TrendRun(f"r{n}", f"2026-01-0{n}T00:00:00", 3.0, n) for n in range(1, 4))
    dated = Trend(
        "api_user_creation",
        regressed.series,
        runs,
        changes=(TrendChange(1, regressed.effect, 3.0, 4.0, "gate"),),
    )
    report = replace(passed(full, api), diffs=(("api_user_creation", regressed),), trends=(dated,))

    assert verdict_sentence(report) == (
        f"The system got slower or worse: {LABEL} of api_user_creation moved by +33.4 % against "
        "3 ms, since run r2 of 2026-01-02."
    )
    (line,) = lines(report)
    assert (line.status, line.subject) == ("REGRESSED", f"api_user_creation {LABEL}")
    assert line.sentence.endswith("since run r2 of 2026-01-02")
    assert line.target == trend_id("api_user_creation", LABEL)
    page = render_html(report)
    assert f'href="#{line.target}"' in page
    assert f'id="{line.target}"' in page


def test_a_run_whose_generator_was_the_limit_neither_passed_nor_failed(aborted: RunReport) -> None:
    assert verdict_sentence(aborted) == (
        "The run neither passed nor failed, because api_user_creation, database_benchmark, "
        "day_simulation prove nothing: worker 1 used 97 % of its core; schedule lag p99 was "
        "812 ms."
    )


def test_an_invalid_run_shows_no_figure_beside_its_thresholds(
    full: RunReport, api: BenchmarkReport
) -> None:
    lost = parse_threshold("messages_lost", "value==0").judge(0.0, measured=False)
    pinned = pinned_diff(p95_diff(4.0, []).series, 4.0, 800.0, valid=False)
    limited = replace(api, valid=False, invalid_reasons=("worker 1 was late",), verdicts=(lost,))
    page = render_html(
        replace(full, benchmarks=(limited,), diffs=((api.name, pinned),), findings=())
    )
    text = page[page.index("<body>") :]

    assert '<td class="number">not judged</td>' in text
    for word in ("PASS", "IMPROVED", "healthy", "wanted value==0"):
        assert word not in text


def test_a_first_run_is_never_called_improved(full: RunReport, api: BenchmarkReport) -> None:
    series = p95_diff(4.0, []).series
    first = replace(passed(full, api), diffs=((api.name, pinned_diff(series, 4.0, 800.0)),))

    assert "IMPROVED" not in render_html(first)
    assert "-99.5 % against the pinned 800 ms" in render_html(first)


def test_a_run_that_was_stopped_says_where(full: RunReport, api: BenchmarkReport) -> None:
    stopped = replace(api, status=BenchmarkStatus.STOPPED)

    assert verdict_sentence(replace(full, benchmarks=(stopped,))) == (
        "The run was stopped by hand during api_user_creation: 1 threshold had failed by then, "
        "and what passed until then proves nothing."
    )


def test_nothing_measured_and_a_withheld_gate_have_a_sentence(
    empty: RunReport, full: RunReport, api: BenchmarkReport
) -> None:
    held = Withheld(1, 1, ("the machine changed",), "r1", fails=True)

    assert verdict_sentence(empty) == "Nothing was measured, because no benchmark ran."
    assert "the gate is withheld" in verdict_sentence(replace(passed(full, api), withheld=held))


def test_a_question_is_answered_only_where_the_profile_asks_one(full: RunReport) -> None:
    assert asked_answer(full) is not None
    assert asked_answer(replace(full, asked=Asked())) is None
    assert asked_answer(replace(full, asked=Asked("Is it fast?"))) is not None
    assert 'class="answer' not in render_html(replace(full, asked=Asked()))


@pytest.mark.parametrize("value", [4.0, 2.0])
def test_a_series_that_moved_and_fails_nothing_is_listed(
    full: RunReport, api: BenchmarkReport, value: float
) -> None:
    moved = p95_diff(value, HISTORY)
    report = replace(passed(full, api), diffs=((api.name, moved),))

    assert moved.status in {DiffStatus.SUSPECT, DiffStatus.IMPROVED}
    assert [(line.status, line.target) for line in lines(report)] == [
        (str(moved.status), "api_user_creation")
    ]


def test_notices_come_after_what_failed(full: RunReport) -> None:
    assert [line.status for line in lines(full)][-1] == "NOTICE"
    assert lines(full)[0].target == "api_user_creation"


def test_a_failed_threshold_is_linked_to_its_plot(full: RunReport, api: BenchmarkReport) -> None:
    points = ((0.0, 1.0), (1.0, 2.0))
    lines_of = (
        TimeSeries("ended", "1/s", points, "operations", 1.0),
        TimeSeries("failed", "percent", points, "failed", 1.0, ("http_req_failed",)),
    )
    report = replace(full, benchmarks=(replace(api, series=lines_of),))

    assert lines(report)[0].status == "FAIL"
    assert lines(report)[0].target == "plot-api_user_creation-failed"
    assert 'id="plot-api_user_creation-failed"' in render_html(report)


def test_no_data_is_told_with_its_threshold(full: RunReport, api: BenchmarkReport) -> None:
    nothing = replace(api, verdicts=(verdict("http_reqs", "rate>50", None),))

    assert verdict_sentence(replace(full, benchmarks=(nothing,), diffs=())).startswith(
        "The run neither passed nor failed, because api_user_creation proves nothing: "
    )
