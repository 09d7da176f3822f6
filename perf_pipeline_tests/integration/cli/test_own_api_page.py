"""The page on measuring one's own API is executed as it stands, against a stranger's server."""

import re
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.pages import blocks, commands_on
from perf_pipeline_tests.support.places import ROOT, new_state
from perf_pipeline_tests.support.servers.described_shop import running_described_shop
from perf_pipeline_tests.support.servers.stranger_server import running_stranger

PAGE = (ROOT / "docs" / "own-api.md").read_text(encoding="utf-8")
TEXT = "Do 20 visits a second go through?"


@pytest.mark.timeout(120)
def test_the_page_leads_from_a_url_to_an_answer_in_ones_own_words(tmp_path: Path) -> None:
    (profile,) = blocks("own-api.md", "toml")
    command = CommandLine(new_state(tmp_path / "state"))
    with running_stranger() as stranger:
        path = tmp_path / "shop.toml"
        path.write_text(profile.replace("http://127.0.0.1:8080", stranger.base_url), "utf-8")
        first, *others = commands_on("own-api.md", path)

        answer = command(*first)

        assert set(stranger.asked) == {"GET /orders", "POST /orders"}, answer.err + answer.out
    assert answer.code == command.code_of(answer.run_id), answer.err + answer.out
    assert TEXT in answer.out
    assert "1,000,000" not in answer.out
    for arguments in others:
        told = command.here(*arguments)
        assert told.code == 0, told.err
        assert answer.run_id in told.out


def test_what_init_says_on_the_page_is_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = re.findall(r"```text\n\$ perf-pipeline (init .*?)```", PAGE, re.DOTALL)
    asked, *lines = shown.splitlines()
    monkeypatch.chdir(tmp_path)
    with running_described_shop() as shop:
        words = asked.replace("http://127.0.0.1:8080", shop.base_url).split()

        told = CommandLine(new_state(tmp_path / "state")).here(*words)

    assert told.out.replace(shop.base_url, "http://127.0.0.1:8080").splitlines() == lines


def test_the_plan_on_the_page_is_what_check_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (profile,) = blocks("own-api.md", "toml")
    (shown,) = re.findall(r"```text\n\$ perf-pipeline check shop.toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "shop.toml").write_text(profile, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    told = CommandLine(new_state(tmp_path / "state")).here("check", "shop.toml")

    assert [line.rstrip() for line in told.out.splitlines()] == shown.splitlines()
