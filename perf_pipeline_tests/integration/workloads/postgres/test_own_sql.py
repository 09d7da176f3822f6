"""Own statements on a real PostgreSQL: what they do, what is counted, and how failures are told."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvloop

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.postgres.own_sql import OwnSql
from perf_pipeline_tests.support.loads.own_sql import Table, accounts, ask, statements, told
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened

DEBIT = {"name": "debit", "sql": "update accounts set balance = balance - 1 where id = ${vu}"}
LOOK = {"name": "look", "sql": "select balance, owner from accounts where id = ${vu}"}
# A loop counts timers in whole milliseconds, from the moment at which its turn began.
EARLY_US = 2_000


@pytest.fixture(scope="module")
def database(postgres_dsn: str) -> Iterator[str]:
    with accounts(postgres_dsn, "test_own_sql") as own:
        yield own


@pytest.fixture
def dsn(database: str) -> str:
    """Give the database with its ten accounts as they were."""
    ask(database, "update accounts set balance = 100")
    ask(database, "delete from accounts where id > 10")
    return database


@asynccontextmanager
async def running(dsn: str, parameters: Table, vus: int = 1) -> AsyncIterator[Bench]:
    secrets = {"postgres_dsn": dsn, "env:OWNER": "Ada"}
    async with opened(OwnSql(), parameters, secrets=secrets, vus=vus) as bench:
        yield bench


def run(dsn: str, parameters: Table, iterations: int = 1, vus: int = 1) -> Bench:
    async def main() -> Bench:
        async with running(dsn, parameters, vus) as bench:
            await bench.iterate(iterations, vus)
            return bench

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


@pytest.mark.parametrize("prepared", [True, False])
def test_a_transaction_is_committed_and_each_of_its_statements_is_counted(
    dsn: str, *, prepared: bool
) -> None:
    credit = {"name": "credit", "sql": "update accounts set balance = balance + 1 where id > 8"}
    both = statements(DEBIT, credit, LOOK, transaction="pay", prepared=prepared)

    bench = run(dsn, both, iterations=3, vus=2)

    # Two VUs with three iterations: 3 from accounts 1 and 2 each, and 6 to 9 and 10.
    balances = ask(dsn, "select balance from accounts order by id")
    assert [balance for (balance,) in balances] == [97, 97, *[100] * 6, 106, 106]
    of_one = [sample for sample in bench.samples if (sample.vu, sample.iteration) == (1, 0)]
    assert [(sample.operation, sample.protocol, sample.records) for sample in of_one] == [
        ("pay::begin", "postgres", 0),
        ("pay::debit", "postgres", 1),
        ("pay::credit", "postgres", 2),
        ("pay::look", "postgres", 1),
        ("pay::commit", "postgres", 0),
        ("pay", "postgres_transaction", 1),
    ]
    begin, *_, commit, whole = of_one
    assert whole.started_us <= begin.started_us
    assert whole.ended_us == commit.ended_us
    assert whole.intended_us == begin.intended_us
    assert {sample.outcome for sample in bench.samples} == {Outcome.OK}


def test_values_are_bound_whatever_they_hold(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("id,who\n11,O'Brien; drop table accounts --\n", "utf-8")
    insert = {
        "name": "insert",
        "sql": "insert into accounts values (${data.new.id}, ${vu}, ${data.new.who}) "
        "returning id, owner",
        "save": {"made": "id"},
        "expect": {"rows": 1},
    }
    change = {
        "name": "change",
        "sql": "update accounts set owner = owner || ${env.OWNER} where id = ${made}",
        "expect": {"rows": 1},
    }
    data = {"new": {"csv": "new.csv"}}

    bench = run(dsn, statements(insert, change, data=data, folder=str(tmp_path)))

    assert told(bench.samples) == [("insert", "ok", ""), ("change", "ok", "")]
    assert [sample.checks_passed for sample in bench.samples] == [0b11, 0b1]
    assert ask(dsn, "select balance, owner from accounts where id = 11") == [
        (1, "O'Brien; drop table accounts --Ada")
    ]


def test_another_number_of_rows_than_expected_fails_and_rolls_back(dsn: str) -> None:
    none = {**DEBIT, "name": "none", "sql": "delete from accounts where id = 99"}
    wrong = statements(DEBIT, {**none, "expect": {"rows": 1}}, LOOK, transaction="pay")

    bench = run(dsn, wrong)

    assert told(bench.samples) == [
        ("pay::begin", "ok", ""),
        ("pay::debit", "ok", ""),
        ("pay::none", "failed", "rows"),
        ("pay::rollback", "ok", ""),
        ("pay", "failed", "rows"),
    ]
    assert ask(dsn, "select balance from accounts where id = 1") == [(100,)]


def test_without_a_row_there_is_no_value_and_the_iteration_ends(dsn: str) -> None:
    look = {"name": "look", "sql": "select id from accounts where id = 99", "save": {"a": "id"}}

    bench = run(dsn, statements(look, {"name": "use", "sql": "select ${a}::int"}))

    assert told(bench.samples) == [("look", "failed", "no_value")]


def test_what_the_server_refuses_is_told_by_its_state_and_in_its_words(dsn: str) -> None:
    twice = {"name": "twice", "sql": "insert into accounts values (1, 1)"}

    bench = run(dsn, statements(twice), iterations=2)

    # https://www.postgresql.org/docs/current/errcodes-appendix.html: unique_violation
    assert told(bench.samples) == [("twice", "failed", "23505")] * 2
    assert set(bench.recorder.notes) == {
        'twice failed: duplicate key value violates unique constraint "accounts_pkey" (23505)'
    }


@pytest.mark.parametrize("retries", [0, 5])
def test_a_serialization_failure_is_counted_and_run_again_as_said(dsn: str, retries: int) -> None:
    read = {"name": "read", "sql": "select sum(balance) from accounts", "thinkTime": "500ms"}
    write = {"name": "write", "sql": "update accounts set balance = balance + 1 where id = 1"}
    both = statements(read, write, transaction="pay", isolation="repeatable read", retries=retries)

    bench = run(dsn, both, vus=2)

    # Both read before one of them writes: the other one's update can't be serialised, so that it
    # begins again, or fails.
    failures = [sample for sample in bench.samples if sample.error == "40001"]
    whole = [sample for sample in bench.samples if sample.operation == "pay"]
    of_attempts = [sample for sample in failures if sample.protocol == "postgres"]
    assert [sample.operation for sample in of_attempts] == ["pay::write"]
    done = 2 if retries else 1
    assert ask(dsn, "select balance from accounts where id = 1") == [(100 + done,)]
    assert sorted(sample.outcome for sample in whole) == (
        [Outcome.OK] * 2 if retries else ["failed", "ok"]
    )
    assert of_attempts[0].outcome is (Outcome.OK if retries else Outcome.FAILED)


def test_a_statement_beyond_its_time_is_cancelled_on_the_server(dsn: str) -> None:
    slow = {"name": "slow", "sql": "select pg_sleep(30)", "timeout": "200ms"}
    running_ones = (
        "select count(*) from pg_stat_activity where datname = current_database() "
        "and state = 'active' and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()"
    )

    bench = run(dsn, statements(slow))

    (sample,) = bench.samples
    assert (sample.outcome, sample.error) == (Outcome.TIMEOUT, "timeout")
    assert 200_000 - EARLY_US <= sample.ended_us - sample.started_us < 5_000_000
    wait_for(dsn, running_ones, 0)


def test_each_statement_has_its_own_time_limit(dsn: str) -> None:
    """A limit that was not reached ends no later statement, and none waits for a longer one."""
    quick = {"name": "quick", "sql": "select 1", "timeout": "300ms"}
    patient = {"name": "patient", "sql": "select pg_sleep(0.6)", "timeout": "20s"}
    hasty = {"name": "hasty", "sql": "select pg_sleep(30)", "timeout": "200ms"}

    bench = run(dsn, statements(quick, patient, hasty))

    assert told(bench.samples) == [
        ("quick", "ok", ""),
        ("patient", "ok", ""),
        ("hasty", "timeout", "timeout"),
    ]
    last = bench.samples[-1]
    assert 200_000 - EARLY_US <= last.ended_us - last.started_us < 5_000_000


def test_a_deadlock_is_counted_and_run_again(dsn: str) -> None:
    """Two VUs update two accounts, each in the other's order."""
    update = "update accounts set balance = balance + 1 where id ="
    first = {"name": "first", "sql": f"{update} ${{vu}}", "thinkTime": "500ms"}
    second = {"name": "second", "sql": f"{update} 3 - ${{vu}}::int"}

    bench = run(dsn, statements(first, second, transaction="pay", retries=5), vus=2)

    # https://www.postgresql.org/docs/current/errcodes-appendix.html: deadlock_detected
    deadlocks = {
        (sample.operation, sample.outcome) for sample in bench.samples if sample.error == "40P01"
    }
    # Once; on a busy machine both may be chosen at once, and meet again.
    assert deadlocks == {("pay::second", Outcome.OK)}
    whole = [sample.outcome for sample in bench.samples if sample.operation == "pay"]
    assert whole == [Outcome.OK] * 2
    assert ask(dsn, "select balance from accounts where id <= 2") == [(102,)] * 2


