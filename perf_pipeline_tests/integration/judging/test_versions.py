"""Runs say which version of the target they measured, wherever runs are listed or compared."""

import json
from dataclasses import replace

import pytest

from perf_pipeline.judging.compare import compare_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, add_runs, api_runs

OLD = {"version": "v1.4.1", "commit": "aaaaaaaaaaaaaaaa1", "branch": "main"}
NEW = {"version": "v1.4.2", "commit": "bbbbbbbbbbbbbbbb2", "branch": "main"}
PROPOSED = {**NEW, "branch": "faster", "pull_request": "12"}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give eight runs of v1.4.1, five of v1.4.2, a quarter slower, and one of a pull request."""
    folder = tmp_path_factory.mktemp("versions")
    made = [replace(run, revision=OLD) for run in api_runs(*QUIET)]
    slower = api_runs(*(1.25 * ms for ms in QUIET[:6]))
    made += [replace(run, revision=NEW) for run in slower[:5]]
    made.append(replace(slower[5], revision=PROPOSED))
    *_, fifth, proposed = add_runs(folder, made)
    # The fifth slow run dates the change: a comparison looks at all runs before it.
    for run_id in (fifth, proposed):
        compare_run(State(folder), run_id)
    return CommandLine(folder)


def test_the_list_shows_the_version_of_each_run(command: CommandLine) -> None:
    rows = command.here("list", "--limit", "20").out.splitlines()

    assert ["v1.4.2" in row for row in rows[1:15]] == [True] * 6 + [False] * 8
    assert ["v1.4.1" in row for row in rows[1:15]] == [False] * 6 + [True] * 8


def test_two_versions_are_compared_by_their_newest_runs(command: CommandLine) -> None:
    answer = command.here("compare", "v1.4.1", "v1.4.2")

    assert answer.code == 0
    assert answer.out.startswith("A: run r008 ")
    assert "B: run r014 " in answer.out
    assert (
        "measured version v1.4.2, commit bbbbbbbbbb, branch faster, pull request 12" in answer.out
    )
    assert "what was measured differs: branch: main -> faster" in answer.out
    assert command.here("show", "bbbbbbb").out.startswith("run r014")
    assert command.here("show", "bbbbbb").code == 104


def test_a_change_of_level_is_told_since_its_version(command: CommandLine) -> None:
    [*rows] = (line.split() for line in command.here("changes").out.splitlines())
    assert ["r009", "v1.4.2", "api_user_creation"] in [row[:3] for row in rows]

    shown = " ".join(command.here("show", "r013").out.split())
    assert "since v1.4.2 (run r009 of 2026-11-01)" in shown


def test_every_form_of_the_report_has_the_version(command: CommandLine) -> None:
    assert command.here("report", "latest", "--quiet").code in {0, 97, 98}
    folder = command.state / "reports" / "r014"

    summary = json.loads((folder / "summary.json").read_text())
    assert summary["perf_pipeline"]["revision"] == PROPOSED
    assert "- Measured: version v1.4.2, commit bbbbbbbbbb" in (folder / "report.md").read_text()
    assert "version v1.4.2, commit bbbbbbbbbb" in (folder / "report.html").read_text()
    junit = (folder / "junit.xml").read_text()
    assert '<property name="version" value="v1.4.2" />' in junit
    assert '<property name="pull request" value="12" />' in junit
