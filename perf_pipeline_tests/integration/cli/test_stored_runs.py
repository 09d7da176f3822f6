"""Stored runs are listed, shown, and named by the beginning of their ids."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.judging.asked import begun_by
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, add_runs, api_runs

IDS = ("20261128-224435-15c055", "20261128-224435-15c055-c1", "20261128-230802-c056e3")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give a state folder with nine runs, r001 to r009."""
    folder = tmp_path_factory.mktemp("stored")
    add_runs(folder, api_runs(*QUIET, 120.0))
    return CommandLine(folder)


@pytest.mark.parametrize(
    ("beginning", "meant"),
    [
        ("20261128-2308", IDS[2]),
        (IDS[0], IDS[0]),
        ("20261128-22", IDS[0]),
        (IDS[1], IDS[1]),
        ("20261128", None),
        ("2025", None),
    ],
    ids=["one", "whole", "with a re-run", "the re-run", "several", "none"],
)
def test_a_beginning_means_the_only_run_that_begins_so(beginning: str, meant: str | None) -> None:
    assert begun_by(beginning, IDS) == meant


def test_a_run_is_shown_by_latest_and_by_its_beginning_and_nothing_is_written(
    command: CommandLine,
) -> None:
    latest = command.here("show", "latest")
    whole = command.here("show", "r009")

    assert latest.code == whole.code == 0
    assert latest.out == whole.out
    assert latest.out.startswith("run r009, profile ")
    assert not (command.state / "reports").exists()


def test_a_beginning_of_several_runs_is_answered_with_their_ids(command: CommandLine) -> None:
    answer = command.here("show", "r00")

    assert answer.code == 104
    assert "r009" in answer.err
    assert "begin" in answer.err


def test_runs_are_listed_newest_first_with_how_they_ended(command: CommandLine) -> None:
    answer = command.here("list", "--limit", "3")

    assert answer.code == 0
    head, *rows, count = answer.out.splitlines()
    assert head.split()[:3] == ["run", "began", "(UTC)"]
    assert [row.split()[0] for row in rows] == ["r009", "r008", "r007"]
    assert all(row.endswith(" none judged") for row in rows[1:])
    assert count == "(3 rows)"


def test_a_report_can_be_had_as_json_alone(command: CommandLine) -> None:
    summary = json.loads(command.here("show", "latest", "--json").out)

    assert "metrics" in summary


def test_quiet_prints_how_it_ended_and_no_table(command: CommandLine) -> None:
    answer = command.here("show", "latest", "--quiet")

    assert "exit code" in answer.out
    assert "against the baseline   " not in answer.out
    assert len(answer.out.splitlines()) < 10


@pytest.mark.parametrize(
    "arguments", [(), ("run",), ("list",), ("show",), ("judge",), ("doctor",)], ids=" ".join
)
def test_h_is_help_everywhere(command: CommandLine, arguments: tuple[str, ...]) -> None:
    assert command.here(*arguments, "-h").out == command.here(*arguments, "--help").out


COMMANDS = [
    ("rnu", "run"),
    ("rn", "run"),
    ("ru", "run"),
    ("judg", "judge"),
    ("jugde", "judge"),
    ("repot", "report"),
    ("reprot", "report"),
    ("lst", "list"),
    ("lists", "list"),
    ("shw", "show"),
    ("shows", "show"),
    ("ingst", "ingest"),
    ("injest", "ingest"),
    ("compar", "compare"),
    ("comparee", "compare"),
    ("baselin", "baseline"),
    ("doctr", "doctor"),
    ("statu", "status"),
    ("stauts", "status"),
    ("dwn", "down"),
]


@pytest.mark.parametrize(("typo", "right"), COMMANDS)
def test_a_misspelt_command_is_answered_with_the_command(
    command: CommandLine, typo: str, right: str
) -> None:
    answer = command.here(typo)

    assert answer.code == 104
    assert f"'{right}'" in answer.err


OPTIONS = [
    ("run", "--profil", "--profile"),
    ("run", "--profiles", "--profile"),
    ("run", "--porfile", "--profile"),
    ("run", "--onl", "--only"),
    ("run", "--onyl", "--only"),
    ("run", "--sett", "--set"),
    ("run", "--confrim", "--confirm"),
    ("run", "--confirms", "--confirm"),
    ("run", "--quite", "--quiet"),
    ("run", "--jsn", "--json"),
    ("run", "--hlp", "--help"),
    ("judge", "--profil", "--profile"),
    ("judge", "--jsonn", "--json"),
    ("show", "--quit", "--quiet"),
    ("list", "--limits", "--limit"),
    ("list", "--limt", "--limit"),
    ("sql", "--timout", "--timeout"),
    ("sql", "--row", "--rows"),
    ("ui", "--prot", "--port"),
    ("doctor", "--profle", "--profile"),
]


@pytest.mark.parametrize(("name", "typo", "right"), OPTIONS)
def test_a_misspelt_option_is_answered_with_the_option(
    command: CommandLine, name: str, typo: str, right: str
) -> None:
    answer = command.here(name, typo)

    assert answer.code == 104
    assert f"'{right}'" in answer.err


def test_a_file_is_named_once(command: CommandLine) -> None:
    twice = command.here("run", "shop.toml", "--profile", "quick")
    absent = command.here("run", "shop.toml")

    assert twice.code == absent.code == 104
    assert "shop.toml and --profile quick both name a profile" in twice.err
    assert "profile shop.toml" in absent.err


def test_a_misspelt_benchmark_to_run_is_answered_with_the_benchmark(command: CommandLine) -> None:
    answer = command.here("run", "--only", "end_to_ned")

    assert answer.code == 104
    assert "it has no benchmark 'end_to_ned'; did you mean end_to_end?" in answer.err


def test_an_empty_state_is_no_list(tmp_path: Path) -> None:
    answer = CommandLine(tmp_path).here("list")

    assert answer.code == 104
    assert "`perf-pipeline run` makes one" in answer.err


def test_a_table_shows_the_begin_of_long_cells_and_whole_ones_when_asked(
    command: CommandLine,
) -> None:
    [(whole,)] = command.sql("select profile_json from runs where run_id = 'r001'")
    asked = ("sql", "select profile_json from runs where run_id = 'r001'")

    cut = command.here(*asked).out.splitlines()[1]

    assert cut.rstrip() == f"{whole[:60]}… ({len(whole) - 60:,} more)"
    assert command.here(*asked, "--full").out.splitlines()[1].rstrip() == whole


def test_commands_on_a_run_take_latest_and_the_beginning_of_an_id(tmp_path: Path) -> None:
    first, last = api_runs(*QUIET[:2])
    add_runs(tmp_path, [first, replace(last, run_id="z002")])
    command = CommandLine(tmp_path, {"BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""})
    pin = ("baseline", "pin", "--name", "v1", "--reason", "x")

    for words in (("lineage", "latest"), ("lineage", "z"), (*pin, "latest"), (*pin, "z")):
        answer = command.here(*words)
        assert "run z002" in answer.out + answer.err, words
    assert command.here("open", "z").out.endswith("/reports/z002/report.html\n")
    assert command.here("compare", "r", "latest").out.startswith("A: run r001 ")
    assert command.here("ingest", "latest").out.startswith("z002 ")
    assert command.here("ingest", "r").out.startswith("r001 ")
