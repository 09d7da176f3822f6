from dataclasses import replace

import pytest

from perf_pipeline.report import headline
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport


@pytest.mark.parametrize(
    ("kind", "code"), [("full", 99), ("five_seconds", 0), ("aborted", 97), ("empty", 97)]
)
def test_each_kind_of_run_has_its_exit_code(
    kind: str, code: int, request: pytest.FixtureRequest
) -> None:
    report: RunReport = request.getfixturevalue(kind)

    assert report.exit_code == code


def test_a_regression_without_a_failed_threshold_is_98(full: RunReport) -> None:
    fine = tuple(replace(benchmark, verdicts=()) for benchmark in full.benchmarks)

    assert replace(full, benchmarks=fine).exit_code == 98


def test_an_invalid_benchmark_without_thresholds_is_97(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    invalid = replace(api, valid=False, verdicts=())

    assert replace(five_seconds, benchmarks=(invalid,)).exit_code == 97


def test_a_run_stopped_by_the_user_is_105(full: RunReport, api: BenchmarkReport) -> None:
    stopped = replace(api, status=BenchmarkStatus.STOPPED)

    assert replace(full, benchmarks=(stopped,)).exit_code == 105


def test_a_benchmark_leads_with_p95_throughput_and_error_rate(
    api: BenchmarkReport, database: BenchmarkReport
) -> None:
    of_api = headline.headline(api)

    assert (of_api.p95_ms, of_api.per_s, of_api.unit) == (4.0, 11_734.2, "requests")
    assert of_api.error_ratio == 0.010004
    assert headline.headline(database).latency == "db_query_duration"


def test_history_is_shown_before_a_pinned_figure(full: RunReport, api: BenchmarkReport) -> None:
    diff = headline.p95_diff(full, api)

    assert diff is not None
    assert diff.pinned is None


def test_verdicts_and_diffs_are_counted_by_status(full: RunReport) -> None:
    assert headline.counts(full) == (
        "thresholds: 1 FAIL, 1 WARN, 4 PASS; against the baseline: 1 OK, 1 REGRESSED, 2 LEARNING"
    )
