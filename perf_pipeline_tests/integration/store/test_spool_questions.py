"""A spool is asked as a table of its own, beside other spools that are asked at the same time."""

from pathlib import Path

import pytest

from perf_pipeline.errors import SpoolDamagedError
from perf_pipeline.store.spool_figures import has_rows, spooled
from perf_pipeline_tests.support.histories.spool import Spool, complete, ledger

_COUNT = "select count(*) from spooled"


def test_two_spools_that_are_asked_at_once_are_apart(tmp_path: Path) -> None:
    entries = ledger("a:acknowledged@1 a:completed@2")
    two = Spool("r1", ledger=entries, outcome=complete()).write(tmp_path) / "api"
    one = Spool("r2", ledger=entries[:1], outcome=complete()).write(tmp_path) / "api"

    with spooled(two, "ledger") as first, spooled(one, "ledger") as second:
        found = [connection.execute(_COUNT).fetchone() for connection in (first, second)]

    assert found == [(2,), (1,)]


def test_nothing_of_a_spool_is_left_for_the_next_question(tmp_path: Path) -> None:
    entries = ledger("a:acknowledged@1")
    folder = Spool(ledger=entries, outcome=complete()).write(tmp_path) / "api"
    with spooled(folder, "ledger") as connection:
        assert connection.execute(_COUNT).fetchone() == (1,)

    with spooled(folder, "samples") as connection:
        assert connection.execute(_COUNT).fetchone() == (0,)


def test_a_file_without_a_row_has_none_and_its_head_is_looked_at_all_the_same(
    tmp_path: Path,
) -> None:
    one = ledger("a:acknowledged@1")
    empty = Spool("r1", outcome=complete()).write(tmp_path) / "api"
    filled = Spool("r2", ledger=one, outcome=complete()).write(tmp_path) / "api"

    assert [has_rows(folder, "ledger") for folder in (empty, filled)] == [False, True]

    (empty / "ledger-1-0.csv").write_text("message,what,when\n", encoding="utf-8")
    with pytest.raises(SpoolDamagedError, match="has the columns 'message,what,when'"):
        has_rows(empty, "ledger")
