"""How large the page of a 30-minute run is, when a browser paints it first, and what it takes.

    python -m perf_pipeline_tests.benchmarks.bench_page [rounds]

Eight benchmarks of 30 minutes with 16 plots each, of made-up values; medians of the rounds. The
page comes from a file, so that no network is in its times.

Add here: another figure of a page. Keep out: how a page looks (integration/report).
"""

import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from perf_pipeline.report.html import render_html
from perf_pipeline_tests.support.browser import Browser, Screen, browser
from perf_pipeline_tests.support.report_kinds import thirty_minutes

_BENCHMARKS = 8
_COPIES = 4
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_SEEN = "performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart"


def _page() -> str:
    report = thirty_minutes()
    (one,) = report.benchmarks
    series = tuple(
        replace(line, panel=f"{line.panel} {copy}")
        for copy in range(_COPIES)
        for line in one.series
    )
    members = (replace(one, name=f"benchmark_{n}", series=series) for n in range(_BENCHMARKS))
    return render_html(replace(report, benchmarks=tuple(members)))


def _figures(opened: Browser, page: Path) -> dict[str, float]:
    opened.show(page.as_uri(), Screen(), most_high=900)
    found = {"first paint, ms": opened.value(_PAINT), "ready, ms": opened.value(_SEEN)}
    opened.call("HeapProfiler.collectGarbage")
    heap = opened.call("Runtime.getHeapUsage")["usedSize"] / 2**20
    opened.show(page.as_uri(), Screen(), most_high=100_000)
    opened.call("HeapProfiler.collectGarbage")
    whole = opened.call("Runtime.getHeapUsage")["usedSize"] / 2**20
    return {**found, "heap with the first plots, MiB": heap, "heap with all plots, MiB": whole}


def main(rounds: int) -> None:
    """Print the table."""
    began_s = perf_counter()
    text = _page()
    print(f"page: {len(text.encode()) / 2**20:.2f} MiB, made in {perf_counter() - began_s:.2f} s")
    with TemporaryDirectory() as scratch, browser(Path(scratch) / "browser") as opened:
        page = Path(scratch) / "report.html"
        page.write_text(text, encoding="utf-8")
        found = [_figures(opened, page) for _ in range(rounds)]
    for name in found[0]:
        print(f"{name}: {median(figures[name] for figures in found):,.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
