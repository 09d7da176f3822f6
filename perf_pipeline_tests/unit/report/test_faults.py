import json
import re
from dataclasses import replace

import pytest

from perf_pipeline.report.axis import Mark
from perf_pipeline.report.benchmark_section import panels_of
from perf_pipeline.report.faults import FaultStory, fault_table
from perf_pipeline.report.html import render_html
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.terminal import render_terminal

STORY = FaultStory(
    fault="kill worker",
    what="worker",
    began_s=20.0,
    undo_s=25.0,
    undone_s=26.3,
    effect_s=20.5,
    recovered_s=28.0,
    within_s=0.5,
    figures={
        "fault_failed": 0.0,
        "fault_slow": 12.0,
        "fault_backlog_peak": 260.0,
        "fault_messages_lost": 0.0,
    },
)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(
            {},
            "at 20s, lasted 5s + 1.3s; first effect after 500ms; recovery after 8s (±500ms); "
            "12 slow, 260 messages waiting at most, 0 lost",
            id="recovered",
        ),
        pytest.param(
            {"recovered_s": None, "undone_s": 25.05, "figures": {}},
            "at 20s, lasted 5s; first effect after 500ms; recovery not seen",
            id="not recovered",
        ),
        pytest.param(
            {"effect_s": None, "recovered_s": 20.0, "figures": {"fault_failed": 0.0}},
            "at 20s, lasted 5s + 1.3s; first effect none; recovery not needed",
            id="not felt",
        ),
        pytest.param(
            {"effect_s": None, "recovered_s": None, "within_s": None, "figures": {}},
            "at 20s, lasted 5s + 1.3s; first effect -; recovery -",
            id="not judged",
        ),
    ],
)
def test_a_fault_is_told_in_one_sentence(change: dict[str, object], sentence: str) -> None:
    assert replace(STORY, **change).sentence == sentence  # type: ignore[arg-type]  # a few fields


@pytest.fixture
def faulty(full: RunReport) -> RunReport:
    first, *others = full.benchmarks
    return replace(full, benchmarks=(replace(first, faults=(STORY,)), *others))


def test_every_report_tells_the_faults(faulty: RunReport) -> None:
    name = faulty.benchmarks[0].name
    summary = json.loads(render_k6(faulty))["perf_pipeline"]["benchmarks"][name]

    assert re.search(f"FAULT +{name}, kill worker: at 20s, lasted", render_terminal(faulty, 200))
    assert "Faults of api" in render_markdown(faulty)
    assert "| kill worker | 20s | 5s + 1.3s | after 500ms |" in render_markdown(faulty)
    assert "<h3>Faults</h3>" in render_html(faulty)
    assert summary["faults"][0]["recovered_s"] == 28.0
    assert summary["faults"][0]["figures"]["fault_backlog_peak"] == 260.0


def test_plots_mark_a_fault_and_shade_it_until_the_recovery(faulty: RunReport) -> None:
    panel = panels_of(faulty.benchmarks[0])[0]
    (unrecovered,) = panels_of(_without_recovery(faulty.benchmarks[0]))[:1]

    assert panel.marks == (Mark("kill worker", 20.0, "kill worker"),)
    assert panel.troubled == ((20.0, 28.0),)
    assert unrecovered.troubled == ((20.0, 60.0),)


def test_several_faults_have_numbers_in_plots_and_in_their_table(faulty: RunReport) -> None:
    second = replace(STORY, fault="pause api", began_s=31.0)
    benchmark = replace(faulty.benchmarks[0], faults=(STORY, second))
    panel = panels_of(benchmark)[0]
    page = render_html(replace(faulty, benchmarks=(benchmark,)))

    assert panel.marks == (Mark("kill worker", 20.0, "1"), Mark("pause api", 31.0, "2"))
    assert [row[0] for row in fault_table(benchmark.faults).rows] == [
        "1. kill worker",
        "2. pause api",
    ]
    assert "kill worker at 20s; pause api at 31s" in page  # for who does not see the drawing
    assert '"marks":[["1",20.0],["2",31.0]]' in page


def _without_recovery(benchmark: BenchmarkReport) -> BenchmarkReport:
    story = replace(STORY, recovered_s=None)
    return replace(benchmark, faults=(story,), measured_between_s=(2.0, 60.0))