def wait_for(dsn: str, query: str, value: int) -> None:
    until = time.monotonic() + 10
    while ask(dsn, query) != [(value,)]:
        assert time.monotonic() < until, query
        time.sleep(0.05)


@pytest.mark.parametrize("seen_after_s", [0.0, 0.3])  # when the load looks at its socket
def test_a_connection_that_was_ended_fails_its_statement_and_is_opened_again(
    dsn: str, seen_after_s: float
) -> None:
    async def main() -> Bench:
        async with running(dsn, statements(LOOK)) as bench:
            await bench.iterate(1)
            end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name "
            await asyncio.to_thread(
                ask, dsn, f"{end} = 'perf_pipeline load' and datname = current_database()"
            )
            await asyncio.sleep(seen_after_s)
            await bench.iterate(2)
            return bench

    bench = asyncio.run(main())

    first, second, third = told(bench.samples)
    assert (first, third) == (("look", "ok", ""),) * 2
    assert second[:2] == ("look", "failed")
    assert second[2] in {"57P01", "closed"}  # what it says where it could still say it


def test_what_is_cut_off_is_recorded_and_cancelled(dsn: str) -> None:
    async def main() -> Bench:
        slow = {"name": "slow", "sql": "select pg_sleep(30)"}
        async with running(dsn, statements(DEBIT, slow, transaction="pay")) as bench:
            task = asyncio.ensure_future(bench.iterate(1))
            await asyncio.sleep(0.5)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return bench

    bench = asyncio.run(main())

    assert told(bench.samples)[-2:] == [
        ("pay::slow", "interrupted", ""),
        ("pay", "interrupted", ""),
    ]
    assert ask(dsn, "select balance from accounts where id = 1") == [(100,)]
    wait_for(dsn, "select count(*) from pg_locks where relation = 'accounts'::regclass", 0)


def test_a_statement_larger_than_the_sockets_buffer_is_sent_whole(dsn: str) -> None:
    large = {"name": "large", "sql": "select length('" + "x" * 8_000_000 + "')", "save": {"n": "n"}}
    large["sql"] = f"{large['sql']} as n"

    bench = run(dsn, statements(large, prepared=False, timeout="20s"))

    assert told(bench.samples) == [("large", "ok", "")]


def test_a_table_that_went_meanwhile_is_told_in_the_servers_words(dsn: str) -> None:
    with pytest.raises(TargetUnavailableError, match='refuses: relation "nowhere" does not exist'):
        run(dsn, statements({"name": "gone", "sql": "select * from nowhere"}))
