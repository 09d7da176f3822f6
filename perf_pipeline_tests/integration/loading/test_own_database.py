"""What own statements need of a real PostgreSQL before the load, and how it is told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.errors import ExitCode, ProfileError, TargetUnavailableError
from perf_pipeline.loading.needs import unmet_of
from perf_pipeline.loading.own_database import fetch_rows, query_files, require_statements
from perf_pipeline.loading.session import Session
from perf_pipeline_tests.support.loads.own_sql import accounts
from perf_pipeline_tests.support.loads.sessions import session_with

PROFILE = """name = "p"
[benchmarks.b.scenarios.s]
exec = "sql"
executor = "constant-vus"
duration = "1s"
parameters.data = {{ some = {{ query = "{query}" }} }}
parameters.statements = [{{ name = "look", sql = "{sql}", save = {{ left = "{save}" }} }}]
"""
QUERY = "select id, owner from accounts order by id"
SQL = "select balance from accounts where id = ${data.some.id}"


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> Iterator[str]:
    with accounts(postgres_dsn, "test_own_database") as own:
        yield own


def session(
    dsn: str, folder: Path, *, query: str = QUERY, sql: str = SQL, save: str = "balance"
) -> Session:
    path = folder / "p.toml"
    path.write_text(PROFILE.format(query=query, sql=sql, save=save), encoding="utf-8")
    target = resolve_target("local", TargetConfig(), {"PERF_POSTGRES_DSN": dsn})
    made = replace(session_with(load_profile(str(path)), target, folder), planned=("b",))
    made.folder.mkdir(parents=True)
    return made


def test_statements_and_queries_that_fit_pass_and_rows_are_written_as_text(
    dsn: str, tmp_path: Path
) -> None:
    made = session(dsn, tmp_path)

    require_statements(made, "b")
    fetch_rows(made, "b")

    lines = query_files(made, "b", "s")["some"].read_text("utf-8").splitlines()
    assert lines[:3] == ["id,owner", "1,owner 1", "2,owner 2"]
    assert len(lines) == 11


@pytest.mark.parametrize(
    ("sql", "save", "told"),
    [
        ("select balance form accounts where id = ${vu}", "balance", "syntax error at or near"),
        ("select balanse from accounts", "balanse", 'column "balanse" does not exist'),
        (SQL, "left", "has no column 'left'; its columns are balance"),
        ("select 'x'::int as balance", "balance", "invalid input syntax for type integer"),
    ],
)
def test_wrong_sql_is_told_with_its_place_and_the_servers_words(
    dsn: str, tmp_path: Path, sql: str, save: str, told: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        unmet_of(session(dsn, tmp_path, sql=sql, save=save))

    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
    (problem,) = caught.value.problems
    assert problem.startswith("benchmarks.b.scenarios.s.parameters.statements[0].sql: ")
    assert told in problem


def test_a_table_that_the_target_lacks_makes_its_benchmark_unmet(dsn: str, tmp_path: Path) -> None:
    made = session(dsn, tmp_path, sql="select balance from nowhere")

    with pytest.raises(TargetUnavailableError, match='relation "nowhere" does not exist') as caught:
        unmet_of(made)

    assert "the target's migrations" in caught.value.hint


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select id from accounts where false", "its query gives no rows"),
        ("select null as id", "column 'id' of row 1 is null"),
        ("delete from accounts returning id", "cannot execute DELETE in a read-only transaction"),
    ],
)
def test_a_query_that_gives_no_test_data_is_told(
    dsn: str, tmp_path: Path, query: str, told: str
) -> None:
    with pytest.raises(TargetUnavailableError, match=told):
        fetch_rows(session(dsn, tmp_path, query=query), "b")
