"""The comparison says the same in the terminal, in Markdown and in Dagster's table."""

from datetime import UTC, datetime

import dagster as dg

from perf_pipeline.analysis.baseline import BaselinePolicy, Series, diff, pinned_diff
from perf_pipeline.analysis.pinned import release_diff
from perf_pipeline.defs.metadata.judgement import diffs_metadata
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.terminal import render_comparison

RUNS = (100.0, 101.0, 99.0, 103.0, 100.0, 102.0, 97.0, 101.0)
LATENCY = Series("http_req_duration", {"scenario": "create"}, "p(95)")
DIFFS = (
    ("end_to_end", diff(LATENCY, 131.0, RUNS, BaselinePolicy())),
    ("end_to_end", release_diff(LATENCY, 131.0, RUNS, against="v1.4", policy=BaselinePolicy())),
    ("end_to_end", pinned_diff(LATENCY, 131.0, 800.0)),
)
# Columns that every form has; how they are laid out is each form's own.
SHARED = ("baseline", "CV", "change", "interval", "minimum detectable")


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_every_cell_of_dagsters_table_stands_in_the_terminal_and_in_markdown() -> None:
    table = diffs_metadata("r1", DIFFS)["diffs"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = [dict(record.data) for record in table.records]
    report = RunReport(
        run_id="r1",
        profile="quick",
        began_at=datetime(2026, 1, 4, tzinfo=UTC),
        wall_s=1.0,
        target="local",
        diffs=DIFFS,
    )
    terminal = squeezed(render_comparison(DIFFS, 200))
    markdown = squeezed(render_markdown(report))

    cells = {str(row[name]) for row in rows for name in (*SHARED, "status")}
    assert {"SUSPECT", "100 ms", "v1.4 100 ms", "pinned 800 ms"} <= cells
    assert [cell for cell in cells if cell not in terminal] == []
    assert [cell for cell in cells if cell not in markdown] == []
