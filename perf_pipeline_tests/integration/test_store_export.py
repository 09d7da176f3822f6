"""People take figures away: CSV of readings, SQL on a snapshot, totals straight from the spool."""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.errors import PerfPipelineError, StoreBusyError
from perf_pipeline.metrics.sample import Outcome, Phase, Reading
from perf_pipeline.store.export import export_readings_csv, query_snapshot
from perf_pipeline.store.history import open_history
from perf_pipeline.store.records import LedgerCounts, RunKey
from perf_pipeline.store.spool_figures import (
    Backlog,
    SpanFigures,
    backlog_from_spool,
    ledger_counts_from_spool,
    ledger_latency_from_spool,
    span_figures,
)
from perf_pipeline_tests.unit.store.spool import Spool, complete, ledger, sample

KEY = RunKey("r1", "api")


def _host(at_us: int, cpu: float, memory: float, disk: float, network: float) -> list[Reading]:
    return [
        Reading(at_us, "host", "host_cpu_percent", cpu),
        Reading(at_us, "host", "host_memory_bytes", memory),
        Reading(at_us, "host", "host_disk_bytes_per_s", disk),
        Reading(at_us, "host", "host_network_bytes_per_s", network),
        Reading(at_us, "lo", "host_network_bytes_per_s", 9e9),
        Reading(at_us, "api", "process_cpu_percent", 99.0),
    ]


def test_readings_are_exported_as_one_row_per_moment(tmp_path: Path) -> None:
    readings = [
        *_host(1_000_000, 12.5, 2e9, 1_500_000, 2_000),
        *_host(3_000_000, 50.04, 2.5e9, 1_000_000, 500),
        Reading(3_500_000, "host", "host_cpu_percent", 7.0),
    ]
    run = Spool(readings=readings, outcome=complete()).write(tmp_path)
    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(run, "api")
        assert export_readings_csv(history, KEY, tmp_path / "host.csv") == 3

    # the benchmark began at 12:00:05; 1 MB/s over the 2 s since the first row are 2 MB
    assert (tmp_path / "host.csv").read_text(encoding="utf-8") == (
        "timestamp,cpu_percent,memory_mb,disk_io_mb,network_kb\n"
        "2026-11-01T12:00:06.000Z,12.5,2000.0,1.5,2.0\n"
        "2026-11-01T12:00:08.000Z,50.0,2500.0,2.0,1.0\n"
        "2026-11-01T12:00:08.500Z,7.0,,,\n"
    )


def test_an_export_without_readings_has_only_its_header(tmp_path: Path) -> None:
    run = Spool(outcome=complete()).write(tmp_path)
    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(run, "api")
        assert export_readings_csv(history, KEY, tmp_path / "host.csv") == 0
        with pytest.raises(PerfPipelineError, match="cannot be written"):
            export_readings_csv(history, KEY, tmp_path / "nowhere" / "host.csv")

    assert (tmp_path / "host.csv").read_text(encoding="utf-8").count("\n") == 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.duckdb"
    run = Spool(samples=[sample(10), sample(30)], outcome=complete()).write(tmp_path)
    with open_history(path) as history:
        history.ingest(run, "api")
    return path


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
    ],
)
def test_a_statement_that_writes_or_reaches_outside_is_refused(sql: str, path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(PerfPipelineError, match="write or reach outside the history") as caught:
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
    with open_history(path), pytest.raises(StoreBusyError):
        query_snapshot(path, "select 1", wait_s=0.1)


def test_span_figures_add_up_the_measured_samples(tmp_path: Path) -> None:
    insert = {"protocol": "postgres", "operation": "insert", "scenario": "db"}
    samples = [
        sample(100, **insert, records=1000, started_us=1_000_000),  # type: ignore[arg-type]  # by name
        sample(200, **insert, records=1000, started_us=1_800_000),  # type: ignore[arg-type]  # by name
        sample(50, **insert, records=5, outcome=Outcome.FAILED),  # type: ignore[arg-type]  # by name
        sample(999, **insert, records=9, phase=Phase.WARM_UP),  # type: ignore[arg-type]  # by name
        sample(3),
    ]
    run = Spool(samples=samples).write(tmp_path)

    create, inserts = span_figures(run / "api")

    assert create == SpanFigures(
        "create", "create_user", "http", 1, 0, 1, 1_000_000, 1_003_000, 3_000
    )
    assert inserts == SpanFigures(
        "db", "insert", "postgres", 3, 1, 2000, 1_000_000, 2_000_000, 350_000
    )
    assert inserts.records_per_s == 2000  # 2000 records from second 1 to second 2


def test_a_span_without_length_has_no_rate(tmp_path: Path) -> None:
    run = Spool(samples=[sample(0)]).write(tmp_path)

    assert span_figures(run / "api")[0].records_per_s is None


def test_a_folder_without_files_has_no_figures(tmp_path: Path) -> None:
    assert span_figures(tmp_path) == []
    assert ledger_counts_from_spool(tmp_path) == LedgerCounts(0, 0, 0, 0, 0)
    assert ledger_latency_from_spool(tmp_path) is None


def test_the_ledger_is_counted_and_timed_from_the_spool(tmp_path: Path) -> None:
    entries = ledger(
        "warm:intended@0 warm:acknowledged@1 warm:completed@900 "
        "a:intended@10 a:acknowledged@12 a:completed@110 a:completed@500 "
        "b:intended@20 b:acknowledged@21 b:completed@320 "
        "lost:intended@30 lost:acknowledged@31"
    )
    folder = replace(Spool(), ledger=entries).write(tmp_path) / "api"
    (folder / "ledger-1-1.csv").write_text("message_id,event,at_us\nb,completed,330000\nlost,comp")

    latency = ledger_latency_from_spool(folder, from_us=10_000)

    assert ledger_counts_from_spool(folder) == LedgerCounts(
        expected=4, completed=3, lost=1, duplicated=2, unknown=0
    )
    assert latency is not None
    assert (latency.count, latency.minimum, latency.median, latency.maximum) == (2, 100, 200, 300)
    assert latency.last == 300  # b completed after a did


def test_the_backlog_is_what_was_promised_before_the_origin(tmp_path: Path) -> None:
    entries = ledger(
        "old:acknowledged@-50 old:completed@700 older:acknowledged@-90 older:completed@40 "
        "lost:acknowledged@-10 new:acknowledged@5 new:completed@9000"
    )
    folder = Spool(ledger=entries).write(tmp_path) / "api"

    assert backlog_from_spool(folder) == Backlog(messages=3, left=1, done_us=700_000)
    assert backlog_from_spool(tmp_path) == Backlog(0, 0, None)
