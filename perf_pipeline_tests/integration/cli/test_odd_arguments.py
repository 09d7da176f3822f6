"""Every command with arguments that nobody can mean: one sentence, code 104, and nothing done."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline_tests.support.commands.signals import signals_as_they_were
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, add_runs, api_runs

ODD = "\udcff"  # a byte of the command line that is no UTF-8
RUN_COMMANDS = (
    ("report",),
    ("judge",),
    ("ingest",),
    ("compare",),
    ("compare", "r001"),
    ("lineage",),
    ("baseline", "accept", "--reason", "why"),
    ("baseline", "pin", "--name", "v1", "--reason", "why"),
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state folder with nine runs."""
    folder = tmp_path_factory.mktemp("stored")
    add_runs(folder, api_runs(*QUIET, 120.0))
    return folder


@pytest.fixture
def state(stored: Path, tmp_path: Path) -> Path:
    """Give a copy of it that a test may change."""
    return shutil.copytree(stored, tmp_path / "state")


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    """Give back the signals that `run` listens to."""
    with signals_as_they_were():
        yield


def call(state: Path | str, *arguments: str) -> tuple[int, str]:
    """Call the command line in this process; give its exit code and all that it said."""
    result = CliRunner().invoke(
        main,
        ["--state", str(state), *arguments],
        prog_name="perf-pipeline",
        env={"PERF_STATE": None, "PERF_STATE_ACCESS": None},
    )
    assert "Traceback" not in result.output
    return result.exit_code, result.output


NO_IDS = (
    *("nosuch", "r00", "R001", "", " ", "r001 ", "r001/", "../spool/r001", "."),
    *(ODD, "a\nb", "\x1b[31mred", "x" * 5_000, "'; drop table runs; --"),
)


@pytest.mark.parametrize("command", RUN_COMMANDS, ids=" ".join)
def test_an_id_that_no_run_has_is_refused_and_never_taken_for_the_last_run(
    stored: Path, command: tuple[str, ...]
) -> None:
    for run_id in NO_IDS:
        code, said = call(stored, *command, run_id)

        assert code == 104, said
        assert len(said) < 1_000
        assert "\x1b" not in said


def test_the_beginning_of_ids_is_answered_with_the_ids(stored: Path) -> None:
    assert (
        "write the whole id; these ids begin like it: r009, r008, r007, r006, r005, 4 more"
        in call(stored, "report", "r00")[1]
    )
    assert "begin like it: r004" not in call(stored, "report", "r004x")[1]


def test_a_run_is_not_compared_with_itself(stored: Path) -> None:
    code, said = call(stored, "compare", "r001", "r001")

    assert code == 104
    assert "r001 is named twice" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pin", "r001", "--name", "", "--reason", "x"), "'--name': it is empty"),
        (("pin", "r001", "--name", "v1", "--reason", " "), "'--reason': it is empty"),
        (("pin", "r001", "--name", ODD, "--reason", "x"), "is not UTF-8"),
        (("pin", "r001", "--name", "a\nb", "--reason", "x"), "one line of printable"),
        (("pin", "r001", "--name", "v1", "--reason", "\x1b[2J"), "one line of printable"),
        (("pin", "r001", "--name", "x" * 101, "--reason", "x"), "100 is the most"),
        (("pin", "r001", "--name", "v1", "--reason", "x" * 1_001), "1,000 is the most"),
        (("accept", "r001", "--metric", "", "--reason", "x"), "'--metric': it is empty"),
        (("accept", "r001", "--metric", ODD, "--reason", "x"), "is not UTF-8"),
        (("unpin", " ", "--reason", "x"), "it is empty"),
    ],
    ids=lambda value: ascii(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_decision_is_kept_in_words_that_can_be_read(
    state: Path, arguments: tuple[str, ...], told: str
) -> None:
    code, said = call(state, "baseline", *arguments)

    assert (code, told in said) == (104, True), said
    assert call(state, "baseline", "list")[1].endswith("(0 rows)\n")


@pytest.mark.parametrize(
    "arguments",
    [
        *(("backtest", "--alpha", text) for text in ("nan", "-nan", "0", "0.5", "inf", "x", "")),
        *(("backtest", "--min-effect", text) for text in ("nan", "1", "-0.1", "1e999")),
        *(("backtest", "--profile", text) for text in ("", ODD, "nosuch")),
        *(("sql", "--rows", text, "select 1") for text in ("-1", "nan", str(2**63), "1e3", "")),
        *(("sql", "--timeout", text, "select 1") for text in ("0", "0s", "-1s", "nan", "")),
        *(("sql", text) for text in ("", ";", ODD, "select 1; select 2", "drop table runs")),
        *(("ui", "--port", text) for text in ("0", "-1", "65536", "9" * 30, "nan", "")),
        *(("run", "--confirm", text, "--only", "x") for text in ("-1", "3", "nan", "1.5", "")),
        *(("run", "--only", text) for text in ("", " ", ODD, "api_user_creation,end_to_end")),
        *(("run", "--set", text, "--only", "x") for text in ("", "=", "=1", ".seed=1", "seed.=1")),
        *((name, "--profile", text, "--set", "x=1") for name in ("run", "up", "doctor")
          for text in ("", ODD, "nosuch", "no.toml", "\0.toml")),
        ("judge", "--profile", ""),
        ("judge", "--profile", "nosuch"),
        *((name, "extra") for name in ("up", "down", "status", "doctor", "ui", "changes", "run")),
        *((name, "--nosuch") for name in ("up", "down", "status", "doctor", "ui", "changes")),
        ("baseline",),
        ("baseline", "nosuch"),
        ("nosuch",),
        (ODD,),
        (),
    ],
    ids=lambda value: ascii(" ".join(value))[:50],
)  # fmt: skip
def test_what_nobody_can_mean_is_refused_with_104(stored: Path, arguments: tuple[str, ...]) -> None:
    code, said = call(stored, *arguments)

    assert code == 104, said
    assert 10 < len(said) < 2_000


def test_no_state_folder_is_no_folder_at_all(tmp_path: Path) -> None:
    """An empty one comes from a variable that is not set, and would be the current folder."""
    (tmp_path / "file").touch()
    for state, told in (
        ("", "it is empty"),
        (" ", "it is empty"),
        (f"{tmp_path}/{ODD}", "is not UTF-8"),
        (f"{tmp_path}/{'x' * 300}", "File name too long"),
        (f"{tmp_path}/a\0b", "null byte"),
        (f"{tmp_path}/file", "is a file"),
    ):
        code, said = call(state, "status")
        assert (code, told in said) == (104, True), said


QUESTIONS = (
    *(command if command[-1] == "r001" else (*command, "r001") for command in RUN_COMMANDS),
    *(("report",), ("judge",), ("compare",), ("lineage",), ("backtest",), ("changes",)),
    ("baseline", "list"),
    ("baseline", "unpin", "v1", "--reason", "x"),
    ("sql", "select 1"),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_to_a_folder_without_runs_makes_nothing_in_it(
    tmp_path: Path, question: tuple[str, ...]
) -> None:
    code, said = call(tmp_path / "nothing", *question)

    assert code == 104
    assert "nothing" in said
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("text", ["5x", "0s", "-1s", "nan", "", "1e999"])
def test_a_duration_of_init_that_is_none_is_refused_with_the_name_of_its_option(
    tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "new"

    code, said = call(
        tmp_path, "init", str(folder), "--curl", "curl http://127.0.0.1:1/", "--duration", text
    )

    assert (code, "Invalid value for '--duration': " in said) == (104, True), said
    assert not folder.exists()
