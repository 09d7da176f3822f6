"""A benchmark that proves nothing is never called healthy, in line or improved."""

from pathlib import Path

import pytest

from perf_pipeline.analysis.attribution import StageTimes, attribute
from perf_pipeline.analysis.baseline import DiffStatus
from perf_pipeline.analysis.finding import FindingStatus
from perf_pipeline.judging.attribution import attributions_of_run
from perf_pipeline.judging.contrast import contrast
from perf_pipeline.judging.evidence import findings_of_run
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report import findings as told_findings
from perf_pipeline.report.model import Diagnosis
from perf_pipeline.store.history import open_history
from perf_pipeline.store.records import BenchmarkStatus, RunKey
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.half_runs import B, HalfRun
from perf_pipeline_tests.support.histories.written import write_summaries


def gauge(metric: str, value: float, **tags: str) -> Summary:
    return Summary(metric, tags, 20, None, *([value] * 9))


def end_to_end(
    state: Path, run_id: str, *, status: BenchmarkStatus = "complete", valid: bool = True, ms: float
) -> None:
    """Store a run of a quick end to end, with one stage and a calm machine."""
    HalfRun(state, run_id, (B,)).begin().measure(B, status=status, valid=valid)
    recover_run(State(state), run_id)
    summaries = [
        gauge("stage_api", ms),
        gauge("stage_tail", ms, operation="api"),
        gauge("host_cpu_percent", 10.0, source="host"),
        gauge("http_req_duration", ms),
    ]
    with open_history(State(state).history_file) as history:
        write_summaries(history.connection, RunKey(run_id, B), summaries)


@pytest.mark.parametrize(
    ("status", "valid", "why"),
    [
        ("complete", False, "end_to_end is INVALID"),
        ("aborted", True, "end_to_end was aborted, and a part of a benchmark proves nothing"),
        ("stopped", True, "end_to_end was stopped, and a part of a benchmark proves nothing"),
    ],
)
def test_what_proves_nothing_is_not_called_healthy(
    tmp_path: Path, status: BenchmarkStatus, valid: bool, why: str
) -> None:
    end_to_end(tmp_path, "r1", status=status, valid=valid, ms=2.0)

    tiers, checklist = (
        attributions_of_run(State(tmp_path), "r1"),
        findings_of_run(State(tmp_path), "r1"),
    )

    [(name, one)] = tiers
    assert (name, one.name) == (B, "not known")
    assert why in one.sentence
    assert FindingStatus.OK not in {finding.status for _, finding in checklist}
    lines = told_findings.lines(Diagnosis(tuple(checklist), tuple(tiers)))
    assert ("NO_DATA", f"{B}: not known") in [line[:2] for line in lines]
    assert any(
        line[2].startswith("only benchmarks that were not wholly measured and judged have readings")
        for line in lines
    )


def test_what_is_whole_and_valid_is_called_healthy(tmp_path: Path) -> None:
    end_to_end(tmp_path, "r1", ms=2.0)

    [(_, one)] = attributions_of_run(State(tmp_path), "r1")

    assert one == attribute([StageTimes("api", 2.0, 2.0, 2.0)])
    assert one is not None
    assert one.name == "healthy"


@pytest.mark.parametrize("first_is_valid", [True, False])
def test_an_invalid_run_is_no_improvement_beside_another(
    tmp_path: Path, *, first_is_valid: bool
) -> None:
    end_to_end(tmp_path, "r1", valid=first_is_valid, ms=100.0)
    end_to_end(tmp_path, "r2", valid=not first_is_valid, ms=1.0)

    diffs = contrast(State(tmp_path), "r1", "r2").diffs

    assert {diff.status for _, diff in diffs} == {DiffStatus.INVALID}
