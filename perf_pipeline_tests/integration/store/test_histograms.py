"""A pruned run still answers: exactly where that is possible, percentiles within 0.5 %."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.metrics.histogram import RELATIVE_ERROR, bucket_of
from perf_pipeline.metrics.sample import Outcome, Reading, Sample
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.histograms import write_histograms
from perf_pipeline.store.history import History
from perf_pipeline.store.present import metrics_of
from perf_pipeline.store.records import RunKey
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    MIXED,
    Spool,
    complete,
    counts,
    ledger,
    observe,
    sample,
)

_NEWER: Final = replace(MIXED, run_id="r2", began_at="2026-11-02T12:00:00+00:00")


def _samples(many: int) -> Iterator[Sample]:
    """Draw service times as targets have them: a log-normal body, and now and then a stall."""
    rng = random.Random(11)
    for n in range(many):
        ms = rng.lognormvariate(2, 0.5) + (800 if rng.random() < 0.002 else 0)
        failed = rng.random() < 0.01
        yield replace(
            sample(
                ms,
                scenario="read" if n % 3 else "create",
                operation="get_user" if n % 3 else "create_user",
                outcome=Outcome.FAILED if failed else Outcome.OK,
                status=503 if failed else 200,
                error="status" if failed else "",
                started_us=1_000_000 + rng.randrange(300),
                bytes_out=100,
            ),
            connecting_us=400 if n % 50 == 0 else 0,
            waiting_us=round(ms * 900),
        )


SPOOL: Final = Spool(
    samples=list(_samples(6_000)),
    readings=[Reading(n * 1_000_000, "host", "host_cpu_percent", float(n)) for n in range(9)],
    ledger=ledger(" ".join(f"m{n}:intended@2000 m{n}:completed@{2000 + n}" for n in range(1, 400))),
    outcome=complete(counts("create", iterations=2_000), counts("read", iterations=4_000)),
)
EXACT = (
    ("http_reqs", "count>0"),
    ("http_reqs", "rate>0"),
    ("http_reqs{scenario:read}", "rate>0"),
    ("http_reqs{operation:get_user}", "rate>0"),
    ("http_reqs{status:503}", "count>0"),
    ("http_reqs{scenario:create,status:503}", "count>0"),
    ("http_reqs{status:500}", "count==0"),
    ("http_reqs{scenario:nobody}", "count==0"),
    ("http_req_failed", "rate<1"),
    ("http_req_failed{scenario:read}", "rate<1"),
    ("http_req_duration", "avg<1"),
    ("http_req_duration", "min<1"),
    ("http_req_duration", "max<1"),
    ("http_req_duration", "p(0)<1"),
    ("http_req_duration", "p(100)<1"),
    ("http_req_duration{status:404}", "max<1"),
    ("data_sent", "count>0"),
    ("success", "rate>0"),
    ("iterations", "count>0"),
    ("host_cpu_percent", "p(95)<1"),
    ("db_query_duration", "p(95)<1"),
)
CLOSE = (
    ("http_req_duration", "med<1"),
    ("http_req_duration", "p(90)<1"),
    ("http_req_duration", "p(95)<1"),
    ("http_req_duration", "p(99)<1"),
    ("http_req_duration", "p(99.9)<1"),
    ("http_req_duration{scenario:create}", "p(95)<1"),
    ("http_req_duration{status:503}", "med<1"),
    ("http_req_connecting", "p(99)<1"),
    ("http_req_waiting", "p(95)<1"),
    ("response_time{operation:get_user}", "p(95)<1"),
    ("schedule_lag", "p(95)<1"),
    ("message_latency", "p(95)<1"),
)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Hold the same run twice: r0 was pruned, r1 was not."""
    folder = tmp_path_factory.mktemp("histograms")
    with history_at(folder / "history.duckdb") as opened:
        for run_id, day in (("r0", 1), ("r1", 2)):
            at = f"2026-11-0{day}T12:00:00+00:00"
            opened.ingest(replace(SPOOL, run_id=run_id, began_at=at).write(folder), "api")
            opened.summarise(RunKey(run_id, "api"))
        assert opened.prune(1) == ["r0"]
        yield opened


PRUNED: Final = RunKey("r0", "api")


@pytest.mark.parametrize(("key", "expression"), EXACT)
def test_what_needs_no_order_of_values_is_exact_after_pruning(
    history: History, key: str, expression: str
) -> None:
    raw, kept = observe(history, key, expression), observe(history, key, expression, PRUNED)

    assert kept == (None if raw is None else pytest.approx(raw, rel=1e-12))


