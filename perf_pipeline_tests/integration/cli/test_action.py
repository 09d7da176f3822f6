"""The action for other repositories: its steps are run as GitHub runs them, with a real load."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.commands.composite_action import ACTION, Job
from perf_pipeline_tests.support.free_ports import free_port, is_open
from perf_pipeline_tests.support.servers.discussions import Discussions, running_discussions

PROFILE = """
name = "front"
workers = 1
calibration = false
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:{port}"
[benchmarks.front.scenarios.visits]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 20
duration = "1s"
preAllocatedVUs = 5
[[benchmarks.front.scenarios.visits.parameters.steps]]
name = "front page"
path = "/"
[benchmarks.front.thresholds]
http_req_failed = ["rate<0.01"]
"""


@pytest.fixture
def discussions() -> Iterator[Discussions]:
    with running_discussions() as known:
        yield known


def job(tmp_path: Path, name: str, discussions: Discussions, **given: str) -> Job:
    workspace = tmp_path / name
    workspace.mkdir()
    (tmp_path / "cache").mkdir(exist_ok=True)
    github = {"event_name": "pull_request", "event.repository.default_branch": "main"}
    inputs = {"profile": "front.toml", "token": discussions.github["GITHUB_TOKEN"]}
    return Job(workspace, tmp_path / "cache", inputs | given, github, discussions.github)


def test_a_push_is_measured_and_its_history_begins_that_of_a_pull_request(
    tmp_path: Path, discussions: Discussions
) -> None:
    port = free_port()
    push = job(
        tmp_path,
        "push",
        discussions,
        start=f"{sys.executable} -m http.server {port} --bind 127.0.0.1",
        health=f"http://127.0.0.1:{port}/",
        arguments="--tag 'team=a b' --quiet",
    )
    (push.workspace / "front.toml").write_text(PROFILE.format(port=port), encoding="utf-8")
    push.github = {**push.github, "event_name": "push"}
    push.environment = {
        **discussions.github,
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REF_NAME": "main",
        "GITHUB_BASE_REF": "",
    }
    push.run()

    # A busy machine may make it INVALID, which is 97; either way it was measured and is kept.
    assert push.outputs["run.exit-code"] in {"0", "97"}, push.log
    assert str(push.failed) == push.outputs["run.exit-code"]
    assert "front" in push.summary
    assert (push.artifact / "report.html").exists()
    assert (push.artifact / "junit.xml").exists()
    assert (push.artifact / "application.log").exists()
    assert "team=a b" in (push.artifact / "summary.json").read_text("utf-8").replace('": "', "=")
    assert discussions.comments == {}
    [kept] = (tmp_path / "cache").iterdir()
    wait_until(lambda: not is_open(port))  # the application was ended

    pull = job(tmp_path, "pull", discussions, profile="missing.toml").run()

    assert (pull.workspace / ".perf/history.duckdb").read_bytes() == kept.read_bytes()
    assert pull.failed == 104, pull.log
    [comment] = discussions.comments.values()
    assert "**Nothing was measured** (exit code 104)" in comment
    assert list((tmp_path / "cache").iterdir()) == [kept]


def test_an_application_that_does_not_start_is_told_and_nothing_is_measured(
    tmp_path: Path, discussions: Discussions
) -> None:
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
    assert broken.ran[-1] == "end with the exit code of the run"
    # An earlier push may have passed: its comment must not stay.
    [comment] = discussions.comments.values()
    assert "**Nothing was measured**" in comment
    assert "**Nothing was measured**" in broken.summary


def test_a_pull_request_of_a_fork_has_its_report_on_the_job_s_page(
    tmp_path: Path, discussions: Discussions
) -> None:
    discussions.refusals = [(403, {}, '{"message": "Resource not accessible by integration"}')]

    fork = job(tmp_path, "fork", discussions, profile="missing.toml").run()

    assert fork.failed == 104
    assert "from a fork may only read" in fork.log
    assert "tell the pull request" in fork.ran
    assert fork.outputs["tell the pull request:outcome"] == "success"
    assert "**Nothing was measured**" in fork.summary


def test_what_a_user_writes_reaches_a_script_as_a_variable_only() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]

    assert scripts
    assert [script for script in scripts if "${{" in script] == []
