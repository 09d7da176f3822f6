"""Statements of a profile that follow from the server's answers, driven by the engine."""

import time
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any, Final

import pytest

from perf_pipeline.metrics.sample import Outcome, Sample
from perf_pipeline.workloads.postgres.own_sql import OwnSql
from perf_pipeline_tests.support.loads.driven import LOOPING, driven
from perf_pipeline_tests.support.loads.own_sql import Table, accounts, ask, statements, told
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import IterationsToo

DEBIT = {"name": "debit", "sql": "update accounts set balance = balance - 1 where id = ${vu}"}
LOOK = {"name": "look", "sql": "select balance from accounts where id = ${vu}"}
LONG = {"name": "long", "sql": "select pg_sleep(30)"}
SHORT = {"name": "short", "sql": "select pg_sleep(0.02)"}
SIX: Final = {"executor": "per-vu-iterations", "vus": 2, "iterations": 6}
END = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name = 'perf_pipeline load' and datname = current_database()"
)


@pytest.fixture(scope="module")
def database(postgres_dsn: str) -> Iterator[str]:
    with accounts(postgres_dsn, "test_sql_runs") as own:
        yield own


@pytest.fixture
def dsn(database: str) -> str:
    """Give the database with its ten accounts as they were."""
    ask(database, "update accounts set balance = 100")
    return database


def load(dsn: str, parameters: Table, **how: Any) -> IterationsToo:
    """Run statements six times with each of two VUs."""
    return driven(OwnSql(), parameters, dsn, **{"plan": SIX, **how})


def runs_of(recorder: IterationsToo, vu: int) -> list[list[Sample]]:
    """Give the samples of each iteration of a VU, in order."""
    ours = [sample for sample in recorder.samples if sample.vu == vu]
    return [list(samples) for _, samples in groupby(ours, lambda sample: sample.iteration)]


def test_each_iteration_is_a_transaction_with_a_sample_for_each_request(dsn: str) -> None:
    recorder = load(dsn, statements(DEBIT, LOOK, transaction="pay"))

    for vu in (1, 2):
        runs = runs_of(recorder, vu)
        assert [run[0].iteration for run in runs] == list(range(6))
        for run in runs:
            assert [(sample.operation, sample.protocol, sample.records) for sample in run] == [
                ("pay::begin", "postgres", 0),
                ("pay::debit", "postgres", 1),
                ("pay::look", "postgres", 1),
                ("pay::commit", "postgres", 0),
                ("pay", "postgres_transaction", 1),
            ]
            *requests, whole = run
            assert whole.intended_us == requests[0].intended_us
            assert (whole.started_us, whole.ended_us) == (
                requests[0].started_us,
                requests[-1].ended_us,
            )
            # The number of the VU is one digit, and begin and commit have no values.
            assert [sample.bytes_out for sample in run] == [0, 1, 1, 0, 0]
            for before, after in pairwise(requests):
                assert before.started_us < before.ended_us
                assert before.ended_us == after.intended_us <= after.started_us
        assert ask(dsn, f"select balance from accounts where id = {vu}") == [(94,)]
    assert {sample.outcome for sample in recorder.samples} == {Outcome.OK}
    assert {record.outcome for record in recorder.iterations} == {Outcome.OK}


def test_a_statement_alone_is_one_sample_and_lasts_as_the_server_says(dsn: str) -> None:
    recorder = load(dsn, statements({**SHORT, "expect": {"duration": "1h"}}))

    answered = [sample for sample in recorder.samples if sample.outcome is Outcome.OK]
    took_us = sorted(sample.ended_us - sample.started_us for sample in answered)
    assert len(took_us) == len(recorder.iterations) == 12
    assert took_us[0] >= 20_000
    # What a server adds to its own sleep is far below 5 ms once in many times, on any machine.
    assert took_us[0] < 25_000
    assert {sample.checks_passed for sample in answered} == {1}


def test_unexpected_rows_roll_a_run_back_and_the_next_one_begins_anew(dsn: str) -> None:
    none = {"name": "none", "sql": "delete from accounts where id = 99", "expect": {"rows": 1}}

    recorder = load(dsn, statements(DEBIT, none, LOOK, transaction="pay"))

    runs = runs_of(recorder, 1)
    assert len(runs) == 6
    for run in runs:
        assert told(run) == [
            ("pay::begin", "ok", ""),
            ("pay::debit", "ok", ""),
            ("pay::none", "failed", "rows"),
            ("pay::rollback", "ok", ""),
            ("pay", "failed", "rows"),
        ]
    assert {record.outcome for record in recorder.iterations} == {Outcome.FAILED}
    assert ask(dsn, "select sum(balance) from accounts") == [(1_000,)]


def test_a_refusal_fails_the_checks_of_its_statement_and_ends_its_run(dsn: str) -> None:
    bad = {"name": "bad", "sql": "select 1 / (${vu}::int - 1)", "expect": {"rows": 1}}

    recorder = load(dsn, statements(bad, LOOK))

    # https://www.postgresql.org/docs/current/errcodes-appendix.html: division_by_zero
    assert {tuple(told(run)) for run in runs_of(recorder, 1)} == {(("bad", "failed", "22012"),)}
    assert {(sample.checks_failed, sample.bytes_out) for sample in runs_of(recorder, 1)[0]} == {
        (1, 1)
    }
    assert {tuple(told(run)) for run in runs_of(recorder, 2)} == {
        (("bad", "ok", ""), ("look", "ok", ""))
    }


def test_what_is_cut_off_is_told_and_cancelled_on_the_server(dsn: str) -> None:
    recorder = load(
        dsn, statements(DEBIT, LONG, transaction="pay"), plan=LOOPING, seconds=0.5, grace="0s"
    )

    assert [record.outcome for record in recorder.iterations] == [Outcome.INTERRUPTED] * 2
    for vu in (1, 2):
        (run,) = runs_of(recorder, vu)
        assert told(run) == [
            ("pay::begin", "ok", ""),
            ("pay::debit", "ok", ""),
            ("pay::long", "interrupted", ""),
            ("pay", "interrupted", ""),
        ]
    assert ask(dsn, "select sum(balance) from accounts") == [(1_000,)]
    busy = "select count(*) from pg_stat_activity where query like 'select pg_sleep(30)%'"
    until = time.monotonic() + 10
    while ask(dsn, f"{busy} and state = 'active' and pid <> pg_backend_pid()") != [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_run_whose_connection_ends_fails_and_the_next_ones_have_a_new_one(dsn: str) -> None:
    recorder = load(
        dsn,
        statements(SHORT, transaction="nap"),
        plan=LOOPING,
        seconds=1.2,
        meanwhile=lambda: ask(dsn, END),
    )

    for vu in (1, 2):
        outcomes = [run[-1].outcome for run in runs_of(recorder, vu)]
        assert outcomes.count(Outcome.FAILED) == 1
        at = outcomes.index(Outcome.FAILED)
        assert Outcome.OK in outcomes[:at]
        assert Outcome.OK in outcomes[at:]
    failed = [sample for sample in recorder.samples if sample.outcome is Outcome.FAILED]
    assert {sample.error for sample in failed} <= {"57P01", "closed"}
    assert len(failed) == 4  # a request and a transaction of each