@pytest.mark.parametrize(("key", "expression"), CLOSE)
def test_percentiles_after_pruning_are_within_the_stated_error(
    history: History, key: str, expression: str
) -> None:
    raw, kept = observe(history, key, expression), observe(history, key, expression, PRUNED)

    assert raw is not None
    assert kept == pytest.approx(raw, rel=RELATIVE_ERROR, abs=1e-9)


def test_the_error_is_told_where_there_is_one(history: History) -> None:
    p95 = parse_threshold("http_req_duration", "p(95)<1000")

    assert history.relative_error(PRUNED, p95) == 0.005
    assert history.relative_error(KEY, p95) == 0
    for key, expression in (("http_req_duration", "max<1"), ("host_cpu_percent", "med<1")):
        assert history.relative_error(PRUNED, parse_threshold(key, expression)) == 0


def test_the_buckets_of_sql_are_those_of_the_formula(history: History) -> None:
    rows = history.connection.execute(
        "select value from metric_values where run_id = 'r1' and metric = 'http_req_duration' "
        "and scenario = 'create' and outcome = 'ok'"
    ).fetchall()
    (stored,) = history.connection.execute(
        "select buckets, counts, count, relative_error from histograms where run_id = 'r0' "
        "and metric = 'http_req_duration' and scenario = 'create' and outcome = 'ok'"
    ).fetchall()

    by_hand: dict[int, int] = {}
    for (value,) in rows:
        by_hand[bucket_of(value)] = by_hand.get(bucket_of(value), 0) + 1
    assert dict(zip(stored[0], stored[1], strict=True)) == by_hand
    assert stored[2:] == (len(rows), RELATIVE_ERROR)


def test_a_run_that_nobody_summarised_gets_its_histograms_before_it_is_pruned(
    tmp_path: Path,
) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        for spool in (MIXED, _NEWER):
            history.ingest(spool.write(tmp_path), "api")
        history.prune(1)

        assert observe(history, "http_req_duration", "max<1") == 100
        assert observe(history, "http_req_duration", "p(90)<1") == pytest.approx(65, rel=0.005)


def test_a_run_pruned_by_a_version_without_histograms_says_so(tmp_path: Path) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        for spool in (MIXED, _NEWER):
            history.ingest(spool.write(tmp_path), "api")
        history.prune(1)
        history.connection.execute("delete from histograms")

        with pytest.raises(PerfPipelineError, match="samples of run 'r1' were pruned"):
            observe(history, "http_req_duration", "p(90)<1")
        assert observe(history, "iterations", "count>0") == 6  # counts were never pruned


def test_ingesting_again_replaces_the_histograms(tmp_path: Path) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(MIXED.write(tmp_path), "api")
        history.summarise(KEY)
        shorter = replace(MIXED, samples=[sample(5)])
        history.ingest(shorter.write(tmp_path), "api")
        history.summarise(KEY)

        found = history.connection.execute(
            "select count, minimum, maximum from histograms where metric = 'http_req_duration'"
        ).fetchall()
        assert found == [(1, 5.0, 5.0)]


def test_many_samples_have_the_histograms_of_few_times_how_many_they_are(tmp_path: Path) -> None:
    """Many are looked at once for each word of metrics; 6,000 rows ten times are many."""
    names = "metric, scenario, operation, status, outcome, error, buckets, minimum, maximum"
    statement = f"select {names}, count, counts, total from histograms order by all"
    key = RunKey(SPOOL.run_id, "api")
    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(SPOOL.write(tmp_path), "api")
        write_histograms(history.connection, key, metrics_of(history.connection, key))
        few = history.connection.execute(statement).fetchall()
        history.connection.execute(
            "insert into sample_rows select sample_rows.* from sample_rows, range(9)"
        )
        write_histograms(history.connection, key, metrics_of(history.connection, key))
        many = history.connection.execute(statement).fetchall()

    assert {row[0] for row in few} >= {"http_reqs", "http_req_duration", "message_latency"}
    for once, often in zip(few, many, strict=True):
        times = 1 if once[0].startswith("message") else 10
        assert often[:9] == once[:9]
        assert often[9] == times * once[9]
        assert often[10] == [times * count for count in once[10]]
        assert often[11] == pytest.approx(times * once[11])
