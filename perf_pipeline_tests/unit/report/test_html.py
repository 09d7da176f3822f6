import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.report.html import render_html
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport, TimeSeries
from perf_pipeline_tests.unit.report.conftest import counter, rate, trend

VOID = {"meta", "input", "line", "circle", "path", "br", "wbr"}


class Outline(HTMLParser):
    """Collect tags, attributes and text, and check that every element is closed in its place."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.scripts: set[frozenset[str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.scripts.add(frozenset(name for name, _ in attrs))
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "script"}:
            self.text.append(data)


def outline(report: RunReport) -> Outline:
    parser = Outline()
    parser.feed(render_html(report))
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("kind", ["full", "five_seconds", "aborted", "empty"])
def test_every_kind_of_run_is_balanced_html_without_external_resources(
    kind: str, request: pytest.FixtureRequest
) -> None:
    report: RunReport = request.getfixturevalue(kind)
    page = outline(report)

    assert set(page.links) <= {f"#{name}" for name in page.ids}
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert page.scripts == {frozenset(), frozenset({"id", "type"})}
    assert "default-src 'none'; script-src 'unsafe-inline'" in render_html(report)
    assert "@import" not in render_html(report)
    assert "url(" not in render_html(report)


def test_a_full_run_shows_every_section(full: RunReport) -> None:
    text = "".join(outline(full).text)

    for part in (
        "FAIL (exit code 99)",
        "run 20260104-000000-quick, profile quick",
        "1,000,000 messages a day: PASS, day_simulation sustained 1,036,800 messages a day",
        "the broker is an emulator",
        "Thresholds",
        "1.0004 %",
        "Against the baseline",
        "+22.5 % to +45.2 %",
        "-99.5 % against the pinned 800 ms",
        "Bottlenecks",
        "switch the slow-query log on",
        "http_req_duration p(95), highest 4.5 ms",
        "nothing: no data",
        "Environment",
        "a | b",
        ".perf/history.duckdb",
    ):
        assert part in text


def test_tables_and_drawings_are_told_to_who_does_not_see_them(
    full: RunReport, api: BenchmarkReport
) -> None:
    series = (TimeSeries("cpu", "percent", ((0.0, 30.0), (60.0, 80.0))),)
    stopped = replace(
        api, status=BenchmarkStatus.STOPPED, series=series, measured_between_s=(5.0, 41.0)
    )
    page = render_html(replace(full, benchmarks=(stopped,)))

    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert all('<caption class="unseen">' in table for table in tables)
    assert all('scope="' in head for table in tables for head in re.findall(r"<th[ >].*?>", table))
    assert re.findall(r'role="img" aria-label="(cpu[^"]*)"', page) == [
        "cpu in % over time, 0s to 1m: cpu 30 to 80; stopped by hand at 41s"
    ]
    assert 'aria-label="requests of api_user_creation"' in page


def test_a_table_of_500_operations_scrolls_in_itself(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    latencies = tuple(trend("http_req_duration", 2, operation=f"o{n}") for n in range(500))
    many = replace(api, summaries=latencies)

    assert 'class="scroll long" tabindex="0" role="group" aria-label="requests of' in render_html(
        replace(five_seconds, benchmarks=(many,))
    )
    assert 'class="scroll long"' not in render_html(five_seconds)


def test_the_page_adapts_to_dark_screens_and_to_paper(five_seconds: RunReport) -> None:
    page = render_html(five_seconds)

    assert "color-scheme: light dark" in page
    assert "@media screen and (prefers-color-scheme: dark)" in page
    assert "@media print" in page


def test_a_scenario_named_script_is_text(five_seconds: RunReport, api: BenchmarkReport) -> None:
    threshold = replace(
        parse_threshold("http_reqs", "rate>50"), tags={"scenario": "<script>alert(1)</script>"}
    )
    evil = replace(
        api,
        name='"><script>',
        verdicts=(threshold.judge(60.0),),
        problems=("$heading ${x} <i>",),
        series=(TimeSeries("<svg onload=x>", "<u>", ((0.0, 1.0),)),),
    )
    page = outline(replace(five_seconds, benchmarks=(evil,), target="<script>"))

    assert page.tags.count("script") == outline(five_seconds).tags.count("script")
    assert "i" not in page.tags
    assert "http_reqs{scenario:<script>alert(1)</script>}" in "".join(page.text)
    assert any("$heading ${x} <i>" in part for part in page.text)


def test_every_section_and_benchmark_is_in_the_table_of_contents(full: RunReport) -> None:
    page = outline(full)

    assert {name for name in page.ids if not name.startswith("plot-")} == {
        "thresholds",
        "bottlenecks",
        "against-the-baseline",
        "api_user_creation",
        "database_benchmark",
        "day_simulation",
        "environment",
    }
    assert {f"#{name}" for name in page.ids if name != "plot-data"} <= set(page.links)


def test_plots_are_open_and_long_tables_are_folded(full: RunReport) -> None:
    page = render_html(full)

    assert "<details open><summary>plots</summary>" in page
    assert "<details><summary>figures of the load (5)</summary>" in page
    assert "<details><summary>readings of the system (1)</summary>" in page


def test_figures_that_are_zero_throughout_are_folded_apart(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    summaries = (
        counter("dropped_iterations", 0, 0.0),
        rate("http_req_failed", 0.0),
        rate("checks", 1.0),
        trend("db_locks_waiting", 0.0, source="postgres"),
    )
    page = render_html(replace(five_seconds, benchmarks=(replace(api, summaries=summaries),)))

    assert "<summary>figures that are 0 throughout (3)</summary>" in page
    assert "<summary>figures of the load (1)</summary>" in page
    assert '<input type="search"' in page


def test_a_series_of_zeros_is_told_in_words(five_seconds: RunReport, api: BenchmarkReport) -> None:
    zeros = TimeSeries("failed", "percent", ((0.0, 0.0), (1.0, 0.0)))
    page = render_html(replace(five_seconds, benchmarks=(replace(api, series=(zeros,)),)))

    assert "failed: 0 % throughout" in page
    assert "<svg" not in page


def test_dropped_starts_are_told_beside_the_benchmark(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    dropped = replace(api, summaries=(counter("dropped_iterations", 1_200, 20.0),))

    told = "1,200 planned starts dropped, because no VU was free"
    assert told in render_html(replace(five_seconds, benchmarks=(dropped,)))
    assert "no VU was free" not in render_html(five_seconds)
