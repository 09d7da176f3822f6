"""The page on measuring one's own database is executed as it stands, on pgbench's tables."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine, left_running
from perf_pipeline_tests.support.commands.pgbench import run_pgbench
from perf_pipeline_tests.support.loads.workload_bench import scratch_database
from perf_pipeline_tests.support.pages import blocks, commands_on
from perf_pipeline_tests.support.places import new_state

PAGE = "own-database.md"
TEXT = "Do 50 transfers a second go through?"


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Give a database in which pgbench has made its tables."""
    with scratch_database(postgres_dsn, "test_own_database") as own:
        run_pgbench(own, "-i", "-q")
        yield own


@pytest.mark.timeout(120)
def test_the_page_leads_from_a_dsn_to_an_answer_in_ones_own_words(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (profile,), (script,) = blocks(PAGE, "toml"), blocks(PAGE, "sql")
    command = CommandLine(new_state(tmp_path / "state"))
    path = tmp_path / "bank.toml"
    path.write_text(profile, encoding="utf-8")
    (tmp_path / "look.sql").write_text(script, encoding="utf-8")
    monkeypatch.setenv("BANK_DSN", dsn)
    first, *others = commands_on(PAGE, path)

    answer = command(*first)

    assert answer.code == command.code_of(answer.run_id), answer.err + answer.out
    assert TEXT in answer.out
    assert not left_running(command.state)
    for arguments in others:
        told = command.here(*arguments)
        assert told.code == 0, told.err
        assert answer.run_id in told.out
    # Each transfer that was committed took from one account what the others still have.
    operations = dict(
        command.sql(
            "select operation, count(*) from samples where outcome = 'ok' group by operation"
        )
    )
    with psycopg.connect(dsn) as connection:
        touched = connection.execute("select count(*) from pgbench_accounts where abalance < 0")
        assert 0 < touched.fetchone()[0] <= operations["transfer"]  # type: ignore[index]  # a count
    assert operations["transfer::debit"] >= operations["transfer::commit"] >= 50
    assert {"look", "select-only", "look::1 select abalance filler"} <= operations.keys()


def test_wrong_sql_is_told_with_its_line_before_the_load(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (profile,), (script,) = blocks(PAGE, "toml"), blocks(PAGE, "sql")
    path = tmp_path / "bank.toml"
    path.write_text(profile.replace("where aid", "were aid", 1), encoding="utf-8")
    (tmp_path / "look.sql").write_text(script.replace("filler", "filer"), encoding="utf-8")
    monkeypatch.setenv("BANK_DSN", dsn)

    answer = CommandLine(new_state(tmp_path / "state"))("run", str(path))

    assert answer.code == 104, answer.err
    told = " ".join(answer.err.split())
    assert 'PostgreSQL says syntax error at or near "were", in line 2: were aid = $2' in told
    assert 'script look, line 2: PostgreSQL says column "filer" does not exist' in told
    assert "nothing was sent" in told
