"""`compare A B --html` lays two runs over one another as a page of its own."""

from pathlib import Path

import pytest

from perf_pipeline.judging.judge import recover_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.half_runs import A, B, HalfRun


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state folder with two runs, of which the second has a benchmark more."""
    state = tmp_path_factory.mktemp("two")
    for run_id, done in (("r1", [A]), ("r2", [A, B])):
        run = HalfRun(state, run_id).begin()
        for benchmark in done:
            run.measure(benchmark)
        recover_run(State(state), run_id)
    return state


def test_two_runs_are_laid_over_one_another(two_runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "both.html"

    answer = CommandLine(two_runs).here("compare", "r1", "r2", "--html", str(page))
    text = page.read_text(encoding="utf-8")

    assert answer.code == 0
    assert answer.out.endswith(f"html: {page}\n")
    assert "run r1 of 2026-11-01 00:00 UTC, profile quick" in text
    assert "run r2 of 2026-11-01 00:00 UTC, profile quick" in text
    assert f"only run r2 has {B}" in text
    assert f'<section id="{A}">' in text
    assert f'<section id="{B}">' not in text
    assert "distribution of http_req_duration" in text
    assert '"names":["A","B"]' in text


def test_a_page_needs_two_runs_and_a_place(two_runs: Path, tmp_path: Path) -> None:
    command, nowhere = CommandLine(two_runs), tmp_path / "nowhere" / "both.html"

    alone = command.here("compare", "r1", "--html", str(tmp_path / "one.html"))
    lost = command.here("compare", "r1", "r2", "--html", str(nowhere))

    assert "--html compares two runs; name the second one, too" in alone.err
    assert not (tmp_path / "one.html").exists()
    assert f"{nowhere} can't be written: No such file or directory" in lost.err
