"""What PostgreSQL's time goes into is what was done on purpose, on a real server."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from perf_pipeline.metrics.cost import Cost
from perf_pipeline.probes.postgres_costs import PostgresCosts
from perf_pipeline_tests.support.loads.own_database import own_database

HELD_S = 1.0
WAITING = 3


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Give a database of its own with one row that many want to change."""
    with own_database(postgres_dsn, "test_costs") as own:
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute("create table accounts (id int primary key, n int)")
            connection.execute("insert into accounts values (1, 0)")
        yield own


def install_statements(dsn: str) -> None:
    """Install pg_stat_statements, where this server has been started with it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        preloaded = connection.execute("show shared_preload_libraries").fetchone()
        if preloaded is None or "pg_stat_statements" not in preloaded[0]:
            pytest.skip(
                "this PostgreSQL's package has no pg_stat_statements; give one with --postgres-dsn"
            )
        connection.execute("create extension if not exists pg_stat_statements")


def contend(dsn: str) -> None:
    """Hold a row for a second while three sessions wait to change it."""

    def change() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("update accounts set n = n + 1 where id = %s", [1])

    with ExitStack() as stack:
        holder = stack.enter_context(psycopg.connect(dsn))
        holder.execute("select n from accounts where id = 1 for update")
        threads = [threading.Thread(target=change) for _ in range(WAITING)]
        for thread in threads:
            thread.start()
        time.sleep(HELD_S)
        holder.rollback()
        for thread in threads:
            thread.join()


def seen(costs: list[Cost], kind: str) -> dict[str, float]:
    return {cost.name: cost.value for cost in costs if cost.kind == kind}


@pytest.mark.parametrize("has_statements", [True, False])
def test_sessions_that_wait_for_a_lock_show_as_that_and_with_their_statement(
    dsn: str, has_statements: bool
) -> None:
    if has_statements:
        install_statements(dsn)
    watch = PostgresCosts(dsn)

    watch.start()
    contend(dsn)
    watch.stop()

    costs = watch.costs()
    assert watch.problems == []
    locked = sum(s for name, s in seen(costs, "wait").items() if name.startswith("Lock: "))
    # Three sessions wait for a second each; a look is a tenth of a second, connecting takes some.
    assert 1.5 * HELD_S < locked < 2 * WAITING * HELD_S
    update = "update accounts set n = n + ? where id = ?"
    (waited,) = [cost for cost in costs if cost.name == update]
    assert 1.5 * HELD_S < waited.value < 2 * WAITING * HELD_S
    assert waited.calls == (WAITING if has_statements else 0)
    assert max(seen(costs, "statement"), key=seen(costs, "statement").__getitem__) == update


def test_a_database_that_is_not_there_is_told_and_ends_nothing() -> None:
    watch = PostgresCosts("host=127.0.0.1 port=1 user=u password=hush dbname=d")

    watch.start()
    time.sleep(0.2)
    watch.stop()

    assert watch.costs() == []
    (problem,) = watch.problems
    assert problem.startswith("what the database's time went into is not known: ")
    assert "hush" not in problem


def test_what_is_done_between_two_loads_is_not_theirs(dsn: str) -> None:
    watch = PostgresCosts(dsn)
    watch.start()
    time.sleep(0.3)
    watch.stop()

    contend(dsn)
    watch.start()
    time.sleep(0.3)
    watch.stop()

    assert not [cost for cost in watch.costs() if "accounts" in cost.name]
