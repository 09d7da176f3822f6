"""Old runs are removed for good, and never one that a verdict of a later run may rest on."""

import os
import pty
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from perf_pipeline.config.loading import load_profile
from perf_pipeline.loading.locks import LOCK_NAME
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.synthetic_history import API, Made, add_runs, api_runs

_OTHER = load_profile("quick", {"name": "monthly"})
# Seventy runs of one profile, of which the newest sixty are what its next run is compared with.
_COPIED = """
insert into {table} select {table}.* replace ({values})
from {table}, range(2, 71) as numbers(n) where run_id = 'r001'
"""
_ID = "printf('r%03d', n) as run_id"
_COPIES = {
    "runs": f"{_ID}, made_as + n as made_as, began_at + to_hours(n) as began_at",
    "benchmarks": _ID,
    "summaries": f"{_ID}, p95 + n % 7 / 10 as p95",
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a monthly run, then seventy others of which r010 has a re-run; two have reports."""
    folder = tmp_path_factory.mktemp("many")
    [first] = api_runs(80.0)
    add_runs(folder, [Made({API: 80.0}, profile=_OTHER, run_id="monthly")])
    add_runs(folder, [replace(first, run_id="r001")])
    with history_at(folder / "history.duckdb") as history:
        for table, values in _COPIES.items():
            history.connection.execute(_COPIED.format(table=table, values=values))
    add_runs(folder, [replace(first, run_id="r010-c1", trigger="confirm", tags={"a": "b"})])
    with history_at(folder / "history.duckdb") as history:
        history.connection.execute("update runs set made_as = 11 where run_id = 'r010-c1'")
        history.connection.execute("update runs set began_at = began_at - to_years(20)")
    for name in ("r001", "r070"):
        (folder / "reports" / name).mkdir(parents=True)
        (folder / "reports" / name / "report.md").write_text("x" * 2_048)
    return folder


@pytest.fixture
def command(stored: Path, tmp_path: Path) -> CommandLine:
    """Give a copy of it that a test may change."""
    return CommandLine(shutil.copytree(stored, tmp_path / "state"))


def runs_of(command: CommandLine) -> set[str]:
    return {run_id for (run_id,) in command.sql("select run_id from runs")}


def test_what_the_next_run_is_compared_with_stays_and_all_else_goes(command: CommandLine) -> None:
    answer = command.here("prune", "--keep", "5", "--yes")

    assert answer.code == 0, answer.err
    # The newest 60 of the profile are r011 to r070, and the only run of the monthly one stays.
    assert runs_of(command) == {"monthly", *(f"r{number:03}" for number in range(11, 71))}
    assert "kept: 5 runs as you said, 56 runs needed by a baseline" in answer.out
    assert "removed 11 runs; their files had " in answer.out  # r010-c1 is one of them


def test_all_of_a_run_goes_with_it(command: CommandLine) -> None:
    tables = command.sql(
        "select distinct table_name from duckdb_columns() where column_name = 'run_id' "
        "and table_name <> 'removed_runs'"
    )

    answer = command.here("prune", "--keep", "1", "--yes")

    left = {
        run_id
        for (run_id,) in command.sql(
            " union ".join(f"select run_id from {table}" for (table,) in tables)
        )
    }
    assert "r001" not in left
    assert command.value("select count(*) from removed_runs where run_id = 'r001'") == 1
    assert "r010-c1" not in left
    assert "r070" in left
    assert not (command.state / "reports" / "r001").exists()
    assert not (command.state / "spool" / "r001").exists()
    assert (command.state / "reports" / "r070" / "report.md").exists()
    assert " KiB, and history.duckdb uses their room again" in answer.out
    assert command.here("list").code == 0


def test_a_pinned_run_stays_with_the_runs_before_it_that_its_level_rests_on(
    command: CommandLine,
) -> None:
    assert command.here("baseline", "pin", "r003", "--name", "v1", "--reason", "x").code == 0

    answer = command.here("prune", "--keep", "5", "--yes")

    assert {"r001", "r002", "r003"} <= runs_of(command)
    assert not {"r004", "r009", "r010"} & runs_of(command)
    assert "1 run pinned or accepted" in answer.out


def test_an_accepted_run_stays_and_a_run_whose_pin_was_taken_back_goes(
    command: CommandLine,
) -> None:
    command.here("baseline", "pin", "r003", "--name", "v1", "--reason", "x")
    command.here("baseline", "unpin", "v1", "--reason", "x")
    assert command.here("baseline", "accept", "r007", "--reason", "x").code == 0

    command.here("prune", "--keep", "5", "--yes")

    assert "r007" in runs_of(command)
    assert not {"r003", "r006", "r008"} & runs_of(command)
    assert "r003" in command.here("baseline", "list").out


def test_what_a_kept_run_was_compared_with_stays(command: CommandLine) -> None:
    assert command.here("judge", "r020", "--quiet").code in {0, 97}
    compared = {run for (run,) in command.sql("select unnest(baseline_run_ids) from lineage")}
    assert "r001" in compared

    command.here("prune", "--keep", "55", "--yes")

    assert compared <= runs_of(command)


def test_newer_runs_of_another_benchmark_or_that_failed_need_no_older_ones_less(
    command: CommandLine,
) -> None:
    with history_at(command.state / "history.duckdb") as history:
        for begin, changed in ((100, "'end_to_end' as benchmark"), (200, "'aborted' as status")):
            for table, values in _COPIES.items():
                more = f"{values}, {changed}" if table == "benchmarks" else values
                copied = _COPIED.format(table=table, values=more)
                copied = copied.replace("range(2, 71)", f"range({begin}, {begin + 65})")
                history.connection.execute(copied)

    assert command.here("prune", "--keep", "5", "--yes").code == 0

    assert {f"r{number:03}" for number in range(11, 71)} < runs_of(command)
    assert not {"r001", "r010", "r100"} & runs_of(command)


def test_a_run_that_is_not_stored_yet_stays(command: CommandLine) -> None:
    (command.state / "spool" / "r001" / "end_to_end").mkdir()

    answer = command.here("prune", "--keep", "5", "--yes")

    assert "r001" in runs_of(command)
    assert "1 run not stored yet" in answer.out


@pytest.mark.parametrize("is_loading", [True, False], ids=["a run is under way", "nobody loads"])
def test_a_run_that_is_under_way_stays_although_nothing_of_it_is_stored_yet(
    command: CommandLine, *, is_loading: bool
) -> None:
    # r003 has begun and measures nothing yet; what it was to do is known, and r004 was killed then.
    with history_at(command.state / "history.duckdb") as history:
        history.connection.execute("delete from benchmarks where run_id in ('r003', 'r004')")
        history.connection.execute(
            "update runs set planned = ['api'] where run_id in ('r003', 'r004')"
        )
    (command.state / "spool" / "r003").mkdir(exist_ok=True)
    (command.state / "spool" / "r003" / "run.json").write_text("{}")
    shutil.rmtree(command.state / "spool" / "r004", ignore_errors=True)
    lock = FileLock(command.state / LOCK_NAME)

    with lock if is_loading else nullcontext():
        answer = command.here("prune", "--older-than", "1s", "--yes")

    assert ("r003" in runs_of(command)) is is_loading
    assert ("1 run under way" in answer.out) is is_loading
    assert (command.state / "spool" / "r003").exists() is is_loading
    assert "r004" not in runs_of(command)


@pytest.mark.parametrize(
    ("arguments", "gone"),
    [
        (("--older-than", "1h"), 11),  # all are years old
        (("--older-than", "36500d"), 0),
        (("--keep", "5", "--older-than", "36500d"), 0),
        (("--keep", "71"), 0),
    ],
    ids=["by age", "none is as old", "both", "enough are kept"],
)
def test_only_what_is_beyond_both_limits_goes(
    command: CommandLine, arguments: tuple[str, ...], gone: int
) -> None:
    before = runs_of(command)

    answer = command.here("prune", *arguments, "--yes")

    assert answer.code == 0
    assert len(before - runs_of(command)) == gone
    assert ("nothing was removed" in answer.out) == (gone == 0)


def test_a_dry_run_shows_the_runs_and_removes_none(command: CommandLine) -> None:
    before = runs_of(command)

    answer = command.here("prune", "--keep", "5", "--dry-run", "--yes")

    assert runs_of(command) == before
    assert [line.split()[0] for line in answer.out.splitlines()[2:4]] == ["r010", "r010-c1"]
    assert "(11 rows)" in answer.out
    assert answer.out.endswith("nothing was removed\n")


def test_without_a_terminal_and_without_yes_nothing_is_removed(command: CommandLine) -> None:
    before = runs_of(command)

    answer = command.here("prune", "--keep", "5")

    assert answer.code == 104
    assert "there is no terminal to ask on; nothing was removed. Write --yes" in answer.err
    assert runs_of(command) == before


@pytest.mark.parametrize(("typed", "code", "is_kept"), [("y", 0, False), ("n", 105, True)])
def test_on_a_terminal_it_asks(
    command: CommandLine, typed: str, code: int, *, is_kept: bool
) -> None:
    program = Path(sys.executable).with_name("perf-pipeline")
    asked = [str(program), "--state", str(command.state), "prune", "--keep", "5"]
    ours, theirs = pty.openpty()
    with started(
        asked, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        os.write(ours, f"{typed}\n".encode())
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)

    assert process.returncode == code, err
    assert "Remove 11 runs for good? [y/N]" in out
    assert ("r001" in runs_of(command)) == is_kept


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "say which runs may go: --keep N, --older-than AGE, or both"),
        (("--yes",), "say which runs may go"),
        (("--keep", "0"), "0 is not in the range 1<=x<="),
        (("--keep", "-3"), "-3 is not in the range"),
        (("--keep", "all"), "'all' is not a valid"),
        (("--older-than", "90"), "'90' has no unit; write one like '90d' or '12h'"),
        (("--older-than", "1.5"), "'1.5' has no unit"),
        (("--older-than", "90 days"), "'90 days' is not a duration"),
        (("--older-than", "0d"), "'0d' is not longer than 0"),
        (("--older-than", "-5d"), "'-5d' is not longer than 0"),
        (("--older-than", ""), "is not a duration"),
        (("--keep", "5", "r001"), "unexpected extra argument (r001)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_nobody_can_mean_is_refused(
    stored: Path, arguments: tuple[str, ...], told: str
) -> None:
    answer = CommandLine(stored).here("prune", *arguments)

    assert answer.code == 104
    assert told in answer.err


def test_an_empty_state_has_nothing_to_remove(tmp_path: Path) -> None:
    answer = CommandLine(tmp_path).here("prune", "--keep", "5", "--yes")

    assert answer.code == 104
    assert "there is no run in" in answer.err
