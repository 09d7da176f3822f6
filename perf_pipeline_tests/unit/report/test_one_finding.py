"""One cause is one finding in every form of the report, and the other series stand below it."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, Series, diff
from perf_pipeline.report import comparison, headline
from perf_pipeline.report.html import render_html
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline.report.trend import Trend, TrendChange, TrendRun
from perf_pipeline.report.why import troubles

CALM = [3.0, 3.1, 2.9, 3.05, 2.95, 3.0, 3.1, 2.9]
LEADING = "api_user_creation http_req_duration p(95)"


def slower(statistic: str = "p(95)", **tags: str) -> Diff:
    series = Series("http_req_duration", tags, statistic)
    return diff(series, 4.5, [*CALM, 4.5], BaselinePolicy())


@pytest.fixture
def report(five_seconds: RunReport) -> RunReport:
    """Give a run whose API is slower: eight series in two benchmarks."""
    return replace(
        five_seconds,
        diffs=(
            ("api_user_creation", slower("med")),
            ("api_user_creation", slower()),
            *(("api_mixed_operations", slower(operation=f"op{n}")) for n in range(6)),
        ),
    )


def test_it_is_one_trouble_that_names_the_others(report: RunReport) -> None:
    [(_, subject, sentence)] = [
        trouble for trouble in troubles(report) if trouble[0] == "REGRESSED"
    ]

    assert subject == LEADING
    assert sentence.startswith("+50.0 % (")
    assert sentence.endswith(
        "in 8 runs; one finding with 7 more series in the same tier (api): med +50.0 %, "
        "api_mixed_operations http_req_duration{operation:op0} p(95) +50.0 %, "
        "api_mixed_operations http_req_duration{operation:op1} p(95) +50.0 %, "
        "api_mixed_operations http_req_duration{operation:op2} p(95) +50.0 %, 3 more"
    )


def test_the_answers_name_it_once(report: RunReport) -> None:
    assert comparison.regression(report) == f"yes: {LEADING} and 7 more series with it"
    assert headline.counts(report).endswith("against the baseline: 8 REGRESSED (1 finding)")


def test_the_terminal_lists_the_others_below_its_row(report: RunReport) -> None:
    lines = render_terminal(report, 160).splitlines()

    table = lines[next(n for n, line in enumerate(lines) if "against the baseline" in line) :]
    assert sum(line.strip().endswith("REGRESSED") for line in table) == 1
    below = [line.strip() for line in table if line.startswith("  with it ")]
    assert below[0] == "with it med +50.0 %"
    assert below[1].startswith(
        "with it api_mixed_operations http_req_duration{operation:op0} p(95)"
    )
    assert below[6:] == ["with it 1 more series"]


def test_a_change_of_a_regression_is_dated_once_and_never_called_harmless(
    report: RunReport,
) -> None:
    points = tuple(TrendRun(f"r{n}", f"2026-11-0{n + 1}T00:00:00+00:00", 3.0) for n in range(4))
    by_gate = TrendChange(2, None, 3.0, 4.5, "gate")
    changes = (by_gate, TrendChange(3, None, 3.0, 4.5, "history"))
    trends = tuple(
        Trend(name, diff.series, points, has_newest=True, band=None, changes=changes)
        for name, diff in report.diffs
    )

    told = comparison.dated(replace(report, trends=trends))

    assert [(subject, sentence.partition(" since ")[2][:6]) for _, subject, sentence in told] == [
        (LEADING, "run r2"),
        (LEADING, "run r3"),
    ]
    assert not any("fails no run" in sentence for _, _, sentence in told)
    calm = comparison.dated(replace(report, diffs=(), trends=trends[:1]))
    assert [sentence.endswith("by itself it fails no run)") for _, _, sentence in calm] == [
        False,
        True,
    ]


def test_a_change_in_the_history_is_dated_beside_a_finding_against_a_release(
    report: RunReport,
) -> None:
    """Against v1 the median stands below the p(95); what its own history says is another matter."""
    points = tuple(TrendRun(f"r{n}", f"2026-11-0{n + 1}T00:00:00+00:00", 3.0) for n in range(4))
    change = TrendChange(3, None, 3.0, 4.5, "history")
    pairs = [(name, replace(diff, against="v1", pinned=3.0)) for name, diff in report.diffs[:2]]
    trends = tuple(
        Trend(name, diff.series, points, has_newest=True, band=None, changes=(change,))
        for name, diff in pairs
    )

    told = comparison.dated(replace(report, diffs=tuple(pairs), trends=trends))

    assert [subject for _, subject, _ in told] == [
        "api_user_creation http_req_duration med",
        LEADING,
    ]
    assert all(sentence.endswith("by itself it fails no run)") for _, _, sentence in told)


def test_junit_has_one_failure_and_the_others_name_it(report: RunReport) -> None:
    root = ET.fromstring(render_junit(report))  # noqa: S314 - our own report
    suite = root.find("testsuite[@name='baseline_diff']")

    assert suite is not None
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "7")
    told = [case.get("message", "") for case in suite.iter("skipped")]
    assert all(text.startswith("REGRESSED +50") for text in told)
    assert all(text.endswith(f"; one finding with {LEADING}, which fails") for text in told)


def test_json_has_the_causes_beside_the_series(report: RunReport) -> None:
    ours = json.loads(render_k6(report))["perf_pipeline"]

    (cause,) = ours["causes"]
    assert {name: cause[name] for name in ("status", "tier", "benchmark", "series", "against")} == {
        "status": "REGRESSED",
        "tier": "api",
        "benchmark": "api_user_creation",
        "series": "http_req_duration p(95)",
        "against": None,
    }
    assert len(cause["others"]) == 7
    assert len(ours["diffs"]) == 8


def test_html_and_markdown_fold_the_others_away(report: RunReport) -> None:
    assert "<summary>7 more series of these findings</summary>" in render_html(report)
    comment = render_markdown(report)
    assert comment.count("**REGRESSED**") == 1
    assert "and 7 more series with it" in comment
