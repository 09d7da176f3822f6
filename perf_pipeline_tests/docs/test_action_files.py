"""The action, the workflows and the examples of CI: right by their schemas and linters.

Add here: a rule for all files that a CI system reads. Keep out: running them.
"""

import json
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from perf_pipeline_tests.docs.generate import ROOT, commands
from perf_pipeline_tests.support.commands.composite_action import ACTION

EXAMPLES: Final = ROOT / "examples" / "ci"
GITHUB: Final = [*(ROOT / ".github" / "workflows").glob("*.yml"), *EXAMPLES.glob("github*.yml")]
SCRIPTS: Final = sorted((ROOT / ".ci" / "action").iterdir())
_BIN: Final = Path(sys.executable).parent


def mistakes(schema: str, given: Any) -> list[str]:
    """Tell what is wrong by a schema that check-jsonschema has from schemastore.org or GitLab."""
    folder = files("check_jsonschema.builtin_schemas") / "vendor"
    rules = json.loads((folder / f"{schema}.json").read_text(encoding="utf-8"))
    return [str(error) for error in jsonschema.Draft7Validator(rules).iter_errors(given)]


class _Loader(yaml.SafeLoader):
    """Read YAML as GitHub does: `on` is a text."""


_LOADER_OF_BOOLEANS: Final = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] != _LOADER_OF_BOOLEANS or first not in "oOyYnN"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_a_workflow_is_right_by_github_s_schema(path: Path) -> None:
    assert mistakes("github-workflows", read(path)) == []


def test_the_action_is_right_by_github_s_schema() -> None:
    assert mistakes("github-actions", ACTION) == []


def test_the_template_for_gitlab_is_right_by_gitlab_s_schema() -> None:
    assert mistakes("gitlab-ci", read(EXAMPLES / "gitlab-ci.yml")) == []


def test_the_shell_scripts_of_ci_have_nothing_that_shellcheck_finds() -> None:
    scripts = [
        *SCRIPTS,
        *(ROOT / ".ci" / name for name in ("run", "try_python", "site/build", "site/publish")),
    ]

    done = subprocess.run(
        [_BIN / "shellcheck", *scripts], capture_output=True, text=True, check=False
    )

    assert done.stdout == ""


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not on PATH")
def test_actionlint_finds_nothing() -> None:
    done = subprocess.run(
        [shutil.which("actionlint") or "", *GITHUB], capture_output=True, text=True, check=False
    )

    assert done.stdout == ""


def test_every_script_of_the_action_is_run_and_can_be() -> None:
    called = {
        name
        for step in ACTION["runs"]["steps"]
        for name in re.findall(r"\.ci/action/(\w+)", step.get("run", ""))
    }

    assert called == {path.name for path in SCRIPTS}
    assert [path.name for path in SCRIPTS if not path.stat().st_mode & 0o100] == []


def test_what_the_examples_give_the_action_are_its_inputs() -> None:
    uses = [
        step
        for path in GITHUB
        for job in read(path)["jobs"].values()
        for step in job["steps"]
        if step.get("uses") == "./" or step.get("uses", "").endswith("/perf_pipeline@v1")
    ]

    assert len(uses) == 3
    for step in uses:
        assert set(step["with"]) <= set(ACTION["inputs"])
        assert "profile" in step["with"]


def test_the_commands_of_the_template_for_gitlab_exist() -> None:
    job = read(EXAMPLES / "gitlab-ci.yml")["speed"]
    lines = [*job["script"], *job["after_script"]]
    called = {name for line in lines for name in re.findall(r"perf-pipeline (ci \w+|\w+)", line)}

    assert called == {"ci wait", "run", "ci comment"}
    assert called <= set(commands())


def test_every_input_of_the_action_is_on_the_page() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))

    assert told == {*ACTION["inputs"], *ACTION["outputs"]}
