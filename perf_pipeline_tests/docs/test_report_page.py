"""The page on reading a report explains every status that a report can show."""

import re
from enum import StrEnum

import pytest

from perf_pipeline.analysis.finding import FindingStatus
from perf_pipeline.analysis.suspicion import DiffStatus
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.model import BenchmarkStatus
from perf_pipeline_tests.support.places import ROOT

PAGE = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("begins", "statuses"),
    [
        ("A threshold ends", Status),
        ("A benchmark ends", BenchmarkStatus),
        ("A comparison with the baseline ends", DiffStatus),
        ("A rule of the checklist of bottlenecks ends", FindingStatus),
    ],
)
def test_each_table_has_every_status_once(begins: str, statuses: type[StrEnum]) -> None:
    _, _, after = PAGE.partition(f"{begins} with one of these:")
    table, _, _ = after.lstrip("\n").partition("\n\n")

    rows = re.findall(r"^\| ([A-Z_]+) \| .+ \|$", table, re.MULTILINE)

    assert sorted(rows) == sorted(statuses)
