"""Every list of statistics follows from one table."""

from dataclasses import fields
from typing import get_args

import pytest

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.statistic import COMPARED, QUANTILES, STATISTICS, compared_statistic
from perf_pipeline.metrics.summary import FIGURES, Summary
from perf_pipeline.metrics.threshold import LEGAL_STATISTICS, parse_threshold
from perf_pipeline.metrics.threshold_grammar import Comparison, parse_expression

# One of each kind.
METRICS = {
    Kind.COUNTER: "http_reqs",
    Kind.GAUGE: "produce_rate",
    Kind.RATE: "http_req_failed",
    Kind.TREND: "response_time",
}
COUNTED = Summary("http_reqs", {}, *(float(place) for place in range(len(FIGURES))))


def test_every_figure_of_a_summary_is_one_statistic() -> None:
    assert sorted(statistic.field for statistic in STATISTICS.values()) == sorted(FIGURES)
    assert ("metric", "tags", *FIGURES) == tuple(field.name for field in fields(Summary))


@pytest.mark.parametrize("name", STATISTICS)
def test_a_summary_gives_each_statistic_by_its_name(name: str) -> None:
    assert COUNTED.figure(name) == getattr(COUNTED, STATISTICS[name].field)


def test_a_percentile_has_the_name_of_its_quantile() -> None:
    # p(N) is the N-th percentile, so that the quantile is N / 100; med is p(50).
    assert {
        statistic.name: statistic.quantile
        for statistic in STATISTICS.values()
        if statistic.quantile
    } == {
        "med": 0.5,
        "p(90)": 0.9,
        "p(95)": 0.95,
        "p(99)": 0.99,
        "p(99.9)": 0.999,
    }
    assert QUANTILES == (0.5, 0.9, 0.95, 0.99, 0.999)


# Source: grafana/k6 metrics/thresholds.go, the methods that each kind of metric supports.
def test_thresholds_judge_by_the_statistics_that_k6_has_for_a_kind() -> None:
    assert {
        Kind.COUNTER: {"count", "rate"},
        Kind.GAUGE: {"value"},
        Kind.RATE: {"rate"},
        Kind.TREND: {"avg", "min", "max", "med", "p"},
    } == LEGAL_STATISTICS


@pytest.mark.parametrize("name", STATISTICS)
def test_the_grammar_knows_every_statistic_by_its_name(name: str) -> None:
    for kind in STATISTICS[name].judged:
        assert parse_threshold(METRICS[kind], f"{name}<1").statistic_label == name
    assert parse_expression(f"{name}<1")[0] == STATISTICS[name].word


@pytest.mark.parametrize("comparison", get_args(Comparison))
def test_the_grammar_knows_every_comparison(comparison: str) -> None:
    assert parse_expression(f"avg{comparison}1")[2] == comparison


def test_runs_are_compared_by_every_statistic_but_the_thousandth() -> None:
    # Of 1,000 requests p(99.9) is one of them: its noise would call every run suspect.
    assert [name for name in STATISTICS if name not in COMPARED] == ["p(99.9)"]
    assert [compared_statistic(name) for name in COMPARED] == list(COMPARED)


def test_one_of_each_kind() -> None:
    assert {kind: CATALOG[name].kind for kind, name in METRICS.items()} == {k: k for k in Kind}
