"""Rows of the history that are not those that were written: refused, with their numbers."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
import pytest

from perf_pipeline.errors import StoreError
from perf_pipeline.judging.ahead import MOST_POINTS, read_ahead
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.store.history import History, memory_history, open_history
from perf_pipeline.store.ingest import KEYED_TABLES
from perf_pipeline.store.proof import RowProof, seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.sample_tables import delete_samples
from perf_pipeline.store.series import SeriesName
from perf_pipeline_tests.support.histories.spool import KEY, Spool, complete, counts, sample

# Of each type a value, and one that differs from it by as little as can be.
VALUES: Final = {
    "VARCHAR": ("'one'", "'onf'"),
    "BIGINT": ("1", "0"),
    "INTEGER": ("1", "0"),
    "DOUBLE": ("1.5e0", "1.5000000000000002e0"),
    "BOOLEAN": ("true", "false"),
    "TIMESTAMP": ("timestamp '2026-11-01'", "timestamp '2026-11-01 00:00:00.000001'"),
    "VARCHAR[]": ("['one']", "['one', '']"),
    "INTEGER[]": ("[1]", "[2]"),
    "BIGINT[]": ("[1]", "[2]"),
    "MAP(VARCHAR, DOUBLE)": ("map {'lag': 1.5e0}", "map {'lag': 1.25e0}"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a history of two runs of like numbers of rows, one of which failed."""
    folder = tmp_path_factory.mktemp("proof")
    with open_history(folder / "history.duckdb") as history:
        for run_id, outcome in (("r1", Outcome.FAILED), ("r2", Outcome.OK)):
            many = [
                sample(1 + n % 7, outcome=outcome, started_us=1_000_000 + n * 500, iteration=n)
                for n in range(2_000)
            ]
            run = Spool(run_id=run_id, samples=many, outcome=complete(counts(iterations=2_000)))
            history.ingest(run.write(folder / "spool"), KEY.benchmark)
            history.summarise(RunKey(run_id, KEY.benchmark))
    return folder


def p95(history: History, limit: int = 30) -> list[str]:
    """Read a series over all runs; give the runs that it has."""
    row = history.connection.execute(
        "select environment_id, load_hash from runs join benchmarks using (run_id) "
        "where run_id = 'r2'"
    ).fetchone()
    assert row is not None
    name = SeriesName("api", row[1], "http_req_duration", "", "p(95)")
    found = history.series([name], profile="quick", environment_id=row[0], limit=limit)
    return [point.run_id for point in found[name].whole]


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """Give a copy of the history that a test may damage."""
    return Path(shutil.copyfile(made / "history.duckdb", tmp_path / "history.duckdb"))


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with open_history(path) as opened:
        yield opened


def test_rows_as_they_were_written_are_proven(history: History) -> None:
    assert [outcome.benchmark for outcome in history.outcomes("r1")] == [KEY.benchmark]
    assert history.summaries("r1")
    assert p95(history) == ["r1", "r2"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "update sample_rows set ended_us = ended_us + 1 where iteration = 7",
            "table sample_rows has of api in run r1 2,000 rows, and others than were written",
        ),
        (
            "delete from sample_rows where iteration >= 10",
            "table sample_rows has of api in run r1 10 rows, and 2,000 were written",
        ),
        (
            "update sample_rows set kind = (select max(kind) from sample_kinds)",
            "table sample_rows has of api in run r1 2,000 rows, and others than were written",
        ),
        (
            "update sample_kinds set run_id = 'r3' where run_id = 'r1'",
            "table sample_kinds has of api in run r1 0 rows, and 1 were written",
        ),
        (
            "update sample_kinds set outcome = 'ok' where run_id = 'r1'",
            "table sample_kinds has of api in run r1 1 rows, and others than were written",
        ),
        ("update benchmarks set valid = false", "table benchmarks has of api in run r1 1 rows"),
        ("update scenarios set iterations = 1", "table scenarios has of api in run r1 1 rows"),
        (
            "update summaries set p95 = p95 / 2 where p95 > 0",
            "table summaries has of api in run r1",
        ),
    ],
)
def test_rows_that_changed_are_refused_with_their_table_and_number(
    path: Path, statement: str, told: str
) -> None:
    with open_history(path) as history:
        history.connection.execute(statement)

    with open_history(path) as history, pytest.raises(StoreError, match="overwritten") as caught:
        history.outcomes("r1")

    assert told in caught.value.sentence


