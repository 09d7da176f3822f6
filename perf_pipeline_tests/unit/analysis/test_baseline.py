import math
import random

import pytest

from perf_pipeline.analysis.baseline import (
    BaselinePolicy,
    DiffStatus,
    Series,
    diff,
    pinned_diff,
    unsuspicious,
)

POLICY = BaselinePolicy()
P95 = Series("http_req_duration", {"scenario": "create"}, "p(95)")
P99 = Series("http_req_duration", {}, "p(99)")
RATE = Series("http_reqs", {}, "rate")
FAILED = Series("http_req_failed", {}, "rate")
QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]  # about 0.7 % of noise
SLOW, FAST = 1_000.0, 600.0


def test_a_series_is_written_as_in_a_threshold() -> None:
    assert P95.label == "http_req_duration{scenario:create} p(95)"
    assert RATE.label == "http_reqs rate"


@pytest.mark.parametrize(
    ("before", "value", "status"),
    [
        ([], 801.0, DiffStatus.OK),
        ([], SLOW, DiffStatus.SUSPECT),
        ([SLOW], SLOW, DiffStatus.REGRESSED),
        ([SLOW, 800.0], SLOW, DiffStatus.REGRESSED),
        ([SLOW, 800.0, 800.0], SLOW, DiffStatus.SUSPECT),
        ([SLOW], FAST, DiffStatus.IMPROVED),
        ([FAST], SLOW, DiffStatus.SUSPECT),
        # the last two failed already; this run is fine and must not fail for them
        ([SLOW, SLOW], 800.0, DiffStatus.OK),
        ([SLOW] * 12, SLOW, DiffStatus.REGRESSED),
    ],
)
def test_two_of_the_last_three_runs_in_the_bad_direction_are_a_regression(
    before: list[float], value: float, status: DiffStatus
) -> None:
    assert diff(P95, value, [*QUIET, *before], POLICY).status is status


def test_less_throughput_regresses_and_more_improves() -> None:
    assert diff(RATE, FAST, [*QUIET, FAST], POLICY).status is DiffStatus.REGRESSED
    assert diff(RATE, SLOW, [*QUIET, SLOW], POLICY).status is DiffStatus.IMPROVED


def test_throughput_that_is_as_good_as_gone_is_out_of_line() -> None:
    # 1e-18 of 800: the change is -1 + 1e-18, and the double nearest to it is -1
    found = diff(RATE, 8e-16, QUIET, POLICY)

    assert found.status is DiffStatus.SUSPECT
    assert found.effect is not None
    assert found.effect.change == -1


def test_a_metric_without_a_good_direction_never_regresses() -> None:
    sent = Series("data_sent", {}, "count")

    assert diff(sent, SLOW, [*QUIET, SLOW, SLOW], POLICY).status is DiffStatus.OK


def test_fewer_than_five_runs_are_learning_and_say_so() -> None:
    outcome = diff(P95, SLOW, QUIET[:4], POLICY)

    assert outcome.status is DiffStatus.LEARNING
    assert outcome.reason == "4 of 5 runs so far; comparing starts with run 6"


def test_a_suspect_run_is_not_part_of_the_baseline_of_the_next() -> None:
    outcome = diff(P95, SLOW, [*QUIET, SLOW], POLICY)

    assert outcome.noise.n == len(QUIET)
    assert outcome.noise.median == 800.0


def test_a_suspect_run_that_stayed_alone_returns_to_the_baseline() -> None:
    assert unsuspicious([*QUIET, SLOW, 800.0], POLICY) == (*QUIET, 800.0)
    assert unsuspicious([*QUIET, SLOW, 800.0, 800.0], POLICY) == (*QUIET, SLOW, 800.0, 800.0)


def test_two_suspect_runs_together_stay_out_of_the_baseline() -> None:
    history = [*QUIET, SLOW, 800.0, SLOW, 800.0, 800.0, 800.0]

    assert unsuspicious(history, POLICY) == (*QUIET, 800.0, 800.0, 800.0, 800.0)


def test_the_baseline_is_the_newest_thirty_runs() -> None:
    history = [800.0 + run % 3 for run in range(50)]

    assert unsuspicious(history, POLICY) == tuple(history[-30:])


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_run_without_a_value_is_no_data(value: float | None) -> None:
    outcome = diff(P95, value, QUIET, POLICY)

    assert outcome.status is DiffStatus.NO_DATA
    assert outcome.noise.n == len(QUIET)


def test_a_run_limited_by_the_generator_is_invalid_and_not_compared() -> None:
    outcome = diff(P95, SLOW, [*QUIET, SLOW], POLICY, valid=False)

    assert outcome.status is DiffStatus.INVALID
    assert outcome.effect is None


