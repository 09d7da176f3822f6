"""The workflows of GitHub Actions: least rights, limits, pinned actions, and commands that exist.

Add here: a rule for every workflow. Keep out: running them.
"""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from perf_pipeline.config.loading import SHIPPED
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline_tests.docs.generate import ROOT, commands

FOLDER = ROOT / ".github" / "workflows"
# YAML 1.1 reads the key `on` as true.
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.yml")
}
JOBS: dict[str, dict[str, Any]] = {
    f"{name}:{key}": job
    for name, workflow in WORKFLOWS.items()
    for key, job in workflow["jobs"].items()
}
STEPS: list[dict[str, Any]] = [step for job in JOBS.values() for step in job["steps"]]
SCRIPTS = [step["run"] for step in STEPS if "run" in step]

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)
each_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)


@each_workflow
def test_a_workflow_may_only_read_unless_a_job_says_otherwise(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}


@each_workflow
def test_a_newer_push_ends_the_run_of_an_older_one_of_a_pull_request(name: str) -> None:
    concurrency = WORKFLOWS[name]["concurrency"]

    assert "${{ github.ref }}" in concurrency["group"]
    assert "pull_request" in concurrency["cancel-in-progress"]


@each_workflow
def test_no_workflow_runs_with_the_rights_of_the_base(name: str) -> None:
    triggers = set(WORKFLOWS[name][True])

    assert triggers in ({"push", "pull_request"}, {"schedule", "workflow_dispatch"})


@each_job
def test_a_job_has_a_limit_and_a_pinned_machine(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 60
    assert job["runs-on"] == "ubuntu-24.04"


@each_job
def test_a_job_that_may_write_runs_no_code_of_the_pull_request(job: dict[str, Any]) -> None:
    rights = job.get("permissions", {})
    if "write" in rights.values():
        checkouts = [step["with"] for step in job["steps"] if "checkout" in step.get("uses", "")]
        base = "${{ github.event.pull_request.base.sha }}"  # reviewed, and not the pull request's

        assert rights == {"contents": "read", "pull-requests": "write"}
        assert [given["ref"] for given in checkouts] == [base]
        first, said, last = [step["run"] for step in job["steps"] if "run" in step]
        assert (first, last) == (
            ".ci/action/install",
            '"$RUNNER_TEMP/perf-pipeline/bin/perf-pipeline" ci comment report/report.md',
        )
        assert "Nothing was measured" in said


def test_actions_are_github_s_own_and_of_a_pinned_version() -> None:
    used = [step["uses"] for step in STEPS if step.get("uses", "./") != "./"]

    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []


def test_a_checkout_leaves_no_token_behind() -> None:
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout")]

    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_shell_script_is_well_formed() -> None:
    for script in SCRIPTS:
        plain = re.sub(r"\$\{\{.*?\}\}", "x", script)
        done = subprocess.run(
            ["bash", "-n"], input=plain, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stderr}"


def test_no_script_pastes_what_somebody_else_wrote() -> None:
    assert [script for script in SCRIPTS if "${{" in script] == []


def test_the_commands_of_the_workflows_exist() -> None:
    known = set(commands())
    called = {
        command for script in SCRIPTS for command in re.findall(r"perf-pipeline\"? (\w+)", script)
    }
    tried = (ROOT / ".ci" / "try_python").read_text("utf-8")
    asked = re.compile(r'make PYTHON="?\$?python"? (\S+)')
    made = {target for script in [*SCRIPTS, tried] for target in asked.findall(script)}
    targets = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert {"up", "report", "down"} <= called <= known
    assert {"check", "run", "test"} <= made <= targets
    assert any(script.startswith(".ci/try_python python") for script in SCRIPTS)


def test_the_run_config_of_the_workflow_is_that_of_the_resource() -> None:
    [script] = [text for text in SCRIPTS if "--config-json" in text]
    words = shlex.split(script)
    config = json.loads(words[words.index("--config-json") + 1])

    settings = config["resources"]["perf_run"]["config"]

    assert PerfRun(**settings).profile in SHIPPED


def test_the_comment_is_our_own_report_of_the_newest_run(tmp_path: Path) -> None:
    [script] = [text for text in SCRIPTS if "GITHUB_STEP_SUMMARY" in text]
    for age_s, run in ((9, "f-older"), (0, "a-newer")):
        folder = tmp_path / ".perf" / "reports" / run
        folder.mkdir(parents=True)
        (folder / "report.md").write_text(f"report of {run}\n", encoding="utf-8")
        seconds = folder.stat().st_mtime - age_s
        os.utime(folder / "report.md", (seconds, seconds))

    subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")},
        check=True,
    )

    assert (tmp_path / "summary").read_text("utf-8") == "report of a-newer\n"
    assert (tmp_path / "report" / "report.md").read_text("utf-8") == "report of a-newer\n"


def test_what_ci_runs_is_an_executable_script_that_ends_with_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()

    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["make check", "make test"]
