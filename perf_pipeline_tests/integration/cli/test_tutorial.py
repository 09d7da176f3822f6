"""The tutorial is followed as it stands, up to its history, against the API that it shows."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine, wait_until
from perf_pipeline_tests.support.free_ports import free_port, is_open
from perf_pipeline_tests.support.pages import blocks
from perf_pipeline_tests.support.places import ROOT, new_state

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
(PROFILE,) = blocks("tutorial.md", "toml")


@contextmanager
def shop(folder: Path) -> Iterator[str]:
    """Run the API of the page on a port of its own; give that port."""
    port = str(free_port())
    (program,) = blocks("tutorial.md", "python")
    (folder / "shop.py").write_text(program.replace("8080", port), encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-S", "shop.py"], cwd=folder)
    try:
        wait_until(lambda: is_open(int(port)))
        yield port
    finally:
        process.kill()
        process.wait()


def test_the_plan_that_the_tutorial_shows_is_what_check_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = re.findall(r"```text\n\$ perf-pipeline check first.toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "first.toml").write_text(PROFILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    told = CommandLine(new_state(tmp_path / "state")).here("check", "first.toml")

    assert [line.rstrip() for line in told.out.splitlines()] == shown.splitlines()


def test_the_tutorial_leads_to_a_verdict_and_to_another_one_without_a_new_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = CommandLine(new_state(tmp_path / "state"))
    (stricter,) = re.findall(r"^sed .*$", PAGE, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    with shop(tmp_path) as port:
        shorter = PROFILE.replace("8080", port).replace('"5s"', '"2s"')
        Path("first.toml").write_text(shorter, encoding="utf-8")
        subprocess.run(["bash", "-c", stricter], check=True)

        first = command("run", "first.toml")

    # 20 ms of sleep are never below 15 ms, and far below 200 ms unless the machine is held up.
    assert first.code == command.code_of(first.run_id), first.err + first.out
    judged = command.here("judge", "--profile", "strict.toml")
    if first.code == 0:  # else a worker was held up, and nothing is judged
        assert judged.code == 99, judged.err
        assert "wanted p(95)<15" in judged.out
    assert "this is a what-if: the run was judged by profile strict" in judged.out
    (query,) = re.findall(r'perf-pipeline sql "(.*)"', PAGE)
    assert first.run_id in command.here("sql", query).out
