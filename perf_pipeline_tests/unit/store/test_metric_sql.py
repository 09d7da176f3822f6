"""Every metric of the catalog has SQL, and nothing else has; together they have the same rows."""

from dataclasses import replace
from pathlib import Path

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Figure, Reading
from perf_pipeline.store.history import History, memory_history
from perf_pipeline.store.ledger_sql import FROM_LEDGER
from perf_pipeline.store.metric_sql import (
    FROM_FIGURES,
    FROM_ITERATIONS,
    FROM_READINGS,
    FROM_SAMPLES,
    FROM_SCENARIOS,
    FROM_VUS,
    known_metrics,
    metric_rows,
    metric_values_view,
    rows_of,
)
from perf_pipeline_tests.support.histories.spool import KEY, MIXED, ledger, sample

EVERYTHING = replace(
    MIXED,
    samples=[
        *MIXED.samples,
        *(
            sample(protocol="postgres", operation=operation, scenario="create", records=2)
            for operation in ("insert", "select", "update", "delete")
        ),
        *(
            sample(protocol="kafka", operation=operation, scenario="create")
            for operation in ("produce", "consume", "process")
        ),
    ],
    figures=[Figure("backlog_drain_s", 2.0), Figure("seed_rate", 9.0)],
    readings=[
        Reading(1_000_000, "host", "host_cpu_percent", 40.0),
        Reading(1_000_000, "host", "host_memory_percent", 30.0),
        Reading(1_000_000, "", "vus", 3.0),
        Reading(1_000_000, "create", "vus_max", 4.0),
        Reading(2_000_000, "topic/0", "consumer_lag", 7.0),
    ],
    ledger=ledger("a:intended@1100 a:acknowledged@1200 a:completed@1300"),
)


def test_the_metrics_with_sql_are_exactly_those_of_the_catalog() -> None:
    assert known_metrics() == set(CATALOG)


def test_each_metric_has_one_source() -> None:
    sources = [
        set(FROM_SAMPLES),
        FROM_SCENARIOS,
        FROM_FIGURES,
        FROM_READINGS,
        FROM_LEDGER,
        FROM_ITERATIONS,
        FROM_VUS,
    ]

    assert sum(len(source) for source in sources) + len({"checks"}) == len(CATALOG)


def test_the_view_and_the_rows_of_a_metric_name_every_metric() -> None:
    view = metric_values_view()

    for metric in CATALOG:
        assert f"'{metric}'" in view
        assert f"'{metric}'" in metric_rows(metric)


def test_metrics_together_have_the_rows_of_each_alone(tmp_path: Path) -> None:
    with memory_history() as history:
        history.ingest(EVERYTHING.write(tmp_path), KEY.benchmark)
        alone = [row for metric in CATALOG for row in _rows(history, metric_rows(metric))]
        together = _rows(history, rows_of(CATALOG))

    assert len({row[2] for row in alone}) > 30, "every source has values here"
    assert sorted(together) == sorted(alone)


def test_metrics_together_name_each_table_once() -> None:
    # Reading the text is what a statement about few rows costs.
    assert rows_of(FROM_LEDGER).count("from ledger") == 1
    assert rows_of(sorted(FROM_READINGS)).count("from readings") == 1


def _rows(history: History, sql: str) -> list[tuple[object, ...]]:
    return history.connection.execute(sql).fetchall()
