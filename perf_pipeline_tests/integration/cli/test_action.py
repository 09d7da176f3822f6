"""The action for other repositories: its steps are run as GitHub runs them.

Its one load is that of the tutorial, which is followed here as it stands.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.stack.service import free_port
from perf_pipeline_tests.support.commands.command_line import CommandLine, wait_until
from perf_pipeline_tests.support.commands.composite_action import ACTION, Job
from perf_pipeline_tests.support.histories.judged_runs import add_judged
from perf_pipeline_tests.support.histories.synthetic_history import api_runs
from perf_pipeline_tests.support.loads.orders import orders
from perf_pipeline_tests.support.open_ports import is_open
from perf_pipeline_tests.support.pages import blocks
from perf_pipeline_tests.support.places import ROOT
from perf_pipeline_tests.support.servers import slow_by
from perf_pipeline_tests.support.servers.discussions import Discussions, running_discussions

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
(PROFILE,) = blocks("tutorial.md", "toml")
(SHOP,) = blocks("tutorial.md", "python")


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular; give what it says."""
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=clean
    )
    return done.stdout.strip()


@pytest.fixture
def discussions() -> Iterator[Discussions]:
    with running_discussions() as known:
        yield known


def job(folder: Path, name: str, discussions: Discussions, **given: str) -> Job:
    """Make a job of a pull request."""
    (folder / name).mkdir()
    (folder / "cache").mkdir(exist_ok=True)
    inputs = {"profile": "first.toml", "token": discussions.github["GITHUB_TOKEN"], **given}
    github = {"event_name": "pull_request", "event.repository.default_branch": "main"}
    return Job(folder / name, folder / "cache", inputs, github, discussions.github)


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Measure the tutorial's API with its profile, in a job of the main branch."""
    port = str(free_port())
    with running_discussions() as known:
        made = job(
            tmp_path_factory.mktemp("action"),
            "push",
            known,
            start=f"{sys.executable} shop.py",
            health=f"http://127.0.0.1:{port}/",
            arguments="--tag 'team=a b' --quiet",
        )
        shorter = PROFILE.replace("8080", port).replace('"5s"', '"2s"')
        (made.workspace / "first.toml").write_text(shorter, encoding="utf-8")
        (made.workspace / "shop.py").write_text(SHOP.replace("8080", port), encoding="utf-8")
        made.github = {**made.github, "event_name": "push"}
        made.environment = {
            **known.github,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REF_NAME": "main",
            "GITHUB_BASE_REF": "",
        }
        made.run()
    wait_until(lambda: not is_open(int(port)))  # the application was ended
    assert known.comments == {}
    return made


@pytest.mark.alone  # the tutorial's bound is for a machine that does nothing else
def test_a_push_is_measured_reported_and_ends_with_the_code_of_its_run(pushed: Job) -> None:
    # A busy machine may make it INVALID, which is 97.
    assert pushed.outputs["run.exit-code"] in {"0", "97"}, pushed.log
    assert str(pushed.failed) == pushed.outputs["run.exit-code"]
    assert "orders" in pushed.summary
    kept = {path.name for path in pushed.artifact.iterdir()}
    assert {"report.html", "report.md", "junit.xml", "summary.json", "application.log"} <= kept
    assert "a b" in (pushed.artifact / "summary.json").read_text("utf-8")


def test_a_pull_request_begins_with_the_history_of_its_base_and_keeps_none(
    pushed: Job, discussions: Discussions
) -> None:
    [kept] = pushed.cache.iterdir()

    pull = job(pushed.cache.parent, "pull", discussions, profile="missing.toml").run()

    assert (pull.workspace / ".perf/history.duckdb").read_bytes() == kept.read_bytes()
    assert list(pushed.cache.iterdir()) == [kept]
    assert pull.failed == 104, pull.log
    [comment] = discussions.comments.values()
    assert "**Nothing was measured** (exit code 104)" in comment


def test_a_job_with_a_remote_pulls_the_team_s_history_and_keeps_no_cache(
    tmp_path: Path, discussions: Discussions
) -> None:
    place = tmp_path / "place"
    add_judged(tmp_path / "laptop", api_runs(80.0, 81.0))
    CommandLine(tmp_path / "laptop").here("push", str(place))
    given = {"profile": "missing.toml", "history-remote": str(place)}

    pull = job(tmp_path, "pull", discussions, **given).run()

    command = CommandLine(pull.workspace / ".perf")
    assert command.value("select count(*) from runs") == 2
    assert "::warning::" not in pull.log
    assert pull.failed == 104, pull.log
    assert list(pull.cache.iterdir()) == []
    assert not {"bring the history of earlier runs", "keep the history"} & set(pull.ran)


