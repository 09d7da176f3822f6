"""Seeding against a real PostgreSQL: exact, repeatable, and it touches only its own rows."""

from collections.abc import Callable, Iterator
from itertools import chain

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perf_pipeline.errors import StoppedByUserError, TargetUnavailableError
from perf_pipeline.workloads.postgres import seeding
from perf_pipeline.workloads.postgres.seeding import (
    BIRTHDAY_INDEX,
    clean,
    drop_birthday_index,
    ensure_birthday_index,
    seed,
    split_ids,
)
from perf_pipeline_tests.support.loads.workload_bench import scratch_database

FOREIGN = (
    "insert into users (first_name, last_name, email, birthday_date, timezone) "
    "values ('Ada', 'Byron', %s, '1980-05-17', 'Europe/London')"
)


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Give a database of its own with the reference system's tables."""
    with scratch_database(postgres_dsn, "test_seeding") as own:
        yield own


def ask(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_seeding_loads_exactly_the_people_asked_for(dsn: str) -> None:
    seeded = seed(dsn, seed=1, run="r1", count=500)

    assert (seeded.inserted, len(seeded.ids)) == (500, 500)
    assert seeded.rows_per_s > 0
    assert ask(dsn, "select count(*), count(distinct email) from users") == [(500, 500)]
    assert ask(dsn, "select count(*) from users where deleted_at is not null") == [(0,)]


def test_ids_come_in_the_order_of_their_emails(dsn: str) -> None:
    seeded = seed(dsn, seed=1, run="r1", count=30)

    rows = ask(dsn, "select id::text, email from users")
    assert list(seeded.ids) == [row[0] for row in sorted(rows, key=lambda row: str(row[1]))]


def test_seeding_the_same_run_again_keeps_the_same_users_and_ids(dsn: str) -> None:
    first = seed(dsn, seed=1, run="r1", count=50)
    second = seed(dsn, seed=1, run="r1", count=50)

    assert second.ids == first.ids
    assert (second.inserted, second.rows_per_s) == (0, 0.0)


def test_a_used_data_set_is_replaced_by_the_same_people(dsn: str) -> None:
    people = "select first_name, last_name, email, birthday_date, timezone from users order by 3"
    seed(dsn, seed=1, run="r1", count=50)
    fresh = ask(dsn, people)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update users set timezone = 'UTC', updated_at = now() + interval '1 s' where id < 9"
        )
        connection.execute("update users set deleted_at = now() where id between 20 and 30")

    again = seed(dsn, seed=1, run="r1", count=50)

    assert again.inserted == 50
    assert ask(dsn, people) == fresh


@pytest.mark.parametrize("question", [1, 3, 5, 6], ids="question {}".format)
def test_seeding_that_is_stopped_leaves_none_of_its_rows(dsn: str, question: int) -> None:
    """3,000 users are asked for 3 times while they are made, and 3 times while they are copied."""
    asked = iter(range(1, 7))

    with pytest.raises(StoppedByUserError, match="stopped during seeding, before any load"):
        seed(dsn, seed=1, run="r1", count=3_000, is_over=lambda: next(asked) == question)

    assert ask(dsn, "select count(*) from users") == [(0,)]
    assert seed(dsn, seed=1, run="r1", count=3_000).inserted == 3_000


def test_another_run_gets_users_of_its_own(dsn: str) -> None:
    first = seed(dsn, seed=1, run="r1", count=20)
    second = seed(dsn, seed=1, run="r2", count=20)

    assert not set(first.ids) & set(second.ids)


def test_clean_removes_every_run_and_leaves_foreign_rows(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "CLEAN_BATCH_ROWS", 7)  # 60 rows: nine pages
    seed(dsn, seed=1, run="aborted", count=40)
    seed(dsn, seed=1, run="r1", count=20)
    foreign = ["ada@example.com", "a@perf-pipeline.invalid.example.com", "perf-pipeline.invalid"]
    with psycopg.connect(dsn) as connection:
        for email in foreign:
            connection.execute(FOREIGN, (email,))

    assert clean(dsn) == 60
    assert clean(dsn) == 0
    assert {row[0] for row in ask(dsn, "select email from users")} == set(foreign)