def test_a_history_with_gaps_zeros_and_negatives_never_crashes() -> None:
    outcome = diff(P95, 5.0, [math.nan, 0.0, -1.0, math.inf, 0.0, 0.0, 0.0], POLICY)

    assert outcome.status is DiffStatus.SUSPECT  # 5 ms where there were none, beyond 1 ms of noise
    assert outcome.noise.n == 5


@pytest.mark.parametrize(
    ("requests", "status"), [(1_999, DiffStatus.LEARNING), (2_000, DiffStatus.REGRESSED)]
)
def test_a_p99_is_never_gated_below_two_thousand_requests(
    requests: int, status: DiffStatus
) -> None:
    assert diff(P99, SLOW, [*QUIET, SLOW], POLICY, requests=requests).status is status


def test_a_p99_that_is_not_gated_says_why() -> None:
    outcome = diff(P99, SLOW, QUIET, POLICY, requests=812)

    assert outcome.reason == "812 requests; a p(99) is compared from 2,000 on"


def test_a_p95_is_gated_with_few_requests() -> None:
    assert diff(P95, SLOW, [*QUIET, SLOW], POLICY, requests=50).status is DiffStatus.REGRESSED


def test_an_error_rate_regresses_by_half_a_percentage_point() -> None:
    history = [0.0, 0.0, 0.001, 0.0, 0.0, 0.001, 0.0]

    assert diff(FAILED, 0.004, [*history, 0.004], POLICY).status is DiffStatus.OK
    assert diff(FAILED, 0.02, [*history, 0.02], POLICY).status is DiffStatus.REGRESSED


@pytest.mark.parametrize(
    ("value", "recent", "status"),
    [
        (839.0, [], DiffStatus.OK),  # + 4.9 %
        (841.0, [], DiffStatus.SUSPECT),  # + 5.1 %
        (841.0, [900.0], DiffStatus.REGRESSED),
        (841.0, [900.0, 800.0], DiffStatus.REGRESSED),
        (841.0, [900.0, 800.0, 800.0], DiffStatus.SUSPECT),
        (800.0, [900.0, 900.0], DiffStatus.OK),
        (700.0, [], DiffStatus.OK),  # nothing was worse before, so nothing improved
        (700.0, [700.0, 900.0], DiffStatus.IMPROVED),
        (700.0, [900.0, 700.0, 700.0], DiffStatus.OK),
        (None, [], DiffStatus.NO_DATA),
    ],
)
def test_a_pinned_figure_of_800_ms_judges_without_history(
    value: float | None, recent: list[float], status: DiffStatus
) -> None:
    assert pinned_diff(P95, value, 800.0, recent).status is status


def test_a_pinned_figure_judges_throughput_downwards_and_rates_in_points() -> None:
    assert pinned_diff(RATE, 90.0, 100.0).status is DiffStatus.SUSPECT
    assert pinned_diff(RATE, 110.0, 100.0, [100.0]).status is DiffStatus.IMPROVED
    assert pinned_diff(RATE, 110.0, 100.0, [110.0]).status is DiffStatus.OK
    assert pinned_diff(FAILED, 0.004, 0.0).status is DiffStatus.OK
    assert pinned_diff(FAILED, 0.006, 0.0).status is DiffStatus.SUSPECT
    assert pinned_diff(P95, 5.0, 0.0).status is DiffStatus.SUSPECT


def test_a_pinned_figure_does_not_judge_an_invalid_run() -> None:
    assert pinned_diff(P95, 900.0, 800.0, valid=False).status is DiffStatus.INVALID


def _lognormal(seeded: random.Random, cv: float) -> float:
    return 800 * math.exp(seeded.gauss(0, math.sqrt(math.log(1 + cv * cv))))


def _alarm(seeded: random.Random, cv: float, runs: int, factor: float = 1.0) -> bool:
    history = [_lognormal(seeded, cv) for _ in range(30)]
    for _ in range(runs):
        value = factor * _lognormal(seeded, cv)
        if diff(P95, value, history, POLICY).status is DiffStatus.REGRESSED:
            return True
        history.append(value)
    return False


def test_identical_runs_rarely_raise_an_alarm() -> None:
    # required: at CV 10 % any alarm in 20 runs <= 3 %; 3 % of 100 simulations = 3
    seeded = random.Random(20)

    assert sum(_alarm(seeded, 0.10, 20) for _ in range(100)) <= 3


@pytest.mark.parametrize(
    ("cv", "factor", "share"), [(0.10, 1.5, 0.90), (0.03, 1.1, 0.55)], ids=["+50%", "+10%"]
)
def test_a_real_slowdown_is_found_by_the_third_run(cv: float, factor: float, share: float) -> None:
    seeded = random.Random(3)

    assert sum(_alarm(seeded, cv, 3, factor) for _ in range(100)) >= 100 * share
