"""Plots are drawn in the page, and again in a browser from the values that the page carries."""

import json
import re
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files

import pytest

from perf_pipeline.analysis.scale import Effect, Scale
from perf_pipeline.analysis.series import Series
from perf_pipeline.report.axis import panels
from perf_pipeline.report.bounds import with_bounds
from perf_pipeline.report.html import render_html
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport, TimeSeries
from perf_pipeline.report.plot_data import as_script, plots_of
from perf_pipeline.report.svg import FigurePlace, plot
from perf_pipeline.report.trend import Trend, TrendChange, TrendRun
from perf_pipeline_tests.unit.report.conftest import verdict

NAN = float("nan")


def latency(name: str, *values: float, every_s: float = 1.0) -> TimeSeries:
    points = tuple((n * every_s, value) for n, value in enumerate(values))
    return TimeSeries(name, "ms", points, "service time of get", every_s, ("http_req_duration",))


def data_of(page: str) -> object:
    (text,) = re.findall(r'<script type="application/json" id="plot-data">(.*?)</script>', page)
    return json.loads(text)


def test_the_page_carries_the_values_of_every_plot(full: RunReport, api: BenchmarkReport) -> None:
    series = (latency("p95", 3.0, NAN, 12.34567), latency("max", 4.0, 5.0, 20.0))
    drawn = replace(api, series=series, measured_between_s=(1.0, 2.0))
    page = render_html(replace(full, benchmarks=(drawn,)))

    assert data_of(page) == [
        {
            "from": 0.0,
            "step": 1.0,
            "count": 3,
            "measured": [1.0, 2.0],
            "troubled": [],
            "marks": [],
            "panels": [
                {
                    "unit": "ms",
                    "hidden": [True, False],
                    "names": ["max", "p95"],
                    "wide": [1, 1],
                    "values": [[4, 5, 20], [3, "", 12.35]],
                    "bounds": [["http_req_duration p(95)<1000", 1000]],
                }
            ],
        }
    ]
    assert 'data-plot="0.0"' in page
    assert 'href="#plot-api_user_creation-service-time-of-get"' in page


def test_a_point_that_stands_for_several_steps_says_so() -> None:
    wide = latency("p50", 1.0, 2.0, every_s=5.0)
    rate = TimeSeries("ended", "1/s", ((0.0, 4.0), (9.0, 4.0)), "operations", 1.0)
    benchmark = BenchmarkReport("b", "COMPLETED", 10.0, 10.0, series=(wide, rate))  # type: ignore[arg-type]  # a word is enough
    found = plots_of(benchmark, panels(benchmark.series))

    assert (found["step"], found["count"]) == (1.0, 10)
    first = json.loads(as_script([found]))[0]["panels"][0]
    assert first["wide"] == [5]
    assert first["values"] == [[1, None, None, None, None, 2]]


def test_no_text_ends_the_values_early() -> None:
    text = str(as_script([{"name": "</script><!-- & ]]>"}]))

    assert not set("<>&") & set(text)
    assert json.loads(text) == [{"name": "</script><!-- & ]]>"}]


def test_thresholds_are_drawn_to_scale_and_named_at_the_edge_where_they_are_far_above() -> None:
    (panel,) = panels([latency("p95", 3.0, 10.0)])
    verdicts = (
        verdict("http_req_duration", "p(95)<10", 3.0),
        verdict("http_req_duration", "p(99)<2000", 3.0),
        verdict("http_req_duration", "max<31", 3.0),
        verdict("http_reqs", "rate>50", 60.0),
    )
    bounded = with_bounds(panel, verdicts)
    svg = plot(bounded)

    assert [value for _, value in bounded.bounds] == [10.0, 2_000.0, 31.0]
    # 10 is the highest mark, at the top of the drawing (y = 22).
    assert '<line class="bound" x1="52" y1="22.0" x2="470" y2="22.0"/>' in svg
    assert svg.count('<line class="bound"') == 1
    assert "http_req_duration p(99)&lt;2000 \N{UPWARDS ARROW}" in svg


def test_a_bound_on_a_share_is_drawn_in_percent() -> None:
    failed = TimeSeries("failed", "percent", ((0.0, 2.0),), "failed", 1.0, ("http_req_failed",))
    (panel,) = panels([failed])

    bounds = with_bounds(panel, [verdict("http_req_failed", "rate<0.01", 0.0)]).bounds
    assert bounds == (("http_req_failed rate<0.01", 1.0),)


