"""Run action.yml's steps as GitHub's runner does: conditions, expressions, outputs, exit codes.

What the steps use of GitHub's own actions is done here: the cache is a folder, an upload a copy.
Written after docs.github.com/actions/reference (contexts, expressions, metadata syntax).
Add here: a function or context that action.yml begins to use. Keep out: expectations.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import yaml

from perf_pipeline_tests.support.commands.forked_program import forked_program
from perf_pipeline_tests.support.places import ROOT
from perf_pipeline_tests.support.servers.discussions import Discussions

ACTION: Final[dict[str, Any]] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
_EXPRESSION: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN: Final = re.compile(r"'[^']*'|!?cancelled\(\)|always\(\)|&&|\|\||[!=]=|[\w.-]+")
_WORDS: Final = {
    "&&": "and",
    "||": "or",
    "==": "==",
    "!=": "!=",
    "!cancelled()": "True",
    "always()": "True",
}


@dataclass(slots=True)
class Job:
    """Hold a job that uses the action, and what it leaves.

    Attributes:
        workspace: where the repository is checked out.
        cache: folder of GitHub's cache, which all jobs share.
        given: inputs of the action.
        github: the context of that name; `event_name` and what is in `event.…`.
        environment: variables of the job, beside GitHub's own.
        ran: name of each step that ran.
        log: what the steps printed.
        failed: exit code of the first step that failed; 0 where none did.
        outputs: `STEP.NAME` -> text.
    """

    workspace: Path
    cache: Path
    given: Mapping[str, str]
    github: Mapping[str, str]
    environment: Mapping[str, str]
    ran: list[str] = field(default_factory=list)
    log: str = ""
    failed: int = 0
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def temporary(self) -> Path:
        """Give the folder that GitHub empties for each job."""
        return self.workspace.parent / f"{self.workspace.name}-temp"

    @property
    def artifact(self) -> Path:
        """Give the folder of what was uploaded."""
        return self.workspace.parent / f"{self.workspace.name}-artifact"

    @property
    def summary(self) -> str:
        """Give what stands on the job's page."""
        return (self.temporary / "summary").read_text(encoding="utf-8")

    def run(self) -> "Job":
        """Run every step whose condition holds; the first step's installation stands already."""
        self.temporary.mkdir(parents=True)
        (self.temporary / "summary").touch()
        (self.temporary / "perf-pipeline" / "bin").mkdir(parents=True)
        with forked_program(self.temporary / "perf-pipeline" / "bin" / "perf-pipeline"):
            for step in ACTION["runs"]["steps"][1:]:
                if self._holds(step):
                    self._do(step)
        return self

    def _holds(self, step: Mapping[str, Any]) -> bool:
        condition = str(step.get("if", ""))
        if not re.search(r"cancelled\(\)|always\(\)", condition) and self.failed:
            return False
        return not condition or self._value(condition.strip().removeprefix("${{")[:-2]) is not False

    def _do(self, step: Mapping[str, Any]) -> None:
        self.ran.append(step["name"])
        code = self._shell(step) if "run" in step else self._used(step)
        name = step.get("id", step["name"])
        self.outputs[f"{name}:outcome"] = "failure" if code else "success"
        if code and not step.get("continue-on-error"):
            self.failed = self.failed or code

    def _shell(self, step: Mapping[str, Any]) -> int:
        output = self.temporary / "output"
        output.write_text("", encoding="utf-8")
        given = {name: self._filled(text) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={
                **self._plain_environment(),
                **self.environment,
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
                "RUNNER_TEMP": str(self.temporary),
                **given,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log += done.stdout
        self._keep_outputs(step.get("id", ""), output.read_text(encoding="utf-8"))
        return done.returncode

    def _plain_environment(self) -> dict[str, str]:
        foreign = ("GITHUB_", "CI_", "GITLAB_", "RUNNER_")
        return {name: text for name, text in os.environ.items() if not name.startswith(foreign)}

    def _keep_outputs(self, step: str, written: str) -> None:
        lines = iter(written.splitlines())
        for line in lines:
            name, equals, text = line.partition("=")
            if not equals:
                name, _, end = line.partition("<<")
                text = "\n".join(takewhile(end.__ne__, lines))
            self.outputs[f"{step}.{name}"] = text

    def _used(self, step: Mapping[str, Any]) -> int:
        given = {name: self._filled(str(text)) for name, text in step["with"].items()}
        action = step["uses"].partition("@")[0]
        if action == "actions/cache/restore":
            self._restore(given)
        elif action == "actions/cache/save":
            kept = self.cache / given["key"].replace("/", "\n")
            shutil.copy(self.workspace / given["path"], kept)
        else:
            assert action == "actions/upload-artifact"
            shutil.copytree(given["path"], self.artifact)
        return 0

    def _restore(self, given: Mapping[str, str]) -> None:
        for beginning in given["restore-keys"].splitlines():
            found = [
                path
                for path in self.cache.iterdir()
                if path.name.replace("\n", "/").startswith(beginning)
            ]
            if found:
                (self.workspace / given["path"]).parent.mkdir(exist_ok=True)
                newest = max(found, key=lambda path: path.stat().st_mtime_ns)
                shutil.copy(newest, self.workspace / given["path"])
                return

    def _filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda part: str(self._value(part[1])), text)

    def _value(self, expression: str) -> Any:
        words = [self._word(token) for token in _TOKEN.findall(expression)]
        return eval(" ".join(words), {})  # noqa: S307 - made of literals by _word

    def _word(self, token: str) -> str:
        if token in _WORDS:
            return _WORDS[token]
        if token.startswith("'"):
            return repr(token[1:-1])
        context, _, rest = token.partition(".")
        if context == "inputs":
            return repr(self.given.get(rest, ACTION["inputs"][rest].get("default", "")))
        if context == "github":
            return repr(self.github.get(rest, ""))
        assert context == "steps", token
        step, kind, *name = rest.split(".")
        return repr(
            self.outputs.get(f"{step}:outcome" if kind == "outcome" else f"{step}.{name[0]}", "")
        )


def pull_request_job(folder: Path, name: str, discussions: Discussions, **given: str) -> Job:
    """Make a job of a pull request.

    Args:
        folder: gets the job's own folder, and the cache that all jobs in it share.
        name: of the job's own folder.
        discussions: where it comments.
        given: inputs of the action.
    """
    (folder / name).mkdir()
    (folder / "cache").mkdir(exist_ok=True)
    inputs = {"profile": "first.toml", "token": discussions.github["GITHUB_TOKEN"], **given}
    github = {"event_name": "pull_request", "event.repository.default_branch": "main"}
    return Job(folder / name, folder / "cache", inputs, github, discussions.github)
