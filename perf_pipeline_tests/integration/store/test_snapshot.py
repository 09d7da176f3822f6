"""Any SQL on a private copy of the history: it reads, it ends, and it reaches nothing else."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from perf_pipeline.errors import ExitCode, PerfPipelineError, StoreBusyError
from perf_pipeline.store.snapshot import open_answer
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.queries import query_snapshot
from perf_pipeline_tests.support.histories.spool import Spool, complete, sample

ENDLESS = "select count(*) from range(1000000000000) a where a.range % 7 = 3"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    run = Spool(samples=[sample(10), sample(30)], outcome=complete()).write(folder)
    with history_at(folder / "history.duckdb") as history:
        history.ingest(run, "api")
    return folder / "history.duckdb"


@pytest.fixture
def path(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(stored, tmp_path))


def test_sql_sees_the_history_by_position_and_by_name(path: Path) -> None:
    by_name = query_snapshot(
        path,
        "select avg(value) as mean_ms from metric_values where metric = $metric",
        {"metric": "http_req_duration"},
    )
    by_position = query_snapshot(path, "select run_id from runs where profile = ?", ["quick"])

    assert by_name == (["mean_ms"], [(20.0,)])
    assert by_position == (["run_id"], [("r1",)])


@pytest.mark.parametrize(
    "sql",
    [
        "delete from samples",
        "drop table runs",
        "insert into runs select * from runs",
        "create table mine (a integer)",
        "copy runs to 'stolen.csv'",
        "attach 'other.duckdb'",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from glob('/*')",
        "create temp table mine as select 1",
        "create secret (type s3)",
        "export database '/tmp'",
        "install httpfs",
        "load httpfs",
        "set threads = 4",
        "reset memory_limit",
        "pragma threads = 4",
        "call pragma_version()",
        "checkpoint",
        "begin",
        "prepare p as select 1",
        "use memory",
    ],
)
def test_a_statement_that_writes_or_reaches_outside_is_refused(sql: str, path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(PerfPipelineError, match="write, or reach outside the history") as caught:
        query_snapshot(path, sql)

    assert caught.value.hint.startswith("DuckDB says: ")
    assert path.read_bytes() == before


def test_wrong_sql_is_one_sentence_with_duckdbs_message(path: Path) -> None:
    with pytest.raises(PerfPipelineError, match=r"the query failed: .*smaples.* does not exist"):
        query_snapshot(path, "select * from smaples")
    with pytest.raises(PerfPipelineError, match=r"the query failed: .*[Ss]yntax"):
        query_snapshot(path, "selct 1")


@pytest.mark.parametrize(("sql", "count"), [("select 1; select 2", 2), ("  ", 0)])
def test_not_exactly_one_statement_is_refused(sql: str, count: int, path: Path) -> None:
    with pytest.raises(PerfPipelineError, match=f"one statement at a time.*has {count}"):
        query_snapshot(path, sql)


def test_a_snapshot_is_refused_while_the_history_is_open_elsewhere(path: Path) -> None:
    with history_at(path), pytest.raises(StoreBusyError):
        query_snapshot(path, "select 1", wait_s=0.1)


@pytest.mark.parametrize("sql", ["show tables", "describe runs", "explain select * from runs"])
def test_questions_about_the_tables_are_answered(sql: str, path: Path) -> None:
    assert query_snapshot(path, sql)[1]


def test_a_query_that_takes_too_long_is_ended_and_told(path: Path) -> None:
    began_s = time.monotonic()

    with pytest.raises(PerfPipelineError, match=r"took longer than 0\.3 s") as caught:
        query_snapshot(path, ENDLESS, limit_s=0.3)

    assert time.monotonic() - began_s < 10
    assert "--timeout" in caught.value.hint
    assert caught.value.exit_code is ExitCode.NOT_MEASURED


def test_reading_a_long_answer_counts_as_well(path: Path) -> None:
    with (
        open_answer(path, "select * from range(100000000000)", limit_s=0.5) as answer,
        pytest.raises(PerfPipelineError, match="took longer than"),
    ):
        list(map(len, answer.batches))


def test_an_answer_in_time_leaves_no_clock_behind(path: Path) -> None:
    before = threading.active_count()

    query_snapshot(path, "select 1", limit_s=3600.0)

    assert threading.active_count() == before


def test_a_query_that_needs_more_memory_than_it_may_have_is_told(path: Path) -> None:
    with pytest.raises(PerfPipelineError, match="the query failed: Out of Memory"):
        query_snapshot(path, "select list(repeat('x', 100000)) from range(1000000)")


def test_a_variable_of_this_process_is_no_table(path: Path) -> None:
    with pytest.raises(PerfPipelineError, match="does not exist"):
        query_snapshot(path, "select * from statements")
