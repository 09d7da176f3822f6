"""Ledgers: what is taken over from an earlier benchmark, and when a loss may be called one."""

import csv
from collections.abc import Iterable
from dataclasses import astuple
from itertools import chain, repeat
from pathlib import Path

import psycopg
import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.engine import wall_clock
from perf_pipeline.loading.deliveries import (
    NO_TABLE,
    clock_set_told,
    still_consuming,
    take_over_backlog,
)
from perf_pipeline.loading.ledgers import completed_ledger
from perf_pipeline.metrics.sample import (
    LEDGER_COLUMNS,
    SAMPLE_COLUMNS,
    LedgerEntry,
    LedgerEvent,
    Outcome,
    Phase,
    Sample,
)
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.spool_figures import (
    backlog_from_spool,
    ledger_counts_from_spool,
    out_of_time_from_spool,
    span_figures,
)
from perf_pipeline_tests.support.histories.spool import Spool, ledger
from perf_pipeline_tests.support.loads.own_database import own_database
from perf_pipeline_tests.support.loads.sessions import session_with

SECOND = 1_000_000
TABLES = """
create table users (id bigint primary key, email text not null);
create table message_deliveries (user_id bigint, attempts integer, completed_at timestamptz);
"""
WINDOW = ScenarioCounts("consume", 2, 0, 0, 0, 0, 10 * SECOND)


