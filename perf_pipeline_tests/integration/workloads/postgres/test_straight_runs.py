"""Runs of a script that follow from the server's answers, driven by the engine on a real server."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from perf_pipeline.metrics.catalog import TRANSACTIONS
from perf_pipeline.metrics.sample import IterationRecord, Outcome, Sample
from perf_pipeline.workloads.postgres.own_script import OwnScript
from perf_pipeline_tests.support.loads.driven import driven
from perf_pipeline_tests.support.loads.own_sql import accounts, ask, given
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import IterationsToo

TWO = "\\set n random(1, 10)\nupdate accounts set balance = balance + 1 where id = :n;\nselect 1;\n"
SLOW = "select pg_sleep(0.02);\n"
END = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name = 'perf_pipeline load' and datname = current_database()"
)


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    with accounts(postgres_dsn, "test_straight_runs") as own:
        yield own


def load(dsn: str, folder: Path, script: str, **how: Any) -> IterationsToo:
    """Run a script with two looping VUs."""
    (folder / "s.sql").write_text(script, encoding="utf-8")
    parameters = given("pgbench", {"scripts": ["s.sql"]}, folder=str(folder))
    return driven(OwnScript(), parameters, dsn, **{"seconds": 0.6, **how})


def of_vu(recorder: IterationsToo, vu: int) -> list[tuple[IterationRecord, list[Sample]]]:
    """Give each iteration of a VU with its samples, in order."""
    return [
        (
            record,
            [
                sample
                for sample in recorder.samples
                if (sample.vu, sample.iteration) == (vu, record.iteration)
            ],
        )
        for record in recorder.iterations
        if record.vu == vu
    ]


def test_each_run_is_an_iteration_with_a_sample_for_each_statement(
    dsn: str, tmp_path: Path
) -> None:
    recorder = load(dsn, tmp_path, TWO, seconds=0.4)

    for vu in (1, 2):
        found = of_vu(recorder, vu)
        assert [record.iteration for record, _ in found] == list(range(len(found)))
        for record, samples in found:
            update, select, whole = samples
            assert whole.protocol == TRANSACTIONS
            assert record.outcome is Outcome.OK
            assert {sample.outcome for sample in samples} == {Outcome.OK}
            assert (update.records, select.records, whole.records) == (1, 1, 1)
            assert record.intended_us == update.intended_us == whole.intended_us
            assert record.started_us <= update.started_us == whole.started_us
            assert update.started_us < update.ended_us == select.intended_us <= select.started_us
            assert select.ended_us == whole.ended_us <= record.ended_us
        for (before, _), (after, _) in pairwise(found):
            assert after.intended_us == before.ended_us
    changed = [sample for sample in recorder.samples if "update" in sample.operation]
    sums = ask(dsn, "select sum(balance) from accounts")
    assert len(changed) > 20
    assert sums == [(1_000 + len(changed),)]


def test_a_statement_takes_as_long_as_the_server_says(dsn: str, tmp_path: Path) -> None:
    recorder = load(dsn, tmp_path, SLOW)

    answered = [sample for sample in recorder.samples if sample.outcome is Outcome.OK]
    took_us = sorted(
        sample.ended_us - sample.started_us
        for sample in answered
        if sample.protocol != TRANSACTIONS
    )
    assert len(took_us) > 5
    assert took_us[0] >= 20_000
    # What a server adds to its own sleep is far below 5 ms once in many times, on any machine.
    assert took_us[0] < 25_000


def test_the_last_run_is_cut_off_and_cancelled_on_the_server(dsn: str, tmp_path: Path) -> None:
    recorder = load(dsn, tmp_path, "select 1;\nselect pg_sleep(30);\n", seconds=0.3, grace="0s")

    assert [record.outcome for record in recorder.iterations] == [Outcome.INTERRUPTED] * 2
    told = {(sample.operation.partition(" ")[2], sample.outcome) for sample in recorder.samples}
    assert told == {
        ("select 1", Outcome.OK),
        ("select pg_sleep 30", Outcome.INTERRUPTED),
        ("", Outcome.INTERRUPTED),  # the transaction
    }
    busy = "select count(*) from pg_stat_activity where query like 'select pg_sleep%' and pid <> "
    until = time.monotonic() + 10
    while ask(dsn, f"{busy} pg_backend_pid() and state = 'active'") != [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_run_whose_connection_ends_fails_and_the_next_ones_have_a_new_one(
    dsn: str, tmp_path: Path
) -> None:
    recorder = load(dsn, tmp_path, SLOW, seconds=1.2, meanwhile=lambda: ask(dsn, END))

    for vu in (1, 2):
        outcomes = [record.outcome for record, _ in of_vu(recorder, vu)]
        assert outcomes.count(Outcome.FAILED) == 1
        at = outcomes.index(Outcome.FAILED)
        assert Outcome.OK in outcomes[:at]
        assert Outcome.OK in outcomes[at:]
    failed = [sample for sample in recorder.samples if sample.outcome is Outcome.FAILED]
    assert {sample.error for sample in failed} <= {"57P01", "closed"}
    assert len(failed) == 4  # a statement and a transaction of each


def test_an_expression_without_a_value_fails_its_run_with_the_line(
    dsn: str, tmp_path: Path
) -> None:
    recorder = load(dsn, tmp_path, "\\set n 0\nselect 1;\n\\set m 1 / :n\nselect 2;\n", seconds=0.1)

    assert recorder.notes[0] == "s line 3: division by zero"
    assert {record.outcome for record in recorder.iterations} == {Outcome.FAILED}
    whole = [sample for sample in recorder.samples if sample.protocol == TRANSACTIONS]
    assert {(sample.outcome, sample.error) for sample in whole} == {(Outcome.FAILED, "expression")}


def test_a_script_that_leaves_its_transaction_open_is_a_failure(dsn: str, tmp_path: Path) -> None:
    recorder = load(dsn, tmp_path, "begin;\nselect 1;\n", seconds=0.1)

    whole = [sample for sample in recorder.samples if sample.protocol == TRANSACTIONS]
    assert {(sample.outcome, sample.error) for sample in whole} == {
        (Outcome.FAILED, "open_transaction")
    }
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select count(*) from accounts").fetchone() == (10,)
