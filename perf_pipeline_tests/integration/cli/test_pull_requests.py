"""The action in jobs of pull requests, whose steps are run as GitHub runs them; none needs a push.

Add here: what a job of a pull request does. Keep out: a job that measures alone (test_action.py).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.commands.composite_action import ACTION, pull_request_job
from perf_pipeline_tests.support.histories.judged_runs import add_judged
from perf_pipeline_tests.support.histories.synthetic_history import api_runs
from perf_pipeline_tests.support.loads.orders import orders
from perf_pipeline_tests.support.servers import slow_by
from perf_pipeline_tests.support.servers.discussions import Discussions, running_discussions


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


def test_a_job_with_a_remote_pulls_the_team_s_history_and_keeps_no_cache(
    tmp_path: Path, discussions: Discussions
) -> None:
    place = tmp_path / "place"
    add_judged(tmp_path / "laptop", api_runs(80.0, 81.0))
    CommandLine(tmp_path / "laptop").here("push", str(place))
    given = {"profile": "missing.toml", "history-remote": str(place)}

    pull = pull_request_job(tmp_path, "pull", discussions, **given).run()

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

    pull = pull_request_job(tmp_path, "pull", discussions, **given).run()

    assert "wonder://nowhere is in no kind of place that is known" in pull.log
    assert "::warning::not all of the team's history was pulled" in pull.log
    assert "load it, judge it, compare it" in pull.ran


def test_an_application_that_does_not_start_is_told_and_nothing_is_measured(
    tmp_path: Path, discussions: Discussions
) -> None:
    # Its pull request is from a fork, so that nobody may comment.
    discussions.refusals = [(403, {}, '{"message": "Resource not accessible by integration"}')]

    broken = pull_request_job(
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
    pull = pull_request_job(
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
