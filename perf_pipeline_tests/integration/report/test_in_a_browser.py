"""The page's scripts do in a real browser what the page promises; without one, nothing is tried."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import Final
from urllib.parse import unquote

import pytest

from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report.html import render_html
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport, TimeSeries
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
# What a reader does, and what she then sees: she goes home with it, as JSON in an address.
READER: Final = """
<script>
const all = (found) => [...document.querySelectorAll(found)];
const names = () => all(".sortable tbody tr").map((row) => row.cells[0].textContent);
const read = () => {
  if (all("figure.live").length < all("figure[data-plot]").length) return;
  clearInterval(waiting);
  const plot = document.querySelector(".live .uplot");
  const press = (key) => plot.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press("ArrowRight");
  press("ArrowRight");
  setTimeout(() => {
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
    location = `${home}?${encodeURIComponent(JSON.stringify(seen))}`;
  }, 200);
};
const waiting = setInterval(read, 50);
</script>
</body>"""
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


@contextmanager
def home() -> Iterator[tuple[str, Queue[str]]]:
    """Serve the place where a reader goes with what she saw, and yield its address."""
    seen: Queue[str] = Queue()

    class Door(QuietHandler):
        def do_GET(self) -> None:
            seen.put(unquote(self.path.partition("?")[2]))
            self.send_response(204)
            self.end_headers()

    with serving(Door) as url:
        yield f"{url}/", seen


@contextmanager
def browser(address: str, profile: Path) -> Iterator[None]:
    """Open a page in a browser of its own, and end it with all of its processes."""
    command = (
        *(CHROMIUM or "", "--headless", "--no-sandbox", "--disable-gpu"),
        *("--remote-debugging-port=0", "--window-size=1280,4000", f"--user-data-dir={profile}"),
        address,
    )
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def read(page: str, tmp_path: Path) -> dict[str, object]:
    """Open the page as a reader, and return what she saw."""
    path = tmp_path / "report.html"
    with home() as (address, seen):
        reader = READER.replace("${home}", address)
        text = page.replace("</head>", ERRORS, 1).replace("</body>", reader, 1)
        path.write_text(text, encoding="utf-8")
        with browser(path.as_uri(), tmp_path / "profile"):
            found: dict[str, object] = json.loads(seen.get(timeout=75))
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