def write_ledger(path: Path, entries: Iterable[LedgerEntry]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(LEDGER_COLUMNS)
        writer.writerows(astuple(entry) for entry in entries)


def consumed(folder: Path, *, last_ended_us: int, missing: bool) -> None:
    """Write a consumer that took m1, and m2 unless it is missing; both were promised."""
    sample = Sample(
        *("consume", "kafka", 1, 0, "consume", Phase.MEASURED),
        *(SECOND, SECOND, last_ended_us, Outcome.OK),
    )
    with (folder / "samples-1-0.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SAMPLE_COLUMNS)
        writer.writerow(astuple(sample))
    done = [LedgerEntry("m1", LedgerEvent.COMPLETED, last_ended_us)]
    done += [] if missing else [LedgerEntry("m2", LedgerEvent.COMPLETED, last_ended_us)]
    promised = [LedgerEntry(name, LedgerEvent.ACKNOWLEDGED, 0) for name in ("m1", "m2")]
    write_ledger(folder / "ledger-1-0.csv", [*promised, *done])


@pytest.mark.parametrize(("set_by_ms", "told_of"), [(-300.0, True), (51.0, True), (20.0, False)])
def test_a_wall_clock_that_was_set_while_deliveries_were_awaited_is_told(
    set_by_ms: float, told_of: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double is the wall clock: setting the machine's own would hit everybody else on it."""
    offsets_ms = iter([1_000.0, 1_000.0 + set_by_ms])
    monkeypatch.setattr(wall_clock, "wall_clock_offset_ms", lambda: next(offsets_ms))

    sentences = list(clock_set_told(wall_clock.WallClockWatch()))

    assert [f"was set by {set_by_ms:+.0f} ms between" in sentence for sentence in sentences] == (
        [True] if told_of else []
    )


def impatient() -> Profile:
    """Give a profile whose end_to_end waits for half a second for a delivery."""
    full = load_profile("full")
    quick = full.benchmarks["end_to_end"].model_copy(update={"drain_timeout_us": SECOND // 2})
    return full.model_copy(update={"benchmarks": {**full.benchmarks, "end_to_end": quick}})


@pytest.mark.parametrize(("tables", "told_of"), [(TABLES, True), ("", False)])
def test_a_wall_clock_set_and_set_back_in_the_drain_is_told_where_deliveries_are_read(
    tables: str,
    told_of: bool,
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offsets_ms = chain([1_000.0, 1_000.0, 1_300.0], repeat(1_000.0))
    monkeypatch.setattr(wall_clock, "wall_clock_offset_ms", lambda: next(offsets_ms))
    clock = wall_clock.WallClockWatch()
    folder = Spool(ledger=ledger("1:acknowledged@1")).write(tmp_path) / "api"
    with own_database(postgres_dsn, "clock") as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute(tables)
        target = resolve_target("local", TargetConfig(), {"PERF_POSTGRES_DSN": dsn})
        session = session_with(impatient(), target)
        found = completed_ledger(session, "end_to_end", folder, 0, (), (), clock=clock)

    assert [("was set by +300 ms" in limit) for limit in found.limits] == [True] * told_of
    assert (found.problems == (NO_TABLE,)) is not told_of


def told(folder: Path) -> str | None:
    return still_consuming(ledger_counts_from_spool(folder), span_figures(folder), [WINDOW])


def test_only_promised_messages_are_taken_over_and_they_are_the_backlog(tmp_path: Path) -> None:
    produced, folder = tmp_path / "queue_produce", tmp_path / "queue_consume"
    produced.mkdir()
    folder.mkdir()
    write_ledger(
        produced / "ledger-1-0.csv",
        [
            LedgerEntry("m1", LedgerEvent.INTENDED, 5),
            LedgerEntry("m1", LedgerEvent.ACKNOWLEDGED, 9),
            LedgerEntry("m2", LedgerEvent.INTENDED, 7),  # never confirmed: nobody promised it
            LedgerEntry("m3", LedgerEvent.ACKNOWLEDGED, 8),
        ],
    )
    write_ledger(folder / "ledger-1-0.csv", [LedgerEntry("m1", LedgerEvent.COMPLETED, 2 * SECOND)])

    taken = take_over_backlog(produced, folder)
    backlog, counts = backlog_from_spool(folder), ledger_counts_from_spool(folder)

    assert taken == 2
    assert (backlog.messages, backlog.left, backlog.done_us) == (2, 1, 2 * SECOND)
    assert (counts.expected, counts.lost) == (2, 1)


def test_nothing_is_taken_over_where_nothing_was_produced(tmp_path: Path) -> None:
    folder = tmp_path / "queue_consume"
    folder.mkdir()

    assert take_over_backlog(tmp_path / "queue_produce", folder) == 0
    assert backlog_from_spool(folder).messages == 0


def test_a_consumer_that_was_busy_to_the_end_has_lost_nothing_yet(tmp_path: Path) -> None:
    consumed(tmp_path, last_ended_us=int(9.9 * SECOND), missing=True)

    problem = told(tmp_path)

    assert problem is not None
    assert "1 messages had not been consumed when the consumer's time was over" in problem
    assert "give consume a longer duration or more VUs" in problem


def test_what_an_idle_consumer_never_got_is_lost(tmp_path: Path) -> None:
    consumed(tmp_path, last_ended_us=3 * SECOND, missing=True)

    assert told(tmp_path) is None
    assert ledger_counts_from_spool(tmp_path).lost == 1


def test_a_busy_consumer_that_got_everything_has_no_problem(tmp_path: Path) -> None:
    consumed(tmp_path, last_ended_us=int(9.9 * SECOND), missing=False)

    assert told(tmp_path) is None


def test_completions_before_their_request_and_in_the_future_are_found(tmp_path: Path) -> None:
    """Read at 10 s, with a slack of 50 ms; a1 to a3 are possible, b1 to b3 are not."""
    completed_s = {"a1": 2.0, "a2": 0.96, "a3": 10.04, "b1": 0.94, "b2": -7_200.0, "b3": 10.06}
    entries = [LedgerEntry("c", LedgerEvent.STARTED, 0), LedgerEntry("d", LedgerEvent.COMPLETED, 0)]
    for name, at_s in completed_s.items():
        entries.append(LedgerEntry(name, LedgerEvent.INTENDED, 0))
        entries.append(LedgerEntry(name, LedgerEvent.STARTED, SECOND))
        entries.append(LedgerEntry(name, LedgerEvent.COMPLETED, round(at_s * SECOND)))
    write_ledger(tmp_path / "ledger-1-0.csv", entries)

    found = out_of_time_from_spool(tmp_path, 10 * SECOND, 50_000)

    assert (found.messages, found.early, found.late) == (6, 2, 1)
    assert found.most_us == 7_201 * SECOND