def test_a_remote_that_cannot_be_read_is_a_warning_and_the_job_goes_on(
    tmp_path: Path, discussions: Discussions
) -> None:
    given = {"profile": "missing.toml", "history-remote": "wonder://nowhere"}

    pull = job(tmp_path, "pull", discussions, **given).run()

    assert "wonder://nowhere is in no kind of place that is known" in pull.log
    assert "::warning::not all of the team's history was pulled" in pull.log
    assert "load it, judge it, compare it" in pull.ran


def test_an_application_that_does_not_start_is_told_and_nothing_is_measured(
    tmp_path: Path, discussions: Discussions
) -> None:
    # Its pull request is from a fork, so that nobody may comment.
    discussions.refusals = [(403, {}, '{"message": "Resource not accessible by integration"}')]

    broken = job(
        tmp_path,
        "broken",
        discussions,
        start="echo no database >&2; exit 3",
        health="http://127.0.0.1:9/health tcp://127.0.0.1:9",
    ).run()

    assert broken.failed == 97
    assert "  no database" in broken.log
    assert "load it, judge it, compare it" not in broken.ran
    assert "**Nothing was measured**" in broken.summary
    assert "from a fork may only read" in broken.log
    assert broken.outputs["tell the pull request:outcome"] == "success"
    assert broken.ran[-1] == "end with the exit code of the run"


def test_a_pull_request_is_compared_with_its_base_by_one_line(
    tmp_path: Path, discussions: Discussions
) -> None:
    # Its checkout is shallow, as GitHub's is; the base answers after 20 ms, the change after 40.
    origin, served = tmp_path / "origin", f"exec {sys.executable} server.py {{port}}"
    origin.mkdir()
    git(origin, "init", "--quiet")
    server = Path(slow_by.__file__).read_text(encoding="utf-8")
    (origin / "server.py").write_text(server, encoding="utf-8")
    (origin / "first.toml").write_text(orders(), encoding="utf-8")
    commits = []
    for held_ms in (20, 40):
        (origin / "held").write_text(str(held_ms), encoding="utf-8")
        git(origin, "add", ".")
        git(origin, "commit", "--quiet", "-m", f"{held_ms} ms")
        commits.append(git(origin, "rev-parse", "HEAD"))
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    pull = job(
        tmp_path,
        "pull",
        discussions,
        start="exit 1",  # of other events
        duet=f"{served} $(cat held)",
        **{"duet-arguments": "--within 7s --warm-up 1s"},
    )
    pull.workspace.rmdir()
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{origin}", str(pull.workspace))
    pull.github = {**pull.github, "event.pull_request.base.sha": commits[0]}

    pull.run()

    assert pull.failed == 98, pull.log
    assert "start the application and wait until it is healthy" not in pull.ran
    assert "SLOWER: the candidate is slower than the baseline" in pull.summary
    [comment] = discussions.comments.values()
    assert f"commit {commits[0]}" in comment


def test_what_a_user_writes_reaches_a_script_as_a_variable_only() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]

    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_the_plan_that_the_tutorial_shows_is_what_check_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = re.findall(r"\$ perf-pipeline check first.toml\n(.*?)```", TUTORIAL, re.DOTALL)
    (tmp_path / "first.toml").write_text(PROFILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    told = CommandLine(tmp_path / "state").here("check", "first.toml")

    assert [line.rstrip() for line in told.out.splitlines()] == shown.splitlines()


def test_the_tutorial_leads_to_another_verdict_without_a_new_load(
    pushed: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = CommandLine(pushed.workspace / ".perf")
    monkeypatch.chdir(pushed.workspace)
    (stricter,) = re.findall(r"^sed .*$", TUTORIAL, re.MULTILINE)
    (query,) = re.findall(r'perf-pipeline sql "(.*)"', TUTORIAL)
    subprocess.run(["bash", "-c", stricter], check=True)

    judged = command.here("judge", "--profile", "strict.toml")

    # 20 ms of sleep are never below 15 ms; a load that was held up is not judged.
    if pushed.failed == 0:
        assert judged.code == 99, judged.err
        assert "wanted p(95)<15" in judged.out
    assert "this is a what-if: the run was judged by profile strict" in judged.out
    assert command.value("select run_id from runs") in command.here("sql", query).out
