"""A spooled run goes into a real history file, whole or cut off."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.errors import PerfPipelineError, StoreBusyError
from perf_pipeline.judging.ingest import ingest_benchmark
from perf_pipeline.metrics.sample import Figure, Outcome, Phase, Reading
from perf_pipeline.store.history import History
from perf_pipeline.store.records import (
    Ingested,
)
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    MIXED,
    Spool,
    by_key,
    complete,
    ledger,
    observe,
    sample,
)


def test_an_ingest_counts_its_rows(history: History, tmp_path: Path) -> None:
    spool = replace(
        MIXED,
        readings=[Reading(0, "host", "host_cpu_percent", 12.5)],
        ledger=ledger("a:intended@1 a:completed@2"),
    )

    assert history.ingest(spool.write(tmp_path), "api") == Ingested(8, 1, 2, 0)


def test_a_second_ingest_replaces_the_first(history: History, tmp_path: Path) -> None:
    run = MIXED.write(tmp_path)
    history.ingest(run, "api")
    history.summarise(KEY)
    again = history.ingest(replace(MIXED, samples=MIXED.samples[:2]).write(tmp_path), "api")

    assert again.samples == 2
    assert observe(history, "http_reqs", "count>0") == 1
    assert history.summaries("r1") == []  # they were of the replaced samples
    assert [run.run_id for run in history.runs()] == ["r1"]


def test_another_benchmark_of_the_same_run_is_left_alone(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    other = replace(MIXED, benchmark="database", outcome=complete(benchmark="database"))
    history.ingest(other.write(tmp_path), "database")

    assert observe(history, "http_reqs", "count>0") == 6
    assert [outcome.benchmark for outcome in history.outcomes("r1")] == ["api", "database"]


def test_a_failed_ingest_leaves_the_former_one(history: History, tmp_path: Path) -> None:
    run = MIXED.write(tmp_path)
    history.ingest(run, "api")
    (run / "api" / "samples-2-0.csv").write_text("when,what\n1,2\n")

    with pytest.raises(PerfPipelineError, match="has the columns 'when,what'; this version reads"):
        history.ingest(run, "api")
    assert observe(history, "http_reqs", "count>0") == 6


_WHOLE = (
    "create,http,1,0,create_user,measured,1000000,1000000,1001000,ok,201,,0,0,1,0,1,0,0,0,10,900,90"
)


@pytest.mark.parametrize(
    ("tail", "torn", "kept"),
    [
        ("create,http,1,0,create_user,measu", 1, 8),
        # whole by its shape, but the last number may be the first digit of a longer one
        (_WHOLE, 1, 8),
        (f"{_WHOLE}\n", 0, 9),
        ("create,http,1,0,cre\x00\x00\x00\x00\n", 1, 8),
        ("", 0, 8),
    ],
    ids=["short", "whole but for its line end", "whole", "zeros", "nothing"],
)
def test_a_torn_last_line_is_counted_and_left_out(
    tail: str, torn: int, kept: int, history: History, tmp_path: Path
) -> None:
    run = MIXED.write(tmp_path)
    path = run / "api" / "samples-1-0.csv"
    whole = path.read_text(encoding="utf-8") + tail
    path.write_text(whole, encoding="utf-8")

    ingested = history.ingest(run, "api")

    assert (ingested.samples, ingested.torn_lines) == (kept, torn)
    assert path.read_text(encoding="utf-8") == whole  # the spool is evidence and stays


def test_a_worker_that_died_before_its_header_is_no_obstacle(
    history: History, tmp_path: Path
) -> None:
    run = MIXED.write(tmp_path)
    (run / "api" / "samples-1-1.csv").write_text("")
    (run / "api" / "samples-1-2.csv").write_text("scenario,proto")

    assert history.ingest(run, "api") == Ingested(8, 0, 0, 1)


def test_quotes_commas_and_line_ends_of_the_csv_module_are_read(
    history: History, tmp_path: Path
) -> None:
    odd = 'a "quoted", odd name'
    run = replace(MIXED, samples=[]).write(tmp_path)
    path = run / "api" / "samples-1-0.csv"
    header = path.read_text(encoding="utf-8").strip()
    row = (
        '"a ""quoted"", odd name",http,1,0,x,measured,0,0,1000,ok,200,,0,0,1,0,0,-1,-1,-1,-1,-1,-1'
    )
    path.write_bytes(f"{header}\r\n{row}\r\n".encode())

    assert history.ingest(run, "api").samples == 1
    assert by_key(history.summarise(KEY))[f"http_reqs{{scenario:{odd}}}"].count == 1


def test_a_spool_of_before_the_phases_were_written_down_is_still_read(
    history: History, tmp_path: Path
) -> None:
    run = MIXED.write(tmp_path)
    path = run / "api" / "samples-1-0.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    # those 17 columns are what version 0.1 wrote
    path.with_name("samples-1-1.csv").write_text("".join(f"{','.join(r[:17])}\n" for r in rows))

    assert history.ingest(run, "api") == Ingested(16, 0, 0, 0)
    found = history.connection.execute("select distinct blocked_us, receiving_us from samples")
    assert found.fetchall() == [(-1, -1)]


def test_a_phase_that_a_spool_leaves_empty_is_one_that_nobody_measured(
    history: History, tmp_path: Path
) -> None:
    run = MIXED.write(tmp_path)
    path = run / "api" / "samples-1-0.csv"
    header, *rows = (line.split(",") for line in path.read_text().splitlines())
    at = header.index("tls_us")
    lines = [header, *([*row[:at], "", *row[at + 1 :]] for row in rows)]
    path.write_text("".join(f"{','.join(line)}\n" for line in lines))

    assert history.ingest(run, "api") == Ingested(8, 0, 0, 0)
    assert history.connection.execute("select distinct tls_us from samples").fetchall() == [(-1,)]


def test_iterations_are_stored_one_row_each(history: History, tmp_path: Path) -> None:
    run = MIXED.write(tmp_path)
    header = "scenario,vu,iteration,phase,intended_us,started_us,ended_us,outcome\n"
    path = run / "api" / "iterations-1-0.csv"
    path.write_text(f"{header}create,1,0,measured,10,20,1500020,ok\ncreate,1,1,measured,3")

    assert history.ingest(run, "api").torn_lines == 1
    found = history.connection.execute("select * from iterations").fetchall()
    assert found == [("r1", "api", "create", 1, 0, "measured", 10, 20, 1_500_020, "ok")]


def test_a_benchmark_that_was_cut_off_is_stored_as_aborted(
    history: History, tmp_path: Path
) -> None:
    samples = [
        sample(10, phase=Phase.WARM_UP, intended_us=0, started_us=0),
        sample(10, iteration=1, checks_passed=1),
        sample(20, iteration=1),
        sample(30, vu=2, intended_us=2_000_000, started_us=2_970_000),
    ]
    history.ingest(Spool(samples=samples).write(tmp_path), "api")

    (outcome,) = history.outcomes("r1")

    assert (outcome.status, outcome.valid) == ("aborted", False)
    assert outcome.invalid_reasons == ("it was cut off",)
    assert outcome.measured_s == 2.0  # intended at 1 s, the last one ended at 3 s
    assert outcome.checks == {"create_user": ("check 0",)}
    assert observe(history, "http_reqs", "rate>0") == 1.5
    assert observe(history, "iterations", "count>0") == 2  # VU 1's second, VU 2's first
    assert observe(history, "dropped_iterations", "count==0") is None  # nobody counted


def test_iterations_of_a_benchmark_that_was_cut_off_are_those_that_ended(
    history: History, tmp_path: Path
) -> None:
    run = Spool(samples=[sample(1), sample(1, iteration=1), sample(1, vu=2)]).write(tmp_path)
    header = "scenario,vu,iteration,phase,intended_us,started_us,ended_us,outcome\n"
    (run / "api" / "iterations-1-0.csv").write_text(
        f"{header}create,1,0,measured,0,0,9,ok\ncreate,1,1,measured,9,9,19,failed\n"
    )  # VU 2 was under way
    history.ingest(run, "api")

    assert observe(history, "iterations", "count>0") == 2
    assert observe(history, "iteration_duration", "max<1") == 0.01


def test_a_benchmark_that_is_not_in_the_spool_is_refused(history: History, tmp_path: Path) -> None:
    run = MIXED.write(tmp_path)

    with pytest.raises(PerfPipelineError, match="nothing to ingest\n.*of this run: api"):
        history.ingest(run, "apo")


def test_what_waited_for_a_busy_history_is_brought_in_whole(tmp_path: Path) -> None:
    state = State(tmp_path)
    replace(
        MIXED,
        readings=[Reading(0, "host", "host_cpu_percent", 12.5)],
        figures=[Figure("db_records_per_s", 250.0, "create", "create_user")],
        ledger=ledger("a:intended@1 a:completed@2"),
    ).write(state.spool)
    with state.history(), pytest.raises(StoreBusyError):
        ingest_benchmark(state, KEY, wait_s=0.1)

    ingested, _ = ingest_benchmark(state, KEY, profile=load_profile("quick"))

    assert ingested == Ingested(8, 1, 2, 0)
    with state.history() as history:
        rows = {
            table: history.connection.execute(
                f"select * exclude (run_id, benchmark) from {table} order by all"
            ).fetchall()
            for table in ("readings", "figures", "ledger")
        }
    assert rows == {
        "readings": [(0, "host", "host_cpu_percent", 12.5)],
        "figures": [(1, "db_records_per_s", 250.0, "create", "create_user")],
        "ledger": [("a", "completed", 2_000), ("a", "intended", 1_000)],
    }


def test_what_the_engines_recorder_writes_is_what_is_stored(
    history: History, tmp_path: Path
) -> None:
    run = Spool(outcome=complete()).write(tmp_path)
    recorder = SpoolRecorder(run / "api", "load", 0, ("create",), on_failure=lambda _: None)
    at = Iteration("create", "http", 3, 5, 1_000_000, Phase.MEASURED, Random(1))
    recorder.sample(at, 'odd, "quoted"', 1_000_200, 1_004_200, Outcome.OK, status=201, records=2)
    recorder.sample(at, "create_user", 1_000_200, 1_008_200, Outcome.TIMEOUT, error="timeout")
    for entry in ledger("a,b:intended@2000 a,b:completed@2005"):
        recorder.ledger(entry)
    recorder.close()

    assert history.ingest(run, "api") == Ingested(2, 0, 2, 0)
    assert observe(history, "http_req_duration{operation:create_user}", "max<1") == 8
    assert observe(history, "schedule_lag", "max<1") == 0.2
    assert observe(history, "message_latency", "max<1") == 5
