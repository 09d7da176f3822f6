from dataclasses import replace

import pytest

from perf_pipeline.metrics.threshold import Status, Verdict, parse_threshold
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.why import merged, troubles

STALL = "stood still for 886 ms (limit 250 ms); use more workers"


@pytest.fixture
def invalid(api: BenchmarkReport) -> BenchmarkReport:
    """As judge_run leaves it: each verdict repeats all reasons of the benchmark."""
    reasons = (f"worker 0 {STALL}", f"worker 1 {STALL}")
    told = tuple(
        Verdict(verdict.threshold, verdict.observed, Status.INVALID, "; ".join(reasons))
        for verdict in api.verdicts
    )
    return replace(api, valid=False, invalid_reasons=reasons, verdicts=told)


def test_a_reason_is_told_once_for_all_thresholds_of_a_benchmark(
    five_seconds: RunReport, invalid: BenchmarkReport
) -> None:
    assert troubles(replace(five_seconds, benchmarks=(invalid,))) == [
        (
            "INVALID",
            "api_user_creation",
            (
                "worker 0 stood still for 886 ms (limit 250 ms), "
                "worker 1 stood still for 886 ms (limit 250 ms); use more workers "
                "(all 4 thresholds not judged)"
            ),
        )
    ]


def test_failed_thresholds_are_told_with_figure_and_bound_in_one_line(full: RunReport) -> None:
    assert troubles(full)[0] == (
        "FAIL",
        "api_user_creation",
        "http_req_failed is 1.0004 %, wanted rate<0.01",
    )


def test_what_decides_over_the_exit_code_comes_first(
    full: RunReport, invalid: BenchmarkReport
) -> None:
    report = replace(full, benchmarks=(replace(invalid, name="first"), *full.benchmarks))

    assert [status for status, _, _ in troubles(report)] == ["FAIL", "REGRESSED", "INVALID", "WARN"]


def test_a_regression_says_how_much_against_what(full: RunReport) -> None:
    (line,) = (line for line in troubles(full) if line[0] == "REGRESSED")

    assert line[1:] == (
        "api_user_creation http_req_duration p(95)",
        "+33.4 % (+22.5 % to +45.2 %) against a median of 3 ms in 8 runs",
    )


def test_a_benchmark_that_died_says_when_and_why_and_not_again_for_each_threshold(
    five_seconds: RunReport, database: BenchmarkReport
) -> None:
    blind = tuple(
        Verdict(parse_threshold("db_queries", bound), None, Status.NO_DATA, "connection refused")
        for bound in ("count>0", "rate>1", "rate>2")
    )
    died = replace(
        database,
        status=BenchmarkStatus.FAILED,
        problems=("connection refused",),
        verdicts=(*blind, *database.verdicts),
    )

    assert troubles(replace(five_seconds, benchmarks=(died,))) == [
        ("FAILED", "database_benchmark", "after 12s; connection refused"),
        ("NO_DATA", "database_benchmark", "3 of 4 thresholds"),
        (
            "WARN",
            "database_benchmark",
            "db_records_per_s{operation:select} is 4,200 records/s, wanted value>=5000",
        ),
    ]


def test_a_benchmark_that_never_ran_is_one_line(
    five_seconds: RunReport, database: BenchmarkReport
) -> None:
    blind = Verdict(parse_threshold("db_queries", "count>0"), None, Status.NO_DATA, "did not run")
    never = BenchmarkReport(
        "database_benchmark", BenchmarkStatus.NOT_RUN, 0.0, 0.0, verdicts=(blind,)
    )

    assert troubles(replace(five_seconds, benchmarks=(never, replace(database, verdicts=())))) == [
        ("NOT_RUN", "database_benchmark", "nothing was measured")
    ]


def test_many_failed_thresholds_are_named_up_to_four(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    failed = tuple(
        parse_threshold("http_reqs", f"rate>{bound}").judge(1.0) for bound in range(50, 57)
    )
    ((_, _, sentence),) = troubles(
        replace(five_seconds, benchmarks=(replace(api, verdicts=failed),))
    )

    assert sentence.count("wanted") == 4
    assert sentence.endswith("; 3 more")


def test_a_run_in_order_has_no_troubles(five_seconds: RunReport) -> None:
    assert troubles(five_seconds) == []


def test_reasons_without_a_remedy_are_only_joined() -> None:
    assert merged(["a", "b", "a", "c; do x"]) == "a, b; c; do x"
