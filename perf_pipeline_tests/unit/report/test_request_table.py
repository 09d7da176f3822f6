"""Requests and failures of a benchmark are tables: what was done, how fast, and what went wrong."""

from dataclasses import replace

from perf_pipeline.analysis.baseline import BaselinePolicy, Series, diff
from perf_pipeline.report.failure_table import failure_table
from perf_pipeline.report.html import render_html
from perf_pipeline.report.model import BenchmarkReport, Failure, RunReport
from perf_pipeline.report.request_table import request_table
from perf_pipeline_tests.unit.report.conftest import HISTORY, counter, rate, trend


def table_of(report: RunReport, benchmark: BenchmarkReport) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in request_table(report.diffs, benchmark).rows}


def test_each_operation_has_a_row_below_the_whole(full: RunReport, api: BenchmarkReport) -> None:
    summaries = (
        trend("http_req_duration", 2.0),
        counter("http_reqs", 6_000, 100.0),
        rate("http_req_failed", 0.015),
        *(trend("http_req_duration", 2.0, 3_000, operation=name) for name in ("get", "post")),
        counter("http_reqs", 3_000, 50.0, operation="get"),
        rate("http_req_failed", 0.03, 3_000, operation="get"),
    )
    rows = table_of(full, replace(api, summaries=summaries))

    assert list(rows) == ["requests: http_req_duration in ms", "all", "get", "post"]
    # median 1, p90 1.8, p95 2, p99 3, p99.9 3.5 and maximum 4 times the scale of 2
    percentiles = ("2", "3.6", "4", "6", "7", "8")
    assert rows["all"] == ("6,000", "100", "1.5 %", *percentiles, "+33.4 %, REGRESSED")
    assert rows["get"] == ("3,000", "50", "3 %", *percentiles, "-")
    assert rows["post"] == ("3,000", "-", "-", *percentiles, "-")


def test_the_only_scenario_gives_the_whole_its_name(full: RunReport, api: BenchmarkReport) -> None:
    assert list(table_of(full, api)) == ["requests: http_req_duration in ms", "create"]


def test_the_only_scenario_of_several_operations_has_no_row_beside_the_whole(
    full: RunReport, api: BenchmarkReport
) -> None:
    summaries = (
        trend("http_req_duration", 2.0),
        trend("http_req_duration", 2.0, operation="get"),
        trend("http_req_duration", 2.0, operation="post"),
        trend("http_req_duration", 2.0, scenario="visit"),
    )
    rows = table_of(full, replace(api, summaries=summaries))

    assert list(rows)[1:] == ["all", "get", "post"]


def test_scenarios_and_operations_of_the_same_name_are_told_apart(
    full: RunReport, api: BenchmarkReport
) -> None:
    summaries = (
        trend("http_req_duration", 2.0),
        trend("http_req_duration", 2.0, operation="get"),
        trend("http_req_duration", 2.0, scenario="get"),
        trend("http_req_duration", 2.0, scenario="read"),
    )
    rows = table_of(full, replace(api, summaries=summaries))

    assert list(rows)[1:] == ["all", "operation get", "scenario get", "scenario read"]


def test_a_percentile_that_few_values_carry_is_left_out(
    full: RunReport, api: BenchmarkReport
) -> None:
    rows = table_of(full, replace(api, summaries=(trend("http_req_duration", 2.0, 500),)))

    # 500 values carry a p99 (100 are enough) and no p99.9 (1,000).
    assert rows["all"][3:9] == ("2", "3.6", "4", "6", "-", "8")


def test_a_row_is_compared_with_its_own_baseline(full: RunReport, api: BenchmarkReport) -> None:
    series = Series("http_req_duration", {"operation": "get"}, "p(95)")
    calm = diff(series, 3.0, HISTORY, BaselinePolicy())
    first = diff(Series("http_req_duration", {}, "p(95)"), 3.0, [], BaselinePolicy())
    summaries = (
        trend("http_req_duration", 2.0),
        trend("http_req_duration", 2.0, 9, operation="get"),
    )
    report = replace(full, diffs=((api.name, calm), (api.name, first), ("other", calm)))
    rows = table_of(
        report,
        replace(api, summaries=(*summaries, trend("cache_op_duration", 1.0, operation="set"))),
    )

    assert rows["all"][-1] == "no history yet"
    assert rows["get"][-1] == "+0.0 %, OK"
    assert rows["operations: cache_op_duration in ms"] == ()


def test_requests_can_be_sorted_and_other_tables_keep_their_order(full: RunReport) -> None:
    page = render_html(full)

    # of each benchmark: HTTP requests, database queries, and messages
    assert page.count('<table class="sortable">') == 3
    assert "<h3>Requests</h3>" in page


def test_failures_are_told_with_count_times_and_an_example(
    full: RunReport, api: BenchmarkReport
) -> None:
    failed = replace(
        api,
        failures=(
            Failure("status 500", "get of read", 1_200, 3.0, 64.25, 7, 41),
            Failure("check status is 201", "create", 3),
        ),
    )

    assert failure_table(failed).rows == (
        ("status 500", "get of read", "1,200", "3.0 s", "64.2 s", "iteration 41 of VU 7"),
        ("check status is 201", "create", "3", "-", "-", "-"),
    )
    assert "<h3>Failures</h3>" in render_html(replace(full, benchmarks=(failed,)))
    assert "<h3>Failures</h3>" not in render_html(full)


def test_the_rarest_of_many_kinds_of_failure_are_counted_together(api: BenchmarkReport) -> None:
    kinds = tuple(Failure(f"kind {n}", "get", 1_000 - n) for n in range(103))
    rows = failure_table(replace(api, failures=kinds)).rows

    assert len(rows) == 101
    # 900 + 899 + 898
    assert rows[-1] == ("3 more kinds, 2,697 failures together",)
