"""A profile's own question is answered in its author's words, by the thresholds that it names."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perf_pipeline.metrics.threshold import Status, Verdict, parse_threshold
from perf_pipeline.report.answer import answer_of
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import Asked, BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.terminal import render_terminal

TEXT = "Do 200 orders a minute go through?"
FAST, WELL = ("orders", "http_req_duration"), ("orders", "http_req_failed")


def verdict(key: str, source: str, status: Status, value: float | None = 0.0) -> Verdict:
    return Verdict(parse_threshold(key, source), value, status)


def report(
    fast: Status, well: Status, *, asked: Asked | None, status: str = "COMPLETED"
) -> RunReport:
    orders = BenchmarkReport(
        name="orders",
        status=BenchmarkStatus(status),
        wall_s=2.0,
        measured_s=2.0,
        verdicts=(
            verdict("http_req_duration", "p(95)<500", fast),
            verdict("http_req_failed", "rate<0.01", well, 0.0 if well is PASS else 0.02),
        ),
    )
    began_at = datetime(2026, 1, 4, tzinfo=UTC)
    return RunReport("r1", "shop", began_at, 2.0, "here", benchmarks=(orders,), asked=asked)


PASS, FAIL, WARN, NO_DATA, INVALID = (
    Status.PASS,
    Status.FAIL,
    Status.WARN,
    Status.NO_DATA,
    Status.INVALID,
)


@pytest.mark.parametrize(
    ("fast", "well", "asked", "line"),
    [
        (PASS, PASS, Asked(TEXT), f"{TEXT} yes, all 2 thresholds hold"),
        (PASS, FAIL, Asked(TEXT, (FAST,)), f"{TEXT} yes, the only threshold holds"),
        (
            PASS,
            FAIL,
            Asked(TEXT, (FAST, WELL)),
            f"{TEXT} no, 1 of 2 thresholds failed (orders http_req_failed rate<0.01)",
        ),
        (
            NO_DATA,
            PASS,
            Asked(TEXT, (FAST,)),
            (
                f"{TEXT} not shown, because 1 threshold could not be judged (orders "
                "http_req_duration p(95)<500)"
            ),
        ),
        (
            FAIL,
            INVALID,
            Asked(TEXT),
            f"{TEXT} no, 1 of 2 thresholds failed (orders http_req_duration p(95)<500)",
        ),
        (
            PASS,
            WARN,
            Asked("the shop is open"),
            "the shop is open: PASS, all 2 thresholds hold, and 1 aim of them missed",
        ),
        (
            WARN,  # it keeps its bound, and something else is against it
            WARN,
            Asked(),
            (
                "profile shop: PASS, all 2 thresholds hold, 1 of them with a doubt, "
                "and 1 aim of them missed"
            ),
        ),
        (
            PASS,
            INVALID,
            Asked(TEXT, (FAST,)),
            f"{TEXT} not shown, because orders is INVALID, and half a run proves nothing",
        ),
        (PASS, PASS, Asked(), "profile shop: PASS, all 2 thresholds hold"),
        (
            PASS,
            PASS,
            Asked(TEXT, (("pay", "http_req_failed"),)),
            f"{TEXT} not shown, because pay was not part of this run",
        ),
        (
            PASS,
            PASS,
            Asked(TEXT, (("orders", "checks"),)),
            f"{TEXT} not shown, because this run has no verdict on checks",
        ),
    ],
    ids=[
        "all",
        "one",
        "failed",
        "no data",
        "failed first",
        "aim",
        "doubt",
        "limited",
        "none",
        "absent",
        "no verdict",
    ],
)
def test_the_thresholds_that_a_question_names_answer_it(
    fast: Status, well: Status, asked: Asked, line: str
) -> None:
    given = report(fast, well, asked=asked)

    assert str(answer_of(given)) == line
    assert line in " ".join(render_terminal(given, 200).split())
    assert "1,000,000" not in render_terminal(given, 200) + render_markdown(given)


def test_a_benchmark_that_could_not_be_measured_keeps_the_answer_open() -> None:
    given = report(PASS, PASS, asked=Asked(), status="NOT_RUN")

    assert str(answer_of(given)) == (
        "profile shop: not shown, because orders could not be measured"
    )


def test_a_run_without_a_threshold_answers_nothing() -> None:
    given = replace(report(PASS, PASS, asked=Asked()), benchmarks=())

    assert str(answer_of(given)) == "profile shop: not shown, because no threshold was judged"


def test_a_profile_that_asks_for_a_million_a_day_keeps_its_question() -> None:
    given = report(PASS, PASS, asked=None)

    assert str(answer_of(given)).startswith("1,000,000 messages a day: not shown, because")
