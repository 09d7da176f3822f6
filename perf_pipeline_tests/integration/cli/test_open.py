"""A report is opened in the browser of whoever sits there, and its path is told to others."""

from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, add_runs, api_runs

NO_DISPLAY = {"BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give two runs without reports, on a machine where nobody sees a window."""
    folder = tmp_path_factory.mktemp("open")
    add_runs(folder, api_runs(*QUIET[:2]))
    return CommandLine(folder, NO_DISPLAY)


@pytest.mark.parametrize(
    ("named", "run_id"), [((), "r002"), (("latest",), "r002"), (("r001",), "r001")]
)
def test_without_a_display_the_path_of_a_written_report_is_told(
    command: CommandLine, named: tuple[str, ...], run_id: str
) -> None:
    answer = command("open", *named)

    assert answer.code == 0
    path = Path(answer.out.strip())
    assert path == command.state / "reports" / run_id / "report.html"
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert answer.err == "no browser can be opened here; open this file in one\n"


def test_the_browser_gets_the_address_of_the_file(command: CommandLine, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/asked"\n')
    browser.chmod(0o755)

    answer = command("open", "r002", BROWSER=str(browser))

    assert (answer.code, answer.err) == (0, "")
    asked = (tmp_path / "asked").read_text().strip()
    assert asked == (command.state / "reports" / "r002" / "report.html").as_uri()


def test_a_browser_that_is_not_there_leaves_the_path(command: CommandLine) -> None:
    answer = command("open", "r002", BROWSER="/no/such/browser")

    assert answer.code == 0
    assert answer.out.strip().endswith("/reports/r002/report.html")
    assert "no browser can be opened here" in answer.err


def test_a_run_that_is_not_there_has_no_report(command: CommandLine) -> None:
    answer = command.here("open", "r009")

    assert answer.code == 104
    assert "run 'r009' is not in the history" in answer.err
