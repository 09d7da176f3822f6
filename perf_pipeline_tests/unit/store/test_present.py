"""Every metric that has a value is asked for, and what cannot have one is not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Figure, Reading
from perf_pipeline.store.history import History, memory_history
from perf_pipeline.store.metric_sql import METRIC_COLUMNS, metric_rows
from perf_pipeline.store.present import metrics_of
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    MIXED,
    Spool,
    complete,
    ledger,
    sample,
)

HTTP = MIXED
DATABASE = replace(
    MIXED,
    samples=[
        sample(protocol="postgres", operation=operation, scenario="create")
        for operation in ("insert", "select", "update", "delete")
    ],
    figures=[Figure("backlog_drain_s", 2.0), Figure("seed_rate", 9.0)],
)
QUEUE = replace(
    MIXED,
    samples=[
        sample(protocol="kafka", operation=operation, scenario="create")
        for operation in ("produce", "consume", "process")
    ],
    readings=[
        Reading(1_000_000, "host", "host_cpu_percent", 40.0),
        Reading(1_000_000, "", "vus", 3.0),
        Reading(1_000_000, "topic/0", "consumer_lag", 7.0),
    ],
    ledger=ledger("a:intended@1100 a:acknowledged@1200 a:completed@1300"),
)
NOTHING = Spool(outcome=complete())


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """Give one history: what a test stores takes the place of what the one before stored."""
    with memory_history() as opened:
        yield opened


@pytest.mark.parametrize("spool", [HTTP, DATABASE, QUEUE, NOTHING], ids=["api", "db", "q", "none"])
def test_no_metric_with_a_value_is_missing(history: History, tmp_path: Path, spool: Spool) -> None:
    history.ingest(spool.write(tmp_path), KEY.benchmark)
    # The view of every value of every metric, which filters nothing.
    with_values = {
        name
        for (name,) in history.connection.execute(
            "select distinct metric from metric_values"
        ).fetchall()
    }
    possible = {metric.name for metric in metrics_of(history.connection, KEY)}

    assert with_values <= possible
    assert possible < CATALOG.keys()


def test_a_benchmark_of_http_asks_for_nothing_of_the_database_or_the_queue(
    history: History, tmp_path: Path
) -> None:
    history.ingest(HTTP.write(tmp_path), KEY.benchmark)
    possible = {metric.name for metric in metrics_of(history.connection, KEY)}

    assert "http_req_duration" in possible
    assert not {"db_query_duration", "message_latency", "host_cpu_percent"} & possible


def test_the_rows_of_every_metric_have_the_columns_of_the_view_in_its_order(
    history: History,
) -> None:
    for metric in CATALOG:
        asked = history.connection.execute(f"{metric_rows(metric)} limit 0")
        assert tuple(column[0] for column in asked.description or ()) == METRIC_COLUMNS, metric
    asked = history.connection.execute("select * from metric_values limit 0")
    assert tuple(column[0] for column in asked.description or ()) == METRIC_COLUMNS
