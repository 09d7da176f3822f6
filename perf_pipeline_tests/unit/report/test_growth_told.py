import json
import re
from dataclasses import replace

import pytest

from perf_pipeline.metrics.growth import GrowthRecord
from perf_pipeline.report.growth import growth_sentences, growth_table
from perf_pipeline.report.html import render_html
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.terminal import render_terminal

MIB = float(1 << 20)
LEAK = GrowthRecord(
    metric="memory_growth_bytes_per_h",
    part="api",
    points=120,
    hours=3.5,
    level=200 * MIB,
    per_h=12 * MIB,
    low_per_h=11 * MIB,
    high_per_h=13.5 * MIB,
    finding="grows",
    needed_h=None,
)
STILL = replace(
    LEAK, part="worker", per_h=-MIB, low_per_h=-2 * MIB, high_per_h=MIB, finding="does not grow"
)
DOUBT = GrowthRecord(
    "latency_growth_ms_per_h", "look", 18, 3.5, 12.0, 1.0, -3.0, 5.0, "cannot tell", 8.75
)
ENDLESS = replace(DOUBT, part="slow", low_per_h=None, high_per_h=None, needed_h=None)
OURS = replace(LEAK, part="generator")


def test_what_grows_leads_and_the_rest_is_counted() -> None:
    assert list(growth_sentences([DOUBT, STILL, OURS, LEAK])) == [
        "memory of api: growing by 12.0 MiB/h (11.0 MiB/h to 13.5 MiB/h)",
        "of 3 quantities watched for 3h30m, 1 grew, 1 did not, and 1 can't be judged yet",
    ]
    assert list(growth_sentences([])) == []


def test_the_table_has_level_interval_and_what_it_would_take() -> None:
    table = growth_table([STILL, ENDLESS, DOUBT, LEAK])

    assert [row[2] for row in table.rows] == [
        "grows",
        "cannot tell",
        "cannot tell",
        "does not grow",
    ]
    doubt = table.by_title(table.rows[1])
    assert (doubt["what"], doubt["of"]) == ("p95", "look")
    assert doubt["per hour"] == "1 ms/h"
    assert doubt["interval"] == "-3 ms/h to 5 ms/h"
    assert doubt["level"] == "12 ms"
    assert doubt["would tell after"] == "8h45m"
    assert table.by_title(table.rows[2])["interval"] == "unbounded"
    assert table.by_title(table.rows[3])["interval"] == "-2.0 MiB/h to 1.0 MiB/h"


@pytest.fixture
def grown(full: RunReport) -> RunReport:
    first, *others = full.benchmarks
    return replace(full, benchmarks=(replace(first, growth=(LEAK, DOUBT)), *others))


def test_every_report_tells_what_grew(grown: RunReport) -> None:
    name = grown.benchmarks[0].name
    summary = json.loads(render_k6(grown))["perf_pipeline"]["benchmarks"][name]

    assert re.search(f"GROWTH +{name}: memory of api: growing", render_terminal(grown, 200))
    assert f"growth in {name}" in render_markdown(grown)
    assert "<h3>Growth</h3>" in render_html(grown)
    assert summary["growth"][0]["high_per_h"] == 13.5 * MIB
