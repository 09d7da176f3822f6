"""People take figures away: CSV of readings, totals straight from the spool."""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.metrics.sample import Outcome, Phase, Reading
from perf_pipeline.metrics.totals import Backlog, LedgerCounts, SpanFigures
from perf_pipeline.store.export import export_readings_csv, export_tiers_csv
from perf_pipeline.store.spool_figures import (
    backlog_from_spool,
    ledger_counts_from_spool,
    span_figures,
)
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete, ledger, sample


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
    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(run, "api")
        assert export_readings_csv(history, "r1", lambda _: tmp_path / "host.csv") == {"api": 3}

    # the benchmark began at 12:00:05; 1 MB/s over the 2 s since the first row are 2 MB
    assert (tmp_path / "host.csv").read_text(encoding="utf-8") == (
        "timestamp,cpu_percent,memory_mb,disk_io_mb,network_kb\n"
        "2026-11-01T12:00:06.000Z,12.5,2000.0,1.5,2.0\n"
        "2026-11-01T12:00:08.000Z,50.0,2500.0,2.0,1.0\n"
        "2026-11-01T12:00:08.500Z,7.0,,,\n"
    )


def test_the_readings_of_each_benchmark_have_a_file_of_their_own(tmp_path: Path) -> None:
    readings = [*_host(1_000_000, 12.5, 2e9, 1_500_000, 2_000)]
    Spool(readings=readings, outcome=complete()).write(tmp_path)
    later = [*_host(3_000_000, 25.0, 2e9, 1_000_000, 500)]
    run = Spool(readings=later, outcome=complete(benchmark="end"), benchmark="end").write(tmp_path)
    with history_at(tmp_path / "history.duckdb") as history:
        for benchmark in ("api", "end"):
            history.ingest(run, benchmark)
        export_readings_csv(history, "r1", lambda name: tmp_path / f"{name}.csv")
        export_tiers_csv(history, "r1", lambda name: tmp_path / f"{name}-tiers.csv")

    # 1.5 MB/s over the first second of one; 1 MB/s over the first three seconds of the other
    api, end = [(tmp_path / f"{name}.csv").read_text("utf-8") for name in ("api", "end")]
    assert api.splitlines()[1:] == ["2026-11-01T12:00:06.000Z,12.5,2000.0,1.5,2.0"]
    assert end.splitlines()[1:] == ["2026-11-01T12:00:08.000Z,25.0,2000.0,3.0,1.5"]
    tiers = (tmp_path / "end-tiers.csv").read_text("utf-8").splitlines()[1:]
    assert len(tiers) == 6
    assert all(line.startswith("2026-11-01T12:00:08.000Z,") for line in tiers)


def test_an_export_without_readings_has_only_its_header(tmp_path: Path) -> None:
    run = Spool(outcome=complete()).write(tmp_path)
    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(run, "api")
        assert export_readings_csv(history, "r1", lambda _: tmp_path / "host.csv") == {"api": 0}
        with pytest.raises(PerfPipelineError, match="cannot be written"):
            export_readings_csv(history, "r1", lambda name: tmp_path / name / "host.csv")

    assert (tmp_path / "host.csv").read_text(encoding="utf-8").count("\n") == 1


def test_the_readings_of_every_tier_are_exported_with_their_units(tmp_path: Path) -> None:
    readings = [
        Reading(1_000_000, "postgres", "db_connections", 12.0),
        Reading(1_000_000, "api", "process_cpu_percent", 99.5),
        Reading(2_000_000, "orders/0", "consumer_lag", 7.0),
        Reading(2_000_000, "paid", "imported_time", 3.0),
    ]
    run = Spool(readings=readings, outcome=complete()).write(tmp_path)
    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(run, "api")
        assert export_tiers_csv(history, "r1", lambda _: tmp_path / "tiers.csv") == {"api": 3}

    # the benchmark began at 12:00:05
    assert (tmp_path / "tiers.csv").read_text(encoding="utf-8") == (
        "timestamp,source,metric,unit,value\n"
        "2026-11-01T12:00:06.000Z,api,process_cpu_percent,percent,99.5\n"
        "2026-11-01T12:00:06.000Z,postgres,db_connections,connections,12.0\n"
        "2026-11-01T12:00:07.000Z,orders/0,consumer_lag,messages,7.0\n"
    )


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


def test_the_ledger_is_counted_from_the_spool(tmp_path: Path) -> None:
    entries = ledger(
        "warm:intended@0 warm:acknowledged@1 warm:completed@900 "
        "a:intended@10 a:acknowledged@12 a:completed@110 a:completed@500 "
        "b:intended@20 b:acknowledged@21 b:completed@320 "
        "lost:intended@30 lost:acknowledged@31"
    )
    folder = replace(Spool(), ledger=entries).write(tmp_path) / "api"
    (folder / "ledger-1-1.csv").write_text("message_id,event,at_us\nb,completed,330000\nlost,comp")

    assert ledger_counts_from_spool(folder) == LedgerCounts(
        expected=4, completed=3, lost=1, duplicated=2, unknown=0
    )


def test_the_backlog_is_what_was_promised_before_the_origin(tmp_path: Path) -> None:
    entries = ledger(
        "old:acknowledged@-50 old:completed@700 older:acknowledged@-90 older:completed@40 "
        "lost:acknowledged@-10 new:acknowledged@5 new:completed@9000"
    )
    folder = Spool(ledger=entries).write(tmp_path) / "api"

    assert backlog_from_spool(folder) == Backlog(messages=3, left=1, done_us=700_000)
    assert backlog_from_spool(tmp_path) == Backlog(0, 0, None)
