"""A suspect benchmark is run again in the same session, and the majority of its runs decides."""

import threading
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.analysis.baseline import DiffStatus
from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ExitCode
from perf_pipeline.judging.asked import run_to_judge
from perf_pipeline.judging.lineage import lineage_of
from perf_pipeline.narration import Narrator
from perf_pipeline.report.model import RunReport
from perf_pipeline.runs.pipeline import run_pipeline
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import TINY
from perf_pipeline_tests.support.histories.faster_past import all_valid, plant_a_faster_past
from perf_pipeline_tests.support.silent import Silent

CREATION: Final = "api_user_creation"
TRIES: Final = 3


class Listening(Silent):
    """Keep what is said."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, sentence: str) -> None:
        self.heard.append(sentence)


def _run(state: Path, confirm: int, narrator: Narrator | None = None) -> RunReport:
    return run_pipeline(
        load_profile(str(TINY)),
        state=State(state),
        narrator=narrator or Silent(),
        stop=threading.Event(),
        only=[CREATION],
        confirm=confirm,
    )


def _confirmed(folder: Path) -> tuple[Path, Listening, RunReport]:
    """Run after a faster past, with two re-runs; again where the machine held a load up.

    A load of ours that is never valid is INVALID in each try.
    """
    for number in range(TRIES):
        state, listening = folder / str(number), Listening()
        plant_a_faster_past(state, _run(state, confirm=0).run_id)
        report = _run(state, confirm=2, narrator=listening)
        if all_valid(state):
            break
    return state, listening, report


@pytest.mark.timeout(240)
def test_a_suspect_is_run_again_and_confirmed_within_one_command(
    tmp_path: Path, configured_target: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, address in configured_target.items():
        monkeypatch.setenv(name, address)

    state, listening, report = _confirmed(tmp_path)

    rerun, last = (f"{report.run_id}-c{number}" for number in (1, 2))
    confirmed = {
        diff.series.label: diff.reason
        for name, diff in report.diffs
        if name == CREATION and diff.status is DiffStatus.REGRESSED
    }
    assert set(confirmed) >= {"http_req_duration p(95)"}
    assert (
        f"with 2 re-runs {rerun}, {last}; the 3 runs together +"
        in (confirmed["http_req_duration p(95)"])
    )
    # the only suspect stands apart from the run before, each time
    pauses = [told for told in listening.heard if told.startswith("waiting for 100ms, so that")]
    assert len(pauses) == 2
    assert report.exit_code is ExitCode.REGRESSED
    assert any(f"2 times ({rerun}, {last})" in notice for notice in report.notices)
    assert run_to_judge(State(state)) == report.run_id
    with open_history(State(state).history_file) as history:
        assert history.run(rerun).trigger == "confirm"
        assert history.run(rerun).environment == history.run(report.run_id).environment
    origins = {
        tuple(origin.baseline_run_ids)
        for _, row, origin in lineage_of(State(state), rerun).comparisons
        if row.status == "REGRESSED"
    }
    assert origins == {tuple(f"past{number}" for number in range(6, 0, -1))}
