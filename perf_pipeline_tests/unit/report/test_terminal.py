import re
from dataclasses import replace

import pytest
from rich.text import Text

from perf_pipeline.report.model import BenchmarkReport, Diagnosis, RunReport
from perf_pipeline.report.terminal import render_comparison, render_terminal, rendered

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
1,000,000 messages a day: not shown, because day_simulation was not part of this
run
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
    ):
        assert re.search(row, text), row
    assert re.search(r"LEARNING +baseline: 0 of 5 runs so far; comparing starts with run 6", text)
    assert re.search(r"OK +api_user_creation .*-99.5 % against the pinned 800 ms", text)
    assert re.search(r"FOUND +database CPU \(database\): avg 108 % in end_to_end; bound 80 %", text)
    assert "NOTICE the broker is an emulator" in text
    assert "1,000,000 messages a day: PASS, day_simulation sustained 1,036,800" in text
    assert "FAIL (exit code 99)" in text


def test_the_first_thing_after_the_table_is_why(full: RunReport) -> None:
    lines = render_terminal(full, 120).splitlines()
    last_row = next(row for row, line in enumerate(lines) if "message_latency" in line)

    assert lines[last_row + 1] == ""
    assert lines[last_row + 2] == (
        "FAIL       api_user_creation: http_req_failed is 1.0004 %, wanted rate<0.01"
    )


def test_a_first_run_with_many_series_stays_short(full: RunReport) -> None:
    series = [("api_user_creation", full.diffs[3][1])] * 70

    assert len(render_terminal(replace(full, diffs=tuple(series)), 80).splitlines()) < 50


def test_a_long_key_breaks_at_its_tag_filter(full: RunReport) -> None:
    lines = render_terminal(full, 64).splitlines()

    assert any(re.match(r"  db_records_per_s +value>=5000", line) for line in lines)
    assert "    {operation:select}" in lines


def test_an_invalid_run_says_in_words_why(aborted: RunReport) -> None:
    text = render_terminal(aborted, 120)

    assert re.search(r"INVALID +api_user_creation: worker 1 used 97 % of its core", text)
    assert re.search(r"FAILED +database_benchmark: after 12s; connection refused by 127", text)
    assert re.search(r"NOT RUN +day_simulation: nothing was measured", text)
    assert "NOT MEASURED (exit code 97)" in text


def test_a_run_without_any_benchmark_says_so(empty: RunReport) -> None:
    assert "NO DATA  run: no benchmark ran" in render_terminal(empty, 80)


def test_a_comparison_shows_every_series_with_its_noise(full: RunReport) -> None:
    text = render_comparison(full.diffs, 100)

    rows = [line.split() for line in text.splitlines() if line.startswith("  p(95)")]
    assert [" ".join(row[1:6]) for row in rows] == [
        "n 8, CV 2.7 %",
        "n 0, CV - -",
        "n 2, CV 2.3 %",
        "n 0, CV - -",
    ]
    assert " ".join(rows[0]).endswith("+22.5 % to +45.2 %")
    assert "LEARNING" in text
    assert "pinned 800 ms" in text


def test_a_comparison_names_the_tier_and_the_bottlenecks_in_the_report_s_own_words(
    full: RunReport,
) -> None:
    diagnosis = Diagnosis(full.findings, full.attributions)

    compared = render_comparison(full.diffs, 100, diagnosis=diagnosis).splitlines()

    [tally] = [line for line in compared if line.startswith("bottlenecks: ")]
    assert "1 found" in tally
    began = compared.index("") + 1
    whole = render_terminal(full, 100)
    assert "\n".join(compared[began:]) in whole


def test_a_comparison_of_nothing_says_so() -> None:
    assert render_comparison([]) == "nothing to compare: the run measured nothing\n"


def test_what_rich_draws_is_plain_without_colour_and_never_padded() -> None:
    assert rendered(Text("a  ", style="red"), 10, color=False) == "a\n"
    assert rendered(Text("a", style="red"), 10, color=True) == "\x1b[31ma\x1b[0m\n"


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
