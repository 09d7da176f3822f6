"""The page's scripts do in a real browser what the page promises; without one, nothing is tried."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report.html import render_html
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport, TimeSeries
from perf_pipeline_tests.support.browser import CHROMIUM, Screen, browser

# What a reader does, and what she then sees.
READER: Final = """(async () => {
  const all = (found) => [...document.querySelectorAll(found)];
  const names = () => all(".sortable tbody tr").map((row) => row.cells[0].textContent);
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  while (all("figure.live").length < all("figure[data-plot]").length) await wait(50);
  const plot = document.querySelector(".live .uplot");
  const press = (key) => plot.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press("ArrowRight");
  press("ArrowRight");
  await wait(200);
  const seen = { errors: window.errors, now: all(".now").map((told) => told.textContent) };
  all("details").forEach((folded) => (folded.open = true));
  seen.cut = all(".scroll").filter((table) => table.scrollWidth > table.clientWidth + 1).length;
  const key = document.querySelector(".live .key");
  seen.shown = [key.getAttribute("aria-checked")];
  key.click();
  seen.shown.push(key.getAttribute("aria-checked"));
  all(".sortable th button")[6].click();
  seen.slowest = names();
  all(".sortable th button")[6].click();
  seen.fastest = names();
  const field = document.querySelector("input[type=search]");
  field.value = "duration get";
  field.dispatchEvent(new Event("input"));
  seen.found = all(".searched tbody tr:not([hidden])").length;
  return seen;
})()"""
ERRORS: Final = "<script>window.errors = []; onerror = (text) => errors.push(text)</script></head>"


def latency(p95: float, **tags: str) -> Summary:
    return Summary("http_req_duration", tags, 100 + p95, None, 1, 2, 2, 3, p95, p95, p95, p95, p95)


@pytest.fixture
def page() -> str:
    points = ((0.0, 1.0), (1.0, 25.0), (2.0, 3.0))
    series = tuple(
        TimeSeries(name, unit, points, panel, 1.0)
        for name, unit, panel in (("p95", "ms", "get"), ("p50", "ms", "get"), ("a", "1/s", "a"))
    )
    shop = BenchmarkReport(
        "shop",
        BenchmarkStatus.COMPLETED,
        wall_s=3.0,
        measured_s=2.0,
        summaries=(
            latency(5),
            latency(9, operation="get"),
            latency(100, operation="post" + 9 * "_and_so_on"),
        ),
        series=series,
        measured_between_s=(1.0, 2.0),
    )
    report = RunReport("r1", "shop", datetime(2026, 1, 4, tzinfo=UTC), 3.0, "here")
    return render_html(replace(report, benchmarks=(shop,)))


def read(page: str, tmp_path: Path) -> dict[str, Any]:
    """Open the page as a reader, and return what she saw."""
    path = tmp_path / "report.html"
    path.write_text(page.replace("</head>", ERRORS, 1), encoding="utf-8")
    with browser(tmp_path / "profile") as opened:
        opened.show(path.as_uri(), Screen())
        found: dict[str, Any] = opened.value(READER)
    return found


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_reader_moves_one_cursor_through_all_plots_sorts_and_searches(
    page: str, tmp_path: Path
) -> None:
    seen = read(page, tmp_path)

    assert seen["errors"] == []
    assert seen["cut"] == 0
    assert seen["now"] == ["at 1 s: p95 25, p50 25", "at 1 s: 25"]
    assert seen["shown"] == ["true", "false"]
    heading = "requests: http_req_duration in ms"
    assert seen["slowest"] == [heading, "post" + 9 * "_and_so_on", "get", "all"]
    assert seen["fastest"] == [heading, "all", "get", "post" + 9 * "_and_so_on"]
    assert seen["found"] == 1