def test_a_maximum_does_not_flatten_its_percentiles() -> None:
    (panel,) = panels([latency("p50", 1.0, 2.0), latency("max", 900.0, 5.0)])
    svg = plot(panel)

    assert svg.count("<path") == 1
    assert ">900<" not in svg.replace("max 900", "")
    assert "max 900" in svg


def test_what_is_not_measured_is_shaded() -> None:
    (panel,) = panels([TimeSeries("x", "ms", ((0.0, 1.0), (10.0, 1.0)))])

    # x from 52 to 470 over 10 s: 2 s are 83.6 wide, and 9 s are at 428.2.
    svg = plot(panel, measured=(2.0, 9.0))
    assert '<rect class="outside" x="52.0" y="22" width="83.6" height="150"/>' in svg
    assert '<rect class="outside" x="428.2" y="22" width="41.8" height="150"/>' in svg
    assert "outside" not in plot(panel, measured=(0.0, 10.0))
    assert "outside" not in plot(panel)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (BenchmarkStatus.STOPPED, "stopped by hand"),
        (BenchmarkStatus.ABORTED, "ended by a threshold"),
        (BenchmarkStatus.FAILED, "could not go on"),
    ],
)
def test_the_moment_at_which_a_load_was_ended_early_is_marked_in_its_plots(
    full: RunReport, api: BenchmarkReport, status: BenchmarkStatus, told: str
) -> None:
    series = (TimeSeries("a", "ms", ((0.0, 1.0), (10.0, 1.0))),)
    ended = replace(api, status=status, series=series, measured_between_s=(2.0, 9.0))
    page = render_html(replace(full, benchmarks=(ended,)))

    # x from 52 to 470 over 10 s: 9 s are at 428.2, and the name stands before the line.
    assert '<line class="change" x1="428.2" y1="22" x2="428.2" y2="172"/>' in page
    assert f'x="424.2" y="166" text-anchor="end">{told}</text>' in page
    assert f'"marks":[["{told}",9.0]]' in page
    whole = replace(ended, status=BenchmarkStatus.COMPLETED)
    assert '"marks":[]' in render_html(replace(full, benchmarks=(whole,)))


def test_a_plot_leads_to_the_trends_that_changed_their_level(
    full: RunReport, api: BenchmarkReport
) -> None:
    runs = tuple(TrendRun(f"r{n}", f"2026-01-0{n}", 3.0 + n // 2, n, "v1.4") for n in (1, 2))
    effect = Effect(0.25, 0.2, 0.3, Scale.RELATIVE)
    series = Series("http_req_duration", {}, "p(95)")
    change = TrendChange(1, effect, 3.0, 4.0, "gate")
    moved = Trend("api_user_creation", series, runs, changes=(change,))
    drawn = replace(api, series=(latency("p95", 3.0, 4.0),))

    page = render_html(replace(full, benchmarks=(drawn,), trends=(moved,)))

    (to,) = re.findall(r'<a href="#([^"]+)">p\(95\) \+25.0 % since v1.4</a>', page)
    assert f'<figure id="{to}">' in page


def test_a_drawing_can_be_linked_to() -> None:
    (panel,) = panels([TimeSeries("x", "ms", ((0.0, 1.0),))])
    svg = plot(panel, place=FigurePlace('a"b', "3.1"))

    assert svg.startswith('<figure id="a&quot;b" data-plot="3.1"><figcaption><a class="title"')


def test_how_points_are_folded_is_told(full: RunReport, api: BenchmarkReport) -> None:
    short = replace(api, series=(latency("p95", 1.0, 2.0),))
    long = replace(api, series=(latency("p95", 1.0, 2.0, every_s=15.0),))

    assert "A point stands for" not in render_html(replace(full, benchmarks=(short,)))
    assert "A point stands for 15s" in render_html(replace(full, benchmarks=(long,)))


def test_the_embedded_library_is_the_released_one_with_its_licence(full: RunReport) -> None:
    # Of the package uplot 1.6.32 as npm has it; docs/decisions names the digest of its archive.
    scripts = files("perf_pipeline.report").joinpath("scripts")
    code = scripts.joinpath("uPlot-1.6.32.iife.min.js").read_bytes()
    page = render_html(full)

    assert sha256(code).hexdigest() == (
        "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"
    )
    assert code.decode() in page
    assert "The MIT License (MIT)" in page
