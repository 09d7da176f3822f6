"""Which figures of a summary are shown to people."""

import pytest

from perf_pipeline.metrics.summary import Summary


def summary(count: int) -> Summary:
    return Summary(
        "db_query_duration",
        {},
        count=count,
        rate=None,
        minimum=1.0,
        average=2.0,
        median=2.0,
        p90=3.0,
        p95=4.0,
        p99=5.0,
        p99_9=6.0,
        maximum=7.0,
        last=2.0,
    )


# 1 / (1 - p): one of 10 values lies above p90, one of 20 above p95, of 100 above p99.
@pytest.mark.parametrize(
    ("field", "least"), [("p90", 10), ("p95", 20), ("p99", 100), ("p99_9", 1000)]
)
def test_a_percentile_is_shown_where_a_value_can_lie_above_it(field: str, least: int) -> None:
    assert summary(least - 1).carried(field) is None
    assert summary(least).carried(field) is not None


def test_other_figures_need_no_number_of_values() -> None:
    few = summary(1)

    assert (few.carried("median"), few.carried("maximum")) == (2.0, 7.0)


def test_a_threshold_takes_any_percentile_as_k6_does() -> None:
    assert summary(10).figure("p(99)") == 5.0
