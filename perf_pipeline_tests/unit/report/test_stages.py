"""The drawing of a message's stages, and what reports say of tiers and of time above a bound."""

import re
from dataclasses import replace

import pytest

from perf_pipeline.analysis.attribution import Attribution, StageTimes, attribute
from perf_pipeline.analysis.bottleneck import Facts, checklist
from perf_pipeline.analysis.spell import Spell
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report import findings
from perf_pipeline.report.html import render_html
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.stages import stage_bars
from perf_pipeline.report.terminal import render_terminal


def attribution(*stages: StageTimes, runs: int = 0) -> Attribution:
    found = attribute(stages, runs=runs)
    assert found is not None
    return found


SLOW = attribution(
    StageTimes("api", 10, 20, 30, 10, 30), StageTimes("database", 90, 95, 100, 5, 6), runs=1
)
HEALTHY = attribution(StageTimes("api", 1, 2, 3), StageTimes("database", 2, 3, 4))


def widths(drawing: str) -> list[float]:
    return [float(width) for width in re.findall(r'width="([0-9.]+)" height', drawing)]


def test_bars_are_as_long_as_their_stages_and_the_longest_fills_the_drawing() -> None:
    """720 - 190 - 80 = 450 px for the slowest tenth's 130 ms: 30 ms are 103.8 px, 100 are 346.2.

    Rows: typical 10 + 90, typical before 10 + 5, tail 30 + 100, tail before 30 + 6.
    """
    drawn = widths(stage_bars("end_to_end", SLOW))

    assert drawn == pytest.approx([34.6, 311.5, 34.6, 17.3, 103.8, 346.2, 103.8, 20.8])


def test_without_an_earlier_run_there_are_two_bars_and_without_time_none() -> None:
    assert len(widths(stage_bars("end_to_end", HEALTHY))) == 4
    assert stage_bars("end_to_end", attribution(StageTimes("api", 0, 0, 0))) == ""


def test_every_report_names_the_tier_with_what_to_do(five_seconds: RunReport) -> None:
    report = replace(five_seconds, attributions=(("end_to_end", SLOW), ("day_simulation", HEALTHY)))

    slow, healthy = findings.lines(report)[:2]
    assert slow[:2] == ("FOUND", "end_to_end: database")
    assert "To do: switch the slow-query log on" in slow[2]
    assert healthy[:2] == ("OK", "day_simulation: healthy")
    assert "To do" not in healthy[2]
    page = render_html(report)
    assert page.count('class="stages"') == 2
    assert "day_simulation: healthy" in render_markdown(report)
    assert "the database holds the latency" in render_terminal(report, width=200)


def test_a_finding_tells_when_it_was_above_its_bound(five_seconds: RunReport) -> None:
    locks = Summary("db_locks_waiting", {"source": "postgres"}, 10, None, *([20.0] * 9))
    told = [
        (
            name,
            replace(finding, spell=Spell(5.25, 1.4)) if finding.rule == "lock waits" else finding,
        )
        for name, finding in checklist({"end_to_end": [locks]}, Facts())
    ]

    line, _ = findings.lines(replace(five_seconds, findings=tuple(told)))
    assert line[2].startswith(
        "max 20 locks in end_to_end (above it for 1.4s, from second 5.2 on); bound 0 locks"
    )
