import re
from dataclasses import replace

import pytest

from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.terminal import render_terminal

KINDS = ("full", "five_seconds", "aborted", "empty")
# Reviewed by eye.
GOLDEN = """\
run 20260104-000000-quick, profile quick, 2026-01-04 00:00 UTC
target http://127.0.0.1:8080, took 5s

benchmark, threshold                  bound       observed     status
api_user_creation                                 5s measured
  http_req_duration                   p(95)<1000  4 ms         PASS
  http_req_duration{scenario:create}  p(99)<2000  6 ms         PASS

baseline: nothing was compared

thresholds: 2 PASS
1,000,000 messages a day: not measured in this run
PASS (exit code 0)
html: .perf/report.html
history: .perf/history.duckdb
"""


def test_a_five_second_run_fits_on_one_screen(five_seconds: RunReport) -> None:
    assert render_terminal(five_seconds, 80) == GOLDEN


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("kind", KINDS)
def test_no_line_is_wider_than_the_terminal(
    kind: str, width: int, request: pytest.FixtureRequest
) -> None:
    lines = render_terminal(request.getfixturevalue(kind), width).splitlines()

    assert max(map(len, lines)) <= width


def test_a_full_run_shows_verdicts_baseline_bottlenecks_and_the_answer(full: RunReport) -> None:
    text = render_terminal(full, 120)

    for row in (
        r"http_req_failed +rate<0.01 +1.0004 % +FAIL",
        r"http_reqs +rate>50 +11,734 requests/s +PASS",
        r"db_records_per_s\{operation:select\} +value>=5000 +4,200 records/s +WARN",
        r"http_req_duration +3 ms +\+33.4 % +11.7 % +REGRESSED",
        r"p\(95\) +n 8, CV 2.7 % +\+22.5 % to \+45.2 %",
        r"http_req_duration +800 ms pinned +-99.5 % +5.0 % +IMPROVED",
    ):
        assert re.search(row, text), row
    assert "LEARNING baseline: no history yet for 1 of 4 series" in text
    assert "FOUND database CPU (database): 90 %, bound 80 %. To do: switch" in text
    assert "NOTICE the broker is an emulator" in text
    assert "headroom 3.2x" in text
    assert "FAIL (exit code 99)" in text


def test_an_invalid_run_says_in_words_why(aborted: RunReport) -> None:
    text = render_terminal(aborted, 120)

    assert "INVALID api_user_creation: worker 1 used 97 % of its core" in text
    assert "PROBLEM database_benchmark: connection refused by 127.0.0.1:5432" in text
    assert "NOT RUN day_simulation: nothing was measured" in text
    assert "NOT MEASURED (exit code 97)" in text


def test_a_run_without_any_benchmark_says_so(empty: RunReport) -> None:
    assert "NO DATA run: no benchmark ran" in render_terminal(empty, 80)


def test_colour_only_adds_to_the_words(full: RunReport) -> None:
    plain, coloured = render_terminal(full, 80), render_terminal(full, 80, color=True)

    assert "\x1b[" not in plain
    assert "\x1b[1;31mFAIL" in coloured
    assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()] == (
        plain.splitlines()
    )


def test_escape_sequences_and_markup_of_a_target_are_shown_not_obeyed(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    evil = replace(api, problems=("\x1b[2J [bold red]gone[/] :smile:",))
    text = render_terminal(replace(five_seconds, benchmarks=(evil,)), 80)

    assert "�[2J [bold red]gone[/] :smile:" in text
