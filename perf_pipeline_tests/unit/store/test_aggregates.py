"""Every statistic has SQL, and summaries, thresholds and curves compute it alike."""

import duckdb
import pytest

from perf_pipeline.metrics.catalog import Kind
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.metrics.summary import FIGURES
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.aggregates import figure_sql, summary_sql, threshold_sql

VALUES = """
(values (4.0::double, 1, 10), (1.0, 1, 30), (3.0, 1, 20), (2.0, 1, 40))
    as rows(value, weight, at_us)
"""
# By hand of 1, 2, 3, 4: k6's percentile lies at p/100 * 3 between closest ranks; 2 is the newest.
TREND = {
    "count": 4,
    "rate": None,
    "minimum": 1,
    "average": 2.5,
    "median": 2.5,
    "p90": 3.7,
    "p95": 3.85,
    "p99": 3.97,
    "p99_9": 3.997,
    "maximum": 4,
    "last": 2,
}
NONE = dict.fromkeys(FIGURES)
EXPECTED = {
    Kind.TREND: TREND,
    Kind.COUNTER: NONE | {"count": 10},
    Kind.RATE: NONE | {"count": 4, "rate": 2.5},
    Kind.GAUGE: NONE | {"count": 4, "minimum": 1, "maximum": 4, "last": 2},
}
METRICS = {
    Kind.COUNTER: "http_reqs",
    Kind.GAUGE: "produce_rate",
    Kind.RATE: "http_req_failed",
    Kind.TREND: "response_time",
}


def selected(columns: str) -> tuple[float | None, ...]:
    with duckdb.connect(":memory:") as connection:
        return connection.execute(f"select {columns} from {VALUES}").fetchone() or ()


@pytest.mark.parametrize("kind", Kind)
def test_a_summary_has_the_figures_of_its_kind(kind: Kind) -> None:
    found = dict(zip(FIGURES, selected(summary_sql(kind)), strict=True))

    assert found == pytest.approx(EXPECTED[kind])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, statistic.name)
        for statistic in STATISTICS.values()
        for kind in sorted(statistic.judged)
    ],
)
def test_a_threshold_judges_the_figure_of_the_summary(kind: Kind, name: str) -> None:
    (found,) = selected(threshold_sql(parse_threshold(METRICS[kind], f"{name}<1")))

    # Of a counter the rate is its sum, which the time divides later.
    field = "count" if kind is Kind.COUNTER else STATISTICS[name].field
    assert found == pytest.approx(EXPECTED[kind][field])


@pytest.mark.parametrize("field", FIGURES)
def test_each_figure_alone_is_the_one_among_all(field: str) -> None:
    assert selected(figure_sql(Kind.TREND, field)) == pytest.approx((TREND[field],))


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(KeyError, match="p42"):
        figure_sql(Kind.TREND, "p42")
