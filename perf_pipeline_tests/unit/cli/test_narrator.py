"""What a run tells: one moving line in a terminal, few lines in a log, events for programs."""

import json
import os
import pty
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import jsonschema
import pytest

from perf_pipeline.cli.narrator import EventNarrator, TerminalNarrator
from perf_pipeline.engine.planned import PlannedNow
from perf_pipeline.engine.progress import Progress, ScenarioProgress
from perf_pipeline.errors import ExitCode
from perf_pipeline.loading.progress_line import figures_of, line_of
from perf_pipeline_tests.support.places import ROOT

SCHEMA = json.loads((ROOT / "docs" / "run-events.schema.json").read_text(encoding="utf-8"))
ONE = ScenarioProgress(
    "buy", 12, 90, 1, 88, 2, 9.9, {"refused": 2}, None, 0.4, PlannedNow(None, 100, 0.0, 600.0)
)
PROGRESS = Progress(3.0, (ONE,))
FIGURES = figures_of("20261129-060437-0bc46f", "shop", PROGRESS, 4.2)


@dataclass(frozen=True, slots=True)
class Ended:
    """Stand for a report."""

    run_id: str = "20261129-060437-0bc46f"
    exit_code: ExitCode = ExitCode.THRESHOLD_FAILED


def test_events_are_lines_of_json_as_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = EventNarrator()
    narrator.say("the stack is up")
    narrator.progress(line_of(PROGRESS), FIGURES)
    narrator.end(Ended())  # type: ignore[arg-type]  # all that it reads of a report

    lines = capsys.readouterr().err.splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        jsonschema.validate(event, SCHEMA)
    assert [event["event"] for event in events] == ["sentence", "progress", "end"]
    assert events[1]["scenarios"][0]["planned_iterations"] == 100
    # 100 - 90 - 1 iterations are left, at 9.9 a second.
    assert events[1]["scenarios"][0]["left_s"] == pytest.approx(9 / 9.9)
    assert events[2]["exit_code"] == 99


@pytest.mark.parametrize(
    "wrong", [{"event": "start", "at_s": 0}, {"event": "end", "at_s": 0}, {"event": "sentence"}]
)
def test_the_schema_refuses_what_is_no_event(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_a_log_gets_every_sentence_and_a_line_of_progress_in_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = [100.0]
    with TerminalNarrator(now_s=lambda: clock[0]) as narrator:
        for second in range(25):
            clock[0] = 100.0 + second
            narrator.progress(f"shop: {second} s", {})
        narrator.say("the stack is up")

    assert capsys.readouterr().err.splitlines() == [
        "[  0.0 s]   shop: 0 s",
        "[ 10.0 s]   shop: 10 s",
        "[ 20.0 s]   shop: 20 s",
        "[ 24.0 s] the stack is up",
    ]


def read_all(terminal: int) -> Iterator[str]:
    """Read what is there to be read."""
    with suppress(BlockingIOError):
        while piece := os.read(terminal, 1 << 16):
            yield piece.decode()


def test_a_long_line_of_progress_stays_on_one_line_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in (("TERM", "xterm"), ("COLUMNS", "60")):
        monkeypatch.setenv(name, text)
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    with os.fdopen(theirs, "w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stderr", file)  # not in a fixture: pytest sets its own after it
        with TerminalNarrator() as narrator:
            for _ in range(2):  # what is shown first waits for rich's own rhythm
                narrator.progress("shop: " + "look 10 of 10/s, " * 20, {})
        shown = "".join(read_all(ours))
    os.close(ours)

    text = shown.partition("shop: ")[2]
    assert "\u2026" in text, shown
    assert "\n" not in text.partition("\u2026")[0]
