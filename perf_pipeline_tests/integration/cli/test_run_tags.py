"""Runs have the tags that people gave them, wherever runs are listed or shown."""

import json
from dataclasses import replace

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, add_runs, api_runs

STAGING = {"env": "staging", "team": "shop"}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give three runs: one without tags, one of staging, one of production."""
    folder = tmp_path_factory.mktemp("tags")
    plain, staging, production = api_runs(*QUIET[:3])
    tagged = replace(staging, run_tags=STAGING)
    add_runs(folder, [plain, tagged, replace(production, run_tags={"env": "production|1"})])
    return CommandLine(folder)


@pytest.mark.parametrize(
    ("tags", "runs"),
    [
        ((), ["r003", "r002", "r001"]),
        (("env=staging",), ["r002"]),
        (("env=staging", "team=shop"), ["r002"]),
        (("env=staging", "team=other"), []),
        (("env=stag",), []),
        (("nosuch=staging",), []),
    ],
    ids=["none", "one", "both", "one of two", "a part of a value", "another name"],
)
def test_the_list_has_the_runs_with_all_of_the_tags(
    command: CommandLine, tags: tuple[str, ...], runs: list[str]
) -> None:
    given = [word for tag in tags for word in ("--tag", tag)]

    answer = command.here("list", *given)
    listed = json.loads(command.here("list", "--json", *given).out)

    assert [row.split()[0] for row in answer.out.splitlines()[1:-1]] == runs
    assert [row["run"] for row in listed] == runs


def test_the_limit_counts_runs_with_the_tag_only(command: CommandLine) -> None:
    assert "r002" in command.here("list", "--limit", "1", "--tag", "env=staging").out


def test_the_list_shows_tags_and_has_all_of_a_run_as_json(command: CommandLine) -> None:
    assert "  env=staging, team=shop  " in command.here("list").out

    [row] = json.loads(command.here("list", "--json", "--tag", "team=shop").out)

    assert row["tags"] == STAGING
    assert row["began_at"] == "2026-11-01T02:00:00+00:00"
    assert row["benchmarks"] == {"stored": 1, "planned": 1}
    assert row["thresholds"] == {}


def test_every_form_of_the_report_has_the_tags(command: CommandLine) -> None:
    command.here("report", "r002", "--quiet")
    command.here("report", "r003", "--quiet")
    staging, production = (command.state / "reports" / name for name in ("r002", "r003"))

    assert "tagged env=staging, team=shop" in command.here("show", "r002").out
    assert "tagged" not in command.here("show", "r001").out
    summary = json.loads((staging / "summary.json").read_text())
    assert summary["perf_pipeline"]["tags"] == STAGING
    assert "- Tags: env=staging, team=shop" in (staging / "report.md").read_text()
    assert r"- Tags: env=production\|1" in (production / "report.md").read_text()
    assert "tagged env=staging, team=shop" in (staging / "report.html").read_text()
    junit = (staging / "junit.xml").read_text()
    assert '<property name="tag env" value="staging" />' in junit


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--tag", "staging"), "has no `=`; write NAME=VALUE, such as env=staging"),
        (("list", "--tag", "a b=c"), "'a b' can't be a tag's name"),
        (("list", "--tag", "a="), "tag a has no value"),
        (("run", "--tag", "a=1", "--tag", "a=2"), "--tag a is given as 1 and as 2"),
        (("list", "--tga", "a=1"), "'--tag'"),
    ],
)
def test_what_is_no_tag_is_refused_before_anything_is_done(
    command: CommandLine, arguments: tuple[str, ...], told: str
) -> None:
    answer = command.here(*arguments)

    assert answer.code == 104
    assert told in answer.err
