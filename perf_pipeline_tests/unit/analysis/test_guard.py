import random
from collections.abc import Callable

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, DiffStatus, Series, diff
from perf_pipeline.analysis.guard import (
    exceedance,
    most_above,
    out_of_order,
    out_of_range,
    permutation_p,
)

P95 = Series("http_req_duration", {}, "p(95)")
OLD = [float(run) for run in range(30)]  # the highest is 29


@pytest.mark.parametrize(
    ("old", "above", "needed", "chance"),
    [
        (30, 0, 2, 3 * 2 / (33 * 32)),  # the highest two of 33
        (30, 0, 3, 3 * 2 / (33 * 32 * 31)),  # the highest three of 33
        (30, 5, 3, 56 / 5456),  # three of the highest 8: C(8, 3) / C(33, 3)
        (30, 1, 2, (3 * 30 + 1) / 5456),  # two or three of the highest 3
        (5, 0, 2, (1 * 3 * 2) / (8 * 7)),
    ],
)
def test_the_chance_to_exceed_the_old_runs_is_that_of_drawing_ranks(
    old: int, above: int, needed: int, chance: float
) -> None:
    assert exceedance(old, above, needed) == pytest.approx(chance)


def test_five_of_thirty_runs_may_be_as_bad_as_three_new_ones() -> None:
    # 56 / 5456 = 1.03 % is below 1.05 %, 84 / 5456 = 1.54 % is not
    assert most_above(30) == 5
    assert most_above(5) == 0


def test_a_permutation_test_counts_every_choice_of_three() -> None:
    # 1 of C(6, 3) = 20; with equal values all are as high
    assert permutation_p([0.0, 1.0, 2.0], [3.0, 4.0, 5.0]) == pytest.approx(1 / 20)
    assert permutation_p([1.0] * 3, [1.0] * 3) == 1.0


@pytest.mark.parametrize(
    ("new", "odd", "beyond"),
    [
        ([5.0, 30.0, 31.0], 0, True),  # two above all
        ([5.0, 29.0, 31.0], 0, False),  # equal is not above
        ([5.0, 30.0, 31.0], 1, False),  # two runs out of line happen by chance here
        ([26.5, 27.0, 31.0], 1, True),  # three above all but three, two more than the odd one
        ([25.5, 27.0, 31.0], 1, False),
        ([24.5, 25.0, 31.0], 3, True),  # three above all but five
        ([23.5, 25.0, 31.0], 3, False),
        ([24.5, 25.0, 31.0], 6, False),  # the noise has a second level
        ([29.5, 30.0, 31.0], 6, True),  # the highest three of 33: 1 of 5456
        ([30.0], 0, False),
    ],
)
def test_the_newest_runs_must_be_beyond_what_was_before(
    new: list[float], odd: int, beyond: bool
) -> None:
    assert out_of_order(OLD, new, odd) is beyond


def test_a_single_run_must_be_above_all_but_five_of_the_newest_thirty() -> None:
    assert out_of_range(OLD, 24.5)
    assert not out_of_range(OLD, 23.5)
    assert out_of_range([100.0] * 10 + OLD, 24.5)  # the oldest ten do not count
    assert out_of_range([100.0] * 5, 24.5)


def test_a_regression_that_lasts_stays_one_though_its_own_runs_are_as_bad() -> None:
    quiet = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]

    assert diff(P95, 1_000.0, [*quiet, *[1_000.0] * 20], BaselinePolicy()).status is (
        DiffStatus.REGRESSED
    )


def two_machines(seeded: random.Random) -> float:
    return seeded.lognormvariate(6.68, 0.03) * (1.4 if seeded.random() < 0.3 else 1.0)


def whole_ms(seeded: random.Random) -> float:
    return float(round(seeded.lognormvariate(1.6, 0.1)))


def outliers(seeded: random.Random) -> float:
    factor = seeded.choice((2.0, 3.0, 0.5)) if seeded.random() < 0.1 else 1.0
    return seeded.lognormvariate(6.68, 0.1) * factor


def skewed(seeded: random.Random) -> float:
    return 400 + 100 * seeded.expovariate(1)


def histories(noise: Callable[[random.Random], float], runs: int, factor: float = 1.0) -> int:
    """Count, of 60 histories of 30 runs, those with an alarm in the runs after."""
    seeded = random.Random(20)
    found = 0
    for _ in range(60):
        past = [noise(seeded) for _ in range(30)]
        for _ in range(runs):
            past.append(noise(seeded) * factor)
            if diff(P95, past[-1], past[:-1], BaselinePolicy()).status is DiffStatus.REGRESSED:
                found += 1
                break
    return found


@pytest.mark.parametrize(
    ("noise", "percent"), [(two_machines, 10), (whole_ms, 5), (outliers, 10), (skewed, 5)]
)
def test_noise_that_is_not_log_normal_rarely_raises_an_alarm(
    noise: Callable[[random.Random], float], percent: int
) -> None:
    # the goal for any alarm in 20 runs, in 10 runs, and three deviations of 60 histories
    share = percent / 100
    most = 60 * share + 3 * (60 * share * (1 - share)) ** 0.5

    assert histories(noise, 10) <= most


@pytest.mark.parametrize("noise", [two_machines, whole_ms])
def test_half_as_slow_again_is_found_in_noise_that_is_not_log_normal(
    noise: Callable[[random.Random], float],
) -> None:
    # goal: 90 % by run 3; three deviations of 60 histories below it
    assert histories(noise, 3, 1.5) >= 60 * 0.9 - 3 * (60 * 0.9 * 0.1) ** 0.5
