"""Every metric of the catalog has SQL, and nothing else has."""

from perf_pipeline.metrics.catalog import CATALOG
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
