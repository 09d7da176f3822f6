"""A shell completes commands, options, profiles, benchmarks and runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete, get_completion_class

from perf_pipeline.cli.main import main


def completed(state: Path, *words: str) -> list[str]:
    """Give what a shell would offer for the last word."""
    *before, last = words
    found = BashComplete(main, {}, "perf-pipeline", "_PERF_PIPELINE_COMPLETE").get_completions(
        ["--state", str(state), *before], last
    )
    return [item.value for item in found if item.type == "plain"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Give a state folder that two runs have left files in."""
    (tmp_path / "spool" / "20261101-101112-aaaaaa").mkdir(parents=True)
    (tmp_path / "reports" / "20261102-101112-bbbbbb").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("pr",), ["prune"]),
        (("baseline", "p"), ["pin"]),
        (("run", "--con"), ["--confirm"]),
        (("run", "--profile", "f"), ["full"]),
        (("run", "w"), ["weekly"]),
        (("check", "c"), ["ci"]),
        (("judge", "--profile", "q"), ["quick"]),
        (("run", "--only", "queue_"), ["queue_produce", "queue_consume"]),
        (("run", "--on-environment-changed", "f"), ["fail"]),
        (("show", ""), ["latest", "20261102-101112-bbbbbb", "20261101-101112-aaaaaa"]),
        (("compare", "latest", "20261101"), ["20261101-101112-aaaaaa"]),
        (("open", "l"), ["latest"]),
    ],
    ids=" ".join,
)
def test_what_was_begun_is_completed(
    state: Path, words: tuple[str, ...], offered: list[str]
) -> None:
    assert completed(state, *words) == offered


def test_own_profiles_are_offered_beside_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout.toml").touch()
    monkeypatch.chdir(tmp_path)

    assert completed(tmp_path, "run", "c") == ["ci", "checkout.toml"]
    assert completed(tmp_path, "run", "x") == []


_IN_BASH = """
eval "$(_PERF_PIPELINE_COMPLETE=bash_source perf-pipeline)"
COMP_WORDS=(perf-pipeline baseline un)
COMP_CWORD=2
_perf_pipeline_completion perf-pipeline
echo "${COMPREPLY[@]}"
"""


def test_bash_takes_the_documented_line(tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "--norc", "-c", _IN_BASH],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "unpin\n", done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_that_names_the_variable(shell: str) -> None:
    shell_class = get_completion_class(shell)
    assert shell_class is not None

    script = shell_class(main, {}, "perf-pipeline", "_PERF_PIPELINE_COMPLETE").source()

    assert f"_PERF_PIPELINE_COMPLETE={shell}_complete" in script
