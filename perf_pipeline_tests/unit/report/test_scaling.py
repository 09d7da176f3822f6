"""What a scaling run found, in every form of the report."""

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perf_pipeline.analysis.scaling import CapacityAt, ScalabilityLaw
from perf_pipeline.analysis.scaling_answer import scaling_answer
from perf_pipeline.metrics.scaling_point import NOT_TRIED
from perf_pipeline.report.html import render_html
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.scaling_plot import scaling_plots
from perf_pipeline.report.scaling_table import scaling_table, scaling_values
from perf_pipeline.report.scaling_texts import ScalingReport, scaling_sentence
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline_tests.support.scaled import point, scaled


def report(found: ScalingReport) -> RunReport:
    """Make the report of a run that scaled."""
    benchmark = BenchmarkReport(
        name="grows", status=BenchmarkStatus.COMPLETED, wall_s=90.0, measured_s=70.0, scaling=found
    )
    began_at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return RunReport("r1", "mine", began_at, 90.0, "shop", benchmarks=(benchmark,))


def test_a_scaling_run_says_capacities_efficiency_law_and_limit() -> None:
    # 100, 186.9 and 315/s by the law with 100/s, 0.05 and 0.01; 315 / 400 = 78.7 %.
    told = scaled().sentence

    assert told.startswith(
        "checkout carries 100/s with 1 unit, 187/s with 2 units, 315/s with 4 units, where a unit "
        "carries 78.7 % of what it does with 1 unit (71.4 % to 86.8 %). By the Universal "
        "Scalability Law, contention (sigma) is 0.05 ("
    )
    assert "coherency (kappa) is 0.01 (0 to " in told
    assert "and one unit carries 100/s (95.2 to 105)." in told
    assert "From 4 units on, one more brings less than 50 % of what the first carries." in told
    assert "The capacity peaks at 9.75 units (beyond what was tried); " in told
    assert told.endswith(
        "With 4 units: what gives way at 324/s: http_req_duration p(95)<300 was 512 ms (found "
        "meanwhile: host CPU (avg 83.4 %))."
    )


def test_what_is_beyond_the_units_that_were_tried_is_called_so() -> None:
    assert "From 4 units on (beyond what was tried), one more" in scaled(1, 2, 3).sentence


def test_the_limit_of_the_generator_is_at_least() -> None:
    points = [point(1, 1), point(2, 2), replace(point(3, 4, "AT_LEAST"), high_per_s=math.nan)]
    known = [
        CapacityAt(1, 100.0, 95.0, 105.0),
        CapacityAt(2, 187.0, 180.0, 195.0),
        CapacityAt(4, None, 300.0, math.inf),
    ]
    told = scaling_sentence("checkout", scaling_answer(known, 0.5), points, [])

    assert told.startswith(
        "checkout carries 100/s with 1 unit, 187/s with 2 units, at least 315/s with 4 units."
    )
    assert "coefficients, and only 2 of 3 capacities are known." in told
    assert told.endswith("At 4 units: checkout carries 315/s.")


def test_what_was_not_tried_is_said_once() -> None:
    points = [point(1, 2, NOT_TRIED), point(2, 4, NOT_TRIED)]

    assert scaling_sentence("checkout", scaling_answer([], 0.5), points, []) == (
        "It is not known how checkout scales. At 2, 4 units: it was not."
    )


def test_every_form_shows_the_answer_and_the_points() -> None:
    found = scaled()
    run = report(found)

    assert "SCALING" in render_terminal(run, 400)
    assert found.sentence in render_terminal(run, 2_000)
    assert "units of grows" in render_markdown(run)
    page = render_html(run)
    assert found.sentence in page.replace("&lt;", "<")
    assert "<h3>Units</h3>" in page
    case = ET.fromstring(render_junit(run).partition("\n")[2]).find(".//testcase/system-out")  # noqa: S314 - written here
    assert case is not None
    assert case.text == f"COMPLETED {found.sentence}"
    stored = json.loads(render_k6(run))["perf_pipeline"]["benchmarks"]["grows"]["scaling"]
    assert stored["sigma"]["value"] == pytest.approx(0.05, abs=1e-5)
    assert [its["units"] for its in stored["points"]] == [1, 2, 4]
    assert [len(its["windows"]) for its in stored["points"]] == [2, 2, 2]


def test_the_table_has_a_row_for_each_number_of_units() -> None:
    made = scaling_table(scaled())

    assert made.rows[1] == (
        "2",
        "187/s",
        "183/s and 193/s",
        "93.5 % (84.8 % to 103 %)",
        "187/s",
        "api 98 %, host 83 %",
        "CAPACITY",
        "http_req_duration p(95)<300 was 512 ms; host CPU (avg 83.4 %)",
    )


def test_what_is_endless_is_null_in_json() -> None:
    linear = [CapacityAt(n, 100.0 * n, 95.0 * n, 105.0 * n) for n in (1, 2, 4)]
    found = replace(scaled(), answer=scaling_answer(linear, 0.5))
    values = scaling_values(found)

    assert values["peak_units"]["value"] is None
    assert values["peak_units"]["high"] is None
    assert values["worth_units"] is None
    told = scaling_sentence("checkout", found.answer, found.points, found.windows)
    assert "Every further unit brings at least 50 % of what the first carries." in told
    assert "By this law the capacity has no peak; if there is one, it is at " in told


def test_the_curve_is_drawn_through_a_point_for_each_number_of_units() -> None:
    [drawn] = scaling_plots(scaled())

    assert drawn.count("<circle") == 3
    assert "Universal Scalability Law" in drawn
    assert "1 units 100/s; 2 units 187/s; 4 units 315/s" in drawn
    assert list(scaling_plots(scaled(1))) == []
    assert list(scaling_plots(None)) == []


def test_a_capacity_that_stays_the_same_is_drawn() -> None:
    # sigma is 1 exactly, where the formula has no value at 0 units.
    flat = scaling_answer([CapacityAt(n, 100.0, 95.0, 105.0) for n in (1, 2, 4)], 0.5)
    law = ScalabilityLaw(100.0, 1.0, 0.0)
    assert flat.fit is not None
    found = replace(scaled(), answer=replace(flat, fit=replace(flat.fit, law=law)))

    [drawn] = scaling_plots(found)

    assert "Universal Scalability Law" in drawn
