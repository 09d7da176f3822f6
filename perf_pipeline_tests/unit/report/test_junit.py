import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.model import BenchmarkReport, RunReport


def parsed(report: RunReport) -> ET.Element:
    return ET.fromstring(render_junit(report))  # noqa: S314 - our own output


def case(root: ET.Element, name: str) -> ET.Element:
    (found,) = (element for element in root.iter("testcase") if element.get("name") == name)
    return found


def test_a_suite_for_each_benchmark_and_one_for_the_baseline(full: RunReport) -> None:
    root = parsed(full)

    assert [suite.get("name") for suite in root] == [
        "api_user_creation",
        "database_benchmark",
        "day_simulation",
        "baseline_diff",
    ]
    # 4 + 1 + 1 verdicts, 3 benchmarks, 4 diffs
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("13", "2", "2")
    assert root.get("errors") == "0"


def test_cases_are_named_by_subject_so_that_a_moved_bound_keeps_its_history(
    full: RunReport,
) -> None:
    root = parsed(full)
    failed = case(root, "http_req_failed__rate")

    assert failed.get("classname") == "api_user_creation"
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == "FAIL http_req_failed rate<0.01: observed 1.0004 %"
    assert case(root, "http_req_duration__p95").find("failure") is None


def test_a_missed_aim_passes_and_says_so(full: RunReport) -> None:
    warned = case(parsed(full), "db_records_per_s__operation__select__value")

    assert [child.tag for child in warned] == ["system-out"]
    assert warned.findtext("system-out", "").startswith("WARN db_records_per_s")


def test_two_bounds_on_one_subject_are_one_case_with_the_worse_result(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    verdicts = tuple(
        parse_threshold("http_reqs", bound).judge(60.0) for bound in ("rate>50", "rate>100")
    )
    root = parsed(replace(five_seconds, benchmarks=(replace(api, verdicts=verdicts),)))
    failure = case(root, "http_reqs__rate").find("failure")

    assert failure is not None
    assert failure.get("message") == "FAIL http_reqs rate>100: observed 60 requests/s"


def test_what_could_not_be_measured_is_an_error_and_not_a_failure(aborted: RunReport) -> None:
    root = parsed(aborted)

    assert (root.get("failures"), root.get("errors")) == ("0", "5")
    assert case(root, "db_queries__count").find("error") is not None
    assert case(root, "http_reqs__rate").find("error") is not None


def test_why_a_benchmark_is_invalid_is_told_once_and_not_with_every_threshold(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    why = "worker 0 stood still for 4106 ms"
    verdicts = tuple(
        replace(parse_threshold("http_reqs", bound).judge(60.0, measured=False), reason=why)
        for bound in ("rate>50", "rate>100")
    )
    invalid = replace(api, valid=False, invalid_reasons=(why,), verdicts=verdicts)
    root = parsed(replace(five_seconds, benchmarks=(invalid,)))

    assert [error.get("message", "").count(why) for error in root.iter("error")] == [1, 0]
    assert "see benchmark_ran" in str(ET.tostring(case(root, "http_reqs__rate")))


def test_a_regression_fails_and_learning_is_skipped(full: RunReport) -> None:
    suite = parsed(full)[-1]
    regressed, pinned, learning, _ = suite

    assert regressed.get("classname") == "baseline.api_user_creation"
    assert regressed.find("failure") is not None
    assert pinned.get("name") == "http_req_duration p(95) pinned"
    assert learning.find("skipped") is not None


def test_a_run_without_benchmarks_is_an_error(empty: RunReport) -> None:
    root = parsed(empty)

    assert (root.get("tests"), root.get("errors")) == ("1", "1")


@pytest.mark.parametrize("kind", ["full", "five_seconds", "aborted", "empty"])
def test_every_kind_of_run_is_well_formed_xml(kind: str, request: pytest.FixtureRequest) -> None:
    assert parsed(request.getfixturevalue(kind)).tag == "testsuites"


def test_control_characters_and_markup_do_not_break_the_xml(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    evil = replace(api, name="<script>", valid=False, invalid_reasons=('a\x00\x1b]]>"&\ud800',))
    root = parsed(replace(five_seconds, benchmarks=(evil,)))

    assert root[0].get("name") == "<script>"
    assert 'a��]]>"&�' in (root[0][0][0].get("message") or "")
