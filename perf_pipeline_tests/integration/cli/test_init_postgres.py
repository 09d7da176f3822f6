"""`init --postgres` writes what only reads a database: what takes most time, and rows by key."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.loads.own_database import own_database
from perf_pipeline_tests.support.places import new_state

SCHEMA = "lending"
TABLES = f"""
create schema {SCHEMA};
create table {SCHEMA}.books (book_id int primary key, title text, shelf int);
insert into {SCHEMA}.books select n, 'title ' || n, n % 7 from generate_series(1, 5000) n;
create table {SCHEMA}.pg_stat_statements (dbid oid, query text, total_exec_time float8);
create table {SCHEMA}.loans (book_id int, reader int, primary key (book_id, reader));
insert into {SCHEMA}.loans values (1, 1);
"""
# The columns that the extension's view has, in place of the extension, which embedded servers lack.
SEEN = (
    f"SELECT title FROM {SCHEMA}.books\n WHERE shelf = $1 ORDER BY title LIMIT $2",
    f"update {SCHEMA}.books set shelf = $1 where book_id = $2",
    f"select title from {SCHEMA}.books where title like $1",
    f"select {SCHEMA}.borrow($1) from {SCHEMA}.books",
    f"select title from {SCHEMA}.books where book_id = $1 for update",
)


@pytest.fixture
def lending(postgres_dsn: str) -> Iterator[str]:
    """Give the DSN of a database of its own, in which some statements ran."""
    with own_database(postgres_dsn, "lending") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(TABLES)
            for place, query in enumerate(SEEN):
                connection.execute(
                    f"insert into {SCHEMA}.pg_stat_statements select oid, %s, %s from pg_database "
                    "where datname = current_database()",
                    (query, 100.0 - place),
                )
        yield dsn


def test_a_database_becomes_statements_that_only_read(lending: str, tmp_path: Path) -> None:
    command, folder = CommandLine(new_state(tmp_path / "state")), tmp_path / "library"
    short = ("--set", "benchmarks.queries.scenarios.readers.duration=1s", "--set", "workers=1")

    made = command.here("init", str(folder), "--postgres", lending)
    text = (folder / "library.toml").read_text(encoding="utf-8")
    checked = command.here("check", str(folder / "library.toml"), LIBRARY_POSTGRES_DSN=lending)
    ran = command("run", str(folder / "library.toml"), *short, LIBRARY_POSTGRES_DSN=lending)

    readers = tomllib.loads(text)["benchmarks"]["queries"]["scenarios"]["readers"]
    statements = {statement["sql"].strip() for statement in readers["parameters"]["statements"]}
    assert made.code == 0, made.err
    assert (
        f"SELECT title FROM {SCHEMA}.books\n WHERE shelf = ${{data.books_shelf.shelf}} "
        "ORDER BY title LIMIT 10"
    ) in statements
    assert f"select * from {SCHEMA}.books where book_id = ${{data.books_book_id.book_id}}" in (
        statements
    )
    told = " ".join(text.replace("\n#  ", "").split())
    assert f"update {SCHEMA}.books set shelf = $1 where book_id = $2: it may change data" in told
    assert "where title like $1: nobody knows values for all of its parameters" in told
    assert "for update: it may change data" in told
    assert "table loans: it has no key of one column" in told
    assert lending not in text
    password = str(psycopg.conninfo.conninfo_to_dict(lending)["password"])
    assert password not in text + made.out
    assert checked.code == 0, checked.err
    assert ran.code == command.code_of(ran.run_id), ran.err + ran.out
    assert command.value("select count(*) from samples") > 0


def test_names_that_are_words_of_sql_name_columns_and_tables(
    postgres_dsn: str, tmp_path: Path
) -> None:
    """Bare, `user` is whoever is logged in, and each statement would find no row at all."""
    folder = tmp_path / "people"
    with own_database(postgres_dsn, "people") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute('create table "order" ("user" text primary key, "Id" int)')
            connection.execute("insert into \"order\" select 'u' || n from generate_series(1, 9) n")
        made = CommandLine(tmp_path / "state").here("init", str(folder), "--postgres", dsn)
        found = tomllib.loads((folder / "people.toml").read_text(encoding="utf-8"))
        given = found["benchmarks"]["queries"]["scenarios"]["readers"]["parameters"]
        with psycopg.connect(dsn) as connection:
            rows = connection.execute(given["data"]["order_user"]["query"]).fetchall()

    assert made.code == 0, made.err
    assert [statement["sql"].strip() for statement in given["statements"]] == [
        'select * from public."order" where "user" = ${data.order_user.user}'
    ]
    assert sorted(rows) == [(f"u{n}",) for n in range(1, 10)]


def test_each_table_has_its_own_keys_and_an_empty_one_has_none(
    postgres_dsn: str, tmp_path: Path
) -> None:
    """Tenants have the same tables, of which one holds 1 to 9, and the other 11 to 19."""
    folder = tmp_path / "tenants"
    with own_database(postgres_dsn, "tenants") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for name, first in (("a", 1), ("b", 11)):
                connection.execute(f"create schema {name}")
                connection.execute(f"create table {name}.users (id int primary key)")
                connection.execute(
                    f"insert into {name}.users select generate_series({first}, {first} + 8)"
                )
            connection.execute('create table "ä" as select 1 as "ö"')
            connection.execute('alter table "ä" add primary key ("ö")')
            connection.execute("create table nobody (id int primary key)")
        made = CommandLine(tmp_path / "state").here("init", str(folder), "--postgres", dsn)
    text = (folder / "tenants.toml").read_text(encoding="utf-8")
    given = tomllib.loads(text)["benchmarks"]["queries"]["scenarios"]["readers"]["parameters"]

    assert made.code == 0, made.err
    asked = {statement["sql"].strip() for statement in given["statements"]}
    assert asked == {
        "select * from a.users where id = ${data.users_id.id}",
        "select * from b.users where id = ${data.users_id_2.id}",
        'select * from public."ä" where "ö" = ${data.t_.ö}',
    }
    assert "from a.users" in given["data"]["users_id"]["query"]
    assert "from b.users" in given["data"]["users_id_2"]["query"]
    assert "table nobody: it is empty" in text


@pytest.mark.parametrize(
    ("dsn", "code", "told"),
    [
        ("postgresql://u:s3cretword@127.0.0.1:1/x", 97, "PostgreSQL did not answer as it should"),
        ("nonsense s3cretword", 104, "the DSN of --postgres"),
    ],
)
def test_a_database_that_can_t_be_asked_is_told(
    tmp_path: Path, dsn: str, code: int, told: str
) -> None:
    command = CommandLine(new_state(tmp_path / "state"))

    refused = command.here("init", str(tmp_path / "library"), "--postgres", dsn)

    assert refused.code == code, refused.err
    assert told in refused.err
    assert "s3cretword" not in refused.err
    assert not (tmp_path / "library").exists()
