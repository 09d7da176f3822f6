import math

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.environment import withheld
from perf_pipeline.analysis.shared import Shift, lasts, shared_slowdown

POLICY = BaselinePolicy()
QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]
API, WAITING = "http_req_duration", "http_req_waiting"
DATABASE, PRODUCE, CONSUME = (
    "db_query_duration",
    "message_delivery_duration",
    "message_processing_duration",
)


def shifts(**percent: float) -> list[Shift]:
    """Give one series of each metric, slower by so many per cent, with an error of 1 %."""
    return [Shift(metric, math.log1p(by / 100), 0.01) for metric, by in percent.items()]


def judged(**percent: float) -> tuple[Diff, ...]:
    """Judge a run whose metrics are slower by so many per cent, after one like it."""
    found = []
    for metric, by in percent.items():
        value = 800 * (1 + by / 100)
        found.append(diff(Series(metric, {}, "p(95)"), value, [*QUIET, value], POLICY))
    return withheld(found)


def test_what_all_tiers_share_is_the_smallest_shift_and_its_error() -> None:
    found = shared_slowdown(shifts(**{API: 20, DATABASE: 50, PRODUCE: 30, CONSUME: 30}))

    # smallest ln 1.20 = 0.1823, error 1.2533 * 0.01; together below the median 0.2624
    assert found == pytest.approx(math.log(1.2) + 0.012533)


def test_a_tier_that_is_as_before_means_that_nothing_is_shared() -> None:
    assert shared_slowdown(shifts(**{API: 20, DATABASE: 50, PRODUCE: 20, CONSUME: 0})) == 0


def test_one_tier_or_three_metrics_share_nothing() -> None:
    assert shared_slowdown(shifts(**{API: 20, DATABASE: 20, PRODUCE: 20})) == 0
    only = [Shift(f"http_req_{part}", 0.2, 0.01) for part in ("a", "b", "c", "d")]
    assert shared_slowdown(only) == 0
    assert shared_slowdown([]) == 0


def test_every_tier_slower_by_a_fifth_is_the_environment_and_says_so() -> None:
    found = judged(**{API: 20, DATABASE: 20, PRODUCE: 20, CONSUME: 20})

    assert {comparison.status for comparison in found} == {DiffStatus.ENVIRONMENT_CHANGED}
    assert all(comparison.changed_since is None for comparison in found)


@pytest.mark.parametrize("machine", [0, 10, 20, 40])
def test_a_slower_database_is_found_whatever_the_machine_does(machine: float) -> None:
    both = 100 * ((1 + machine / 100) * 1.5 - 1)

    found = judged(
        **{API: machine, WAITING: machine, DATABASE: both, PRODUCE: machine, CONSUME: machine}
    )

    regressed = [
        comparison.series.metric
        for comparison in found
        if comparison.status is DiffStatus.REGRESSED
    ]
    assert regressed == [DATABASE]


def test_five_consistent_runs_are_a_new_level_and_no_others() -> None:
    assert lasts([0.2, 0.18, 0.22, 0.19, 0.2])
    assert lasts([0.0, 0.0, 0.2, 0.18, 0.22, 0.19, 0.2])
    assert not lasts([0.2, 0.18, 0.22, 0.19])
    assert not lasts([0.2, 0.18, 0.0, 0.19, 0.2])
    assert not lasts([0.2, 0.18, 0.6, 0.19, 0.2])  # more than half off the median
