"""A gate that is withheld is told in every report, and fails as its policy says."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from perf_pipeline.analysis.baseline import DiffStatus
from perf_pipeline.defs.metadata.judgement import gate_result
from perf_pipeline.report.html import render_html
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import BenchmarkReport, RunReport, Withheld
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline.report.why import troubles
from perf_pipeline_tests.unit.report.conftest import HISTORY, p95_diff

WHY = "many unrelated metrics became worse together: the environment changed"
HELD = Withheld(series=1, compared=1, reasons=(WHY,), since="r7", in_a_row=2)


@pytest.fixture
def calm(full: RunReport, database: BenchmarkReport) -> RunReport:
    """A run in which nothing is wrong but that its only comparison is withheld."""
    moved = replace(p95_diff(4.0, HISTORY), status=DiffStatus.ENVIRONMENT_CHANGED, reason=WHY)
    diffs = (("database_benchmark", moved),)
    return replace(full, benchmarks=(database,), diffs=diffs, withheld=HELD, notices=())


def _junit(report: RunReport) -> ET.Element:
    return ET.fromstring(render_junit(report))  # noqa: S314 - made here


def _gate_case(report: RunReport) -> ET.Element:
    (case,) = _junit(report).iterfind(".//testcase[@name='gate']")
    return case


def _told(report: RunReport) -> str:
    (told,) = (line[2] for line in troubles(report) if line[0] == "ENVIRONMENT_CHANGED")
    return told


def _json_gate(report: RunReport) -> Any:
    return json.loads(render_k6(report))["perf_pipeline"]["gate"]


def test_it_says_for_what_why_since_when_and_what_to_do(calm: RunReport) -> None:
    assert _told(calm) == (
        f"the gate is withheld for 1 of 1 series, for 2 runs in a row: {WHY}. This run cannot "
        "show whether the system is slower. To do: run again when nothing else uses the "
        'machine; if it stays as it is now, `perf-pipeline baseline accept r7 --reason "..."` '
        "makes its level the baseline"
    )


@pytest.mark.parametrize("in_a_row", [2, 5])
def test_no_run_of_a_pull_request_is_to_be_accepted(calm: RunReport, in_a_row: int) -> None:
    held = replace(HELD, in_a_row=in_a_row, pull_request="7")

    told = _told(replace(calm, withheld=held))

    assert "baseline accept r7" not in told
    assert (
        "as it is now, merge pull request 7, and make the level of the first run of the branch "
        'after it the baseline, by `perf-pipeline baseline accept RUN --reason "..."`'
    ) in told


def test_a_warning_is_no_silent_pass_in_any_report(calm: RunReport) -> None:
    assert calm.exit_code == 0
    for text in (render_terminal(calm, 200), render_markdown(calm), render_html(calm)):
        assert "PASS, the gate is withheld (exit code 0)" in text
        assert "the gate is withheld for 1 of 1 series" in text
    assert _gate_case(calm).find("skipped") is not None
    assert (_json_gate(calm)["status"], _json_gate(calm)["fails"]) == ("WITHHELD", False)
    check = gate_result(calm)
    assert check.passed
    assert "the gate is withheld for 1 of 1 series" in (check.description or "")


def test_where_it_is_to_fail_every_report_says_so_alike(calm: RunReport) -> None:
    failing = replace(calm, withheld=replace(HELD, fails=True))

    assert failing.exit_code == 97
    assert "NOT MEASURED, the gate is withheld (exit code 97)" in render_terminal(failing, 200)
    error = _gate_case(failing).find("error")
    assert error is not None
    assert error.get("type") == "ENVIRONMENT_CHANGED"
    assert _json_gate(failing)["fails"] is True
    assert not gate_result(failing).passed


def test_after_five_runs_in_a_row_somebody_has_to_decide(calm: RunReport) -> None:
    four, five = (replace(calm, withheld=replace(HELD, in_a_row=n)) for n in (4, 5))

    assert (four.exit_code, five.exit_code) == (0, 97)
    assert "somebody has to decide" not in _told(four)
    assert "this has lasted too long: somebody has to decide. To do: if" in _told(five)
    assert _json_gate(five)["needs_decision"] is True


def test_five_runs_that_agree_on_a_new_level_need_no_decision(calm: RunReport) -> None:
    agreed = replace(calm, withheld=replace(HELD, in_a_row=5, new_level="r3"))

    assert agreed.exit_code == 0
    assert (
        "The runs since r3 agree on a new level, which is the baseline from the next run on"
        in _told(agreed)
    )
    assert _json_gate(agreed)["new_level"] == "r3"


def test_a_gate_that_decided_everything_says_so(full: RunReport) -> None:
    assert _json_gate(full) == {"status": "DECIDED"}
    assert _junit(full).find(".//testcase[@name='gate']") is None


def test_a_comparison_that_fails_no_run_is_no_error_for_a_reader_of_junit(
    calm: RunReport,
) -> None:
    blind = replace(calm, withheld=None, diffs=(("database_benchmark", p95_diff(None, HISTORY)),))

    assert blind.exit_code == 0
    assert _junit(blind).get("errors") == "0"