def test_what_a_comparison_reads_is_proven_ahead_and_not_once_more(path: Path) -> None:
    with open_history(path) as history:
        read_ahead(history, "r2")
        # Nobody else can change the open history; a second proof would find this.
        history.connection.execute("update summaries set rate = 1 where metric = 'http_req_failed'")

        assert p95(history, MOST_POINTS) == ["r1", "r2"]

    with open_history(path) as history, pytest.raises(StoreError, match="table summaries has"):
        read_ahead(history, "r2")


def test_the_rows_of_a_like_run_are_proven_ahead(path: Path) -> None:
    with open_history(path) as history:
        history.connection.execute(
            "update summaries set p95 = p95 / 2 where p95 > 0 and run_id = 'r1'"
        )

    with open_history(path) as history, pytest.raises(StoreError, match="of api in run r1"):
        read_ahead(history, "r2")


@pytest.fixture(scope="module")
def cells() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a history with one made-up row in each table of results, sealed."""
    with memory_history() as made:
        made.connection.execute("set threads = 1")  # as for a small file
        for table in KEYED_TABLES:
            kinds = made.connection.execute(f"select column_type from (describe {table})")
            values = ", ".join(VALUES[kind][0] for (kind,) in kinds.fetchall())
            made.connection.execute(f"insert into {table} values ({values})")
        seal(made.connection, [RunKey("one", "one")], KEYED_TABLES)
        yield made.connection


@pytest.mark.parametrize("table", KEYED_TABLES)
def test_any_cell_that_changed_is_found_in_any_table(
    cells: duckdb.DuckDBPyConnection, table: str
) -> None:
    columns = cells.execute(
        f'select column_name, column_type, "null" from (describe {table})'
    ).fetchall()
    changes = [f"{name} = {VALUES[kind][1]}" for name, kind, _ in columns]
    changes += [f"{name} = null" for name, _, may_be_null in columns if may_be_null == "YES"]
    RowProof(cells).require_rows(["one"], table)

    for change in changes:
        cells.begin()
        cells.execute(f"update {table} set {change}")
        with pytest.raises(StoreError, match=f"table {table} has of one in run one"):
            RowProof(cells).require_rows(["one"], table)
        cells.rollback()


@pytest.mark.parametrize("table", KEYED_TABLES)
def test_a_lost_row_is_found_whoever_asks(cells: duckdb.DuckDBPyConnection, table: str) -> None:
    told = f"table {table} has of one in run one 0 rows, and 1 were written"
    cells.begin()
    cells.execute(f"delete from {table}")
    with pytest.raises(StoreError, match=told):
        RowProof(cells).require_run("one")
    with pytest.raises(StoreError, match=told):
        RowProof(cells).require_table(table)
    with pytest.raises(StoreError, match=told):
        RowProof(cells).require_rows(["none", "one"], *KEYED_TABLES)
    cells.rollback()


def test_a_changed_run_is_no_reason_to_refuse_another(path: Path) -> None:
    with open_history(path) as history:
        delete_samples(history.connection, "run_id = 'r1'", {})
        assert history.outcomes("r2")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update summaries set p95 = 1", "table summaries"),
        ("update benchmarks set load_hash = 'other'", "table benchmarks"),
        ("update benchmarks set status = 'stopped'", "table benchmarks"),
        ("delete from scenarios", "in run r1 0 rows"),
        ("delete from summaries", "in run r1 0 rows"),
    ],
    ids=["another figure", "unlike", "not complete", "no scenario", "no figure"],
)
def test_a_damaged_run_is_neither_read_by_a_series_nor_passed_over(
    path: Path, change: str, told: str
) -> None:
    with open_history(path) as history:
        history.connection.execute(f"{change} where run_id = 'r1'")
    with open_history(path) as history, pytest.raises(StoreError, match=told):
        p95(history)


def test_only_runs_that_a_series_reads_are_proven(path: Path, made: Path) -> None:
    # Asked for 1 point, it reads the 2 newest like runs: r2 and r3, and not r1.
    with open_history(path) as history:
        run = Spool(run_id="r3", samples=[sample(3)], outcome=complete(counts(iterations=1)))
        history.ingest(run.write(made / "spool"), KEY.benchmark)
        history.summarise(RunKey("r3", KEY.benchmark))
        history.connection.execute("update summaries set p95 = 1 where run_id = 'r1'")
    with open_history(path) as history:
        assert p95(history, limit=1) == ["r3"]
        with pytest.raises(StoreError, match="in run r1"):
            p95(history, limit=2)


def test_rows_that_a_copied_block_adds_are_found_by_who_reads_that_far(tmp_path: Path) -> None:
    # Three row groups, of DuckDB's 122,880 rows, with a run in each row: a000000, ... c122879.
    path = tmp_path / "history.duckdb"
    with open_history(path) as history:
        history.connection.execute(
            "insert into figures (run_id, benchmark, position, name, value, scenario, operation) "
            "select chr(97 + (n // 122880)::int) || lpad((n % 122880)::varchar, 6, '0'), 'api', 1, "
            "'x', 1, '', '' from range(3 * 122880) as numbers(n)"
        )
        ends = [RunKey("a000000", "api"), RunKey("c000000", "api")]
        seal(history.connection, ends, ["figures"])
        history.connection.execute("checkpoint")
        blocks = history.connection.execute(
            "select list(block_id order by segment_id) from pragma_storage_info('figures') "
            "where column_name = 'run_id' and segment_type = 'VARCHAR' "
            "group by row_group_id order by row_group_id"
        ).fetchall()
    ((one,), (other,), _) = blocks
    with path.open("r+b") as file:
        for copied, over in zip(one, other, strict=True):
            # Blocks of 256 KiB, with their checksums, follow three heads of 4 KiB.
            file.seek(3 * 4_096 + copied * 262_144)
            block = file.read(262_144)
            file.seek(3 * 4_096 + over * 262_144)
            file.write(block)

    with open_history(path) as history:
        history.proof.require_rows(["a000000"], "figures")
        with pytest.raises(StoreError, match="api in run a000000 2 rows, and 1 were written"):
            history.proof.require_rows(["a000000", "c000000"], "figures")


def test_what_is_written_again_is_proven_again(path: Path, made: Path) -> None:
    with open_history(path) as history:
        delete_samples(history.connection, "run_id = 'r1'", {})
        history.ingest(made / "spool" / "r1", KEY.benchmark)
    with open_history(path) as history:
        assert history.outcomes("r1")
        history.prune(1)
    with open_history(path) as history:
        assert history.outcomes("r1")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "update benchmarks set valid = not valid where run_id = 'r1'",
            "table benchmarks has of api in run r1",
        ),
        (
            # as a version left it that kept no histograms
            (
                "delete from histograms; delete from digests where table_name = 'histograms'; "
                "update sample_kinds set outcome = 'ok' where run_id = 'r1'"
            ),
            "table sample_kinds has of api in run r1",
        ),
    ],
    ids=["a row that stays", "what a histogram is made of"],
)
def test_damage_is_told_before_pruning_seals_what_is_left(
    path: Path, change: str, told: str
) -> None:
    with open_history(path) as history:
        history.connection.execute(change)
    with open_history(path) as history:
        with pytest.raises(StoreError, match=told):
            history.prune(1)

        kept = history.connection.execute("select count(*) from samples where run_id = 'r1'")
        assert kept.fetchone() == (2_000,)


def test_rows_of_before_there_were_digests_are_taken_as_they_are(path: Path) -> None:
    with open_history(path) as history:
        history.connection.execute("delete from digests")
        delete_samples(history.connection, "run_id = 'r1'", {})
    with open_history(path) as history:
        assert history.outcomes("r1")