def test_split_ids_deals_disjoint_sets_that_the_seed_decides() -> None:
    ids = [str(number) for number in range(1_000)]
    shares = {"reads": 0.5, "deletes": 200, "updates": 0.3}

    sets = split_ids(ids, shares, seed=7)

    assert {name: len(dealt) for name, dealt in sets.items()} == {
        "reads": 500,
        "deletes": 200,
        "updates": 300,
    }
    assert sorted(chain.from_iterable(sets.values())) == sorted(ids)
    assert split_ids(ids, shares, seed=7) == sets
    assert split_ids(ids, shares, seed=8) != sets


@pytest.mark.parametrize("shares", [{"a": 6, "b": 0.5}, {"a": -1}], ids=["too many", "negative"])
def test_split_ids_refuses_shares_that_do_not_fit(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"there are only 10 ids to share out"):
        split_ids(range(10), shares, seed=1)


def test_the_birthday_index_is_made_once_used_and_dropped(dsn: str) -> None:
    seed(dsn, seed=1, run="r1", count=5_000)

    assert ensure_birthday_index(dsn)
    assert not ensure_birthday_index(dsn)
    plan = ask(
        dsn,
        "explain select id from users where extract(month from birthday_date) = 5::int "
        "and extract(day from birthday_date) = 17::int and deleted_at is null limit 100",
    )
    assert BIRTHDAY_INDEX in str(plan)

    assert drop_birthday_index(dsn) == ""
    assert not ask(dsn, f"select 1 from pg_indexes where indexname = '{BIRTHDAY_INDEX}'")


def test_an_equal_index_of_somebody_else_is_left_alone(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "create index theirs on users ((extract(day from birthday_date)), "
            "(extract(month from birthday_date)), id) where deleted_at is null"
        )

    assert not ensure_birthday_index(dsn)
    assert drop_birthday_index(dsn) == "theirs"
    assert ask(dsn, "select 1 from pg_indexes where indexname = 'theirs'") == [(1,)]


def test_another_index_on_birthdays_does_not_count(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "create index gone on users ((extract(month from birthday_date)), "
            "(extract(day from birthday_date))) where deleted_at is not null"
        )

    assert ensure_birthday_index(dsn)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(TargetUnavailableError) as caught:
        call()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_a_wrong_password_is_told_without_the_password(postgres_dsn: str) -> None:
    said = refused(lambda: clean(make_conninfo(postgres_dsn, password="hunter2-secret")))

    assert "password authentication failed" in said
    assert "127.0.0.1" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:hunter2@secret@127.0.0.1:1/db",
        "postgresql://u:hunter2@127.0.0.1:noport/db",
        "host=127.0.0.1 password=hunter2 secret",
        "hunter2",
    ],
    ids=["unescaped @", "port", "space", "no DSN"],
)
def test_an_unreadable_dsn_is_never_quoted(dsn: str) -> None:
    said = refused(lambda: clean(dsn))

    assert "hunter2" not in said
    assert "secret" not in said


def test_a_server_that_is_down_is_named() -> None:
    said = refused(lambda: seed("postgresql://u:hunter2@127.0.0.1:1/db", seed=1, run="r", count=1))

    assert "PostgreSQL at u@127.0.0.1:1/db can't be used" in said
    assert "refused" in said
    assert "hunter2" not in said


def test_a_missing_table_is_named(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("drop table users cascade")

    assert "has no table `users`" in refused(lambda: seed(dsn, seed=1, run="r1", count=1))


def test_a_missing_privilege_is_named(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("drop role if exists reader_of_users")
        connection.execute("create role reader_of_users login password 'hunter2'")
        connection.execute("grant select on users to reader_of_users")

    own = make_conninfo(dsn, user="reader_of_users", password="hunter2")
    try:
        said = refused(lambda: seed(own, seed=1, run="r1", count=1))
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("drop owned by reader_of_users")
            connection.execute("drop role reader_of_users")

    assert "permission denied for table users" in said
    assert "grant the role select, insert, update and delete" in said
