"""What a search for a capacity found, in every form of the report."""

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perf_pipeline.analysis.capacity.search import (
    Capacity,
    CapacityKind,
    Purpose,
    Shown,
    Tried,
)
from perf_pipeline.report.capacity_plot import knee_plots
from perf_pipeline.report.capacity_texts import (
    CapacityReport,
    answer_sentence,
    search_sentence,
    window_sentence,
)
from perf_pipeline.report.html import render_html
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline_tests.support.searched import PLAN, WINDOW, searched, windows_of


def report(found: CapacityReport) -> RunReport:
    """Make the report of a run that searched."""
    benchmark = BenchmarkReport(
        name="much", status=BenchmarkStatus.COMPLETED, wall_s=90.0, measured_s=70.0, capacity=found
    )
    began_at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return RunReport("r1", "mine", began_at, 90.0, "shop", benchmarks=(benchmark,))


def test_a_window_is_told_on_one_line() -> None:
    assert window_sentence(WINDOW) == (
        "window 3 at 200/s: FAILED because http_req_duration p(95)<300 was 512 ms; achieved 172/s, "
        "p95 512 ms, 0 % failed, 12 dropped, CPU api 98 %, host 83 %"
    )


def test_what_was_not_measured_is_left_out_of_the_line() -> None:
    window = replace(WINDOW, p95_ms=math.nan, failed_ratio=math.nan, dropped=0, cpu="{}", reason="")

    assert window_sentence(replace(window, shown="HELD", purpose="confirm", rate_per_s=0.5)) == (
        "window 3 at 30/min (confirm): HELD; achieved 172/s"
    )


def test_the_plan_is_told_before_anything_is_sent() -> None:
    told = search_sentence("much", "checkout", PLAN, 15.0, [])

    assert told == (
        "much searches the highest rate that checkout carries: from 50/s on, between 1/s and "
        "1,000/s, in at most 25 windows, of 15 s at the first rate."
    )


def test_a_capacity_says_rate_day_interval_headroom_and_limit() -> None:
    found = searched()

    assert found.answer.kind is CapacityKind.CAPACITY
    rate, per_day = found.answer.rate, round((found.answer.rate or 0) * 86_400)
    assert rate is not None
    assert found.sentence.startswith(f"checkout carries {rate:.0f}/s ({per_day:,} a day), ")
    assert "confirmed by 1 of 1 window. By all" in found.sentence
    assert f"it lies between {rate:.0f}/s and 200/s." in found.sentence
    times = rate / (1_000_000 / 86_400)
    assert f"That is {times:.1f} times the 1,000,000 a day that are required." in found.sentence
    assert found.sentence.endswith(
        "What gives way at 200/s: http_req_duration p(95)<300 was 512 ms (found meanwhile: host "
        "CPU (avg 83.4 %))."
    )


@pytest.mark.parametrize(
    ("kind", "rate", "told"),
    [
        (
            CapacityKind.NOTHING,
            None,
            (
                "checkout carries no rate that was tried, not even 30/min: http_req_duration "
                "p(95)<300 was 512 ms."
            ),
        ),
        (
            CapacityKind.UNCONFIRMED,
            0.5,
            (
                "No rate was confirmed within 1 window, so the capacity of checkout is not known; "
                "the highest rate at which a window held is 30/min."
            ),
        ),
        (
            CapacityKind.UNFINISHED,
            None,
            (
                "The search ended before it found the capacity of checkout, because it is gone; no "
                "window held."
            ),
        ),
    ],
)
def test_an_answer_that_is_no_capacity_says_so(
    kind: CapacityKind, rate: float | None, told: str
) -> None:
    tried = (Tried(0.5, Purpose.SEARCH, Shown.FAILED),)
    answer = Capacity(kind, rate, None, None, tried)
    windows = windows_of(answer)

    assert answer_sentence("checkout", answer, windows, ended="it is gone") == told


def test_a_limit_of_the_generator_is_at_least() -> None:
    answer = Capacity(CapacityKind.AT_LEAST, 50.0, 50.0, None, ())
    limit = replace(WINDOW, shown="INVALID", reason="its CPU was at 99 %")

    assert answer_sentence("checkout", answer, [limit]) == (
        "checkout carries at least 50/s (4,320,000 a day); at 200/s nothing is known about the "
        "target, because its CPU was at 99 %, so its capacity is not known."
    )


def test_every_form_shows_the_answer_and_the_windows() -> None:
    found = searched()
    run = report(found)

    assert "CAPACITY" in render_terminal(run, 400)
    assert found.sentence in render_terminal(run, 1_000)
    assert "windows of much" in render_markdown(run)
    assert "**CAPACITY** much" in render_markdown(run)
    page = render_html(run)
    assert found.sentence in page.replace("&lt;", "<")
    assert "<h3>Windows</h3>" in page
    case = ET.fromstring(render_junit(run).partition("\n")[2]).find(".//testcase/system-out")  # noqa: S314 - written here
    assert case is not None
    assert case.text == f"COMPLETED {found.sentence}"
    stored = json.loads(render_k6(run))["perf_pipeline"]["benchmarks"]["much"]["capacity"]
    assert stored["per_s"] == found.answer.rate
    assert [window["status"] for window in stored["windows"]] == [
        window.shown for window in found.windows
    ]


def test_the_knee_is_drawn_with_a_point_for_each_window() -> None:
    found = searched()
    [latency, growth, *cpu] = knee_plots(found)

    assert latency.count("<circle") == len(found.windows)
    assert "p95 of the response time over the rate" in latency
    assert "growth of queues" in growth
    assert ["CPU of api" in cpu[0], "CPU of host" in cpu[1]] == [True, True]


def test_windows_at_one_rate_have_no_knee() -> None:
    found = searched()

    assert list(knee_plots(replace(found, windows=found.windows[:1]))) == []
    assert list(knee_plots(None)) == []
