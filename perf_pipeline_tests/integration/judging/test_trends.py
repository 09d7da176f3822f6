"""Reports draw each compared series over the stored runs, and say where comparisons come from."""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.judging.publish import publish
from perf_pipeline.report.model import RunReport
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import API, QUIET, add_runs, api_runs


def published(state: Path, *p95_ms: float, last_is_valid: bool = True) -> RunReport:
    """Store runs, all of whose samples are kept, and report on the last one."""
    keeping = load_profile("quick", {"keepRawRuns": 100})
    runs = [replace(run, profile=keeping) for run in api_runs(*p95_ms)]
    runs[-1] = replace(runs[-1], valid=last_is_valid)
    return publish(State(state), add_runs(state, runs)[-1])


def page(report: RunReport) -> str:
    return Path(report.paths["html"]).read_text(encoding="utf-8")


def test_the_first_run_has_no_trend_and_says_so(tmp_path: Path) -> None:
    assert "There is no earlier run to draw a trend from." in page(published(tmp_path, 80.0))


@pytest.mark.parametrize(("earlier", "drawn"), [(1, 2), (5, 6), (60, 60)])
def test_a_trend_holds_the_runs_before_and_this_one_at_most_sixty(
    earlier: int, drawn: int, tmp_path: Path
) -> None:
    values = [QUIET[n % len(QUIET)] for n in range(earlier + 1)]
    report = published(tmp_path, *values)
    (p95,) = (trend for trend in report.trends if trend.series.statistic == "p(95)")

    assert [run.value for run in p95.runs] == values[-drawn:]
    assert [run.place for run in p95.runs] == list(range(earlier + 2 - drawn, earlier + 2))
    assert p95.has_newest
    assert page(report).count(f" over {drawn} runs: ") == len(report.trends)


def test_an_invalid_run_ends_the_trend_with_the_run_before(tmp_path: Path) -> None:
    report = published(tmp_path, *QUIET, 900.0, last_is_valid=False)

    assert [run.value for run in report.trends[1].runs] == list(QUIET)
    assert not report.trends[1].has_newest
    assert "this run has no comparable figure" in page(report)


def test_a_run_whose_figures_are_none_spoils_no_report_of_a_later_one(tmp_path: Path) -> None:
    report = published(tmp_path, 80.0, float("inf"), 81.0, float("nan"), 80.5)

    assert [run.value for run in report.trends[1].runs] == [80.0, 81.0, 80.5]
    assert "Over the runs" in page(report)


def test_a_change_of_level_is_dated_in_the_report_of_a_later_run(tmp_path: Path) -> None:
    # eight runs around 80 ms, then eight 25 % slower: the ninth, r009, is where it began
    report = published(tmp_path, *QUIET, *(1.25 * value for value in QUIET))
    sentence = "+25.0 % since run r009 of 2026-11-01, from 80 ms to 100 ms"

    assert f"<b>{API} http_req_duration p(95)</b>: {sentence}" in page(report)
    assert sentence in Path(report.paths["markdown"]).read_text(encoding="utf-8")
    assert 'class="change"' in page(report)


def test_the_page_names_runs_configuration_and_code_of_each_comparison(tmp_path: Path) -> None:
    report = published(tmp_path, *QUIET, 80.0)
    html = page(report)

    assert "r001 r002 r003 r004 r005 r006 r007 r008" in html
    assert {origin.config_hash for origin in report.origins} == {
        load_profile("quick", {"keepRawRuns": 100}).config_hash
    }
    assert f"configuration {report.origins[0].config_hash}, perf_pipeline " in html
