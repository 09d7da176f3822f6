"""What is told of a run that could not be measured names the reason."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from perf_pipeline.alerting.alert import alert_of
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline_tests.support.report_kinds import KINDS

NEVER: Final = BenchmarkReport("database_benchmark", BenchmarkStatus.NOT_RUN, 0.0, 0.0)


def beside(kind: str) -> RunReport:
    """Give a run of a kind beside whose benchmark another one never began."""
    made = KINDS[kind]()
    return replace(made, benchmarks=(*made.benchmarks, NEVER))


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        pytest.param(KINDS["invalid"], "invalid", id="only the load generator was the limit"),
        pytest.param(KINDS["no-data"], "notMeasured", id="the target refused"),
        pytest.param(lambda: beside("invalid"), "notMeasured", id="and one never began"),
    ],
)
def test_a_run_is_invalid_only_where_nothing_else_is_missing(
    report: Callable[[], RunReport], outcome: str
) -> None:
    alert = alert_of(report(), "")

    assert alert is not None
    assert alert.outcome == outcome
