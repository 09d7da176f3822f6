import math
import random

import pytest
import scipy

from perf_pipeline.analysis.change_point import change_points, energy_statistic, welch_p_value
from perf_pipeline.analysis.scale import Scale
from perf_pipeline.metrics.catalog import Kind

QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]  # about 0.7 % of noise
SLOW = [1.2 * value for value in QUIET]


def _noise(seed: int, count: int, cv: float = 0.05, centre: float = 800.0) -> list[float]:
    seeded = random.Random(seed)
    sd = math.sqrt(math.log(1 + cv * cv))
    return [centre * math.exp(seeded.gauss(0, sd)) for _ in range(count)]


def test_the_energy_statistic_of_a_hand_calculation() -> None:
    # X = 0, 2; Y = 3: E|X-Y| = (3 + 1) / 2 = 2; E|X-X'| = (0 + 2 + 2 + 0) / 4 = 1; E|Y-Y'| = 0
    # n m / (n + m) * (2 * 2 - 1 - 0) = 2 / 3 * 3 = 2
    assert energy_statistic([0.0, 2.0], [3.0]) == pytest.approx(2.0)


@pytest.mark.parametrize(("n", "m"), [(3, 3), (12, 9), (40, 5)])
def test_the_energy_statistic_is_scipys_squared_distance(n: int, m: int) -> None:
    left, right = _noise(1, n), _noise(2, m, centre=850)

    expected = n * m / (n + m) * scipy.stats.energy_distance(left, right) ** 2

    assert energy_statistic(left, right) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "m"), [(3, 3), (12, 9), (40, 5)])
def test_welchs_p_value_is_scipys(n: int, m: int) -> None:
    left, right = _noise(3, n), _noise(4, m, centre=850)

    expected = scipy.stats.ttest_ind(left, right, equal_var=False).pvalue

    assert welch_p_value(left, right) == pytest.approx(expected)


def test_two_levels_without_noise_are_certain_and_equal_ones_are_not() -> None:
    assert welch_p_value([1.0, 1.0], [2.0, 2.0]) == 0
    assert welch_p_value([1.0, 1.0], [1.0, 1.0]) == 1


def test_statistics_without_enough_values_are_refused() -> None:
    with pytest.raises(ValueError, match="one of them is empty"):
        energy_statistic([1.0], [])
    with pytest.raises(ValueError, match="two values on each side"):
        welch_p_value([1.0], [1.0, 2.0])


def test_a_step_is_dated_with_both_levels_and_its_size() -> None:
    (found,) = change_points([*QUIET, *SLOW], Kind.TREND)

    assert found.index == 8
    assert (found.before, found.after) == pytest.approx((800.0, 960.0))
    assert found.effect.change == pytest.approx(0.2)
    assert found.effect.scale is Scale.RELATIVE
    # 16 values: 11 places between the third and the third last
    logs = [[math.log(value) for value in side] for side in (QUIET, SLOW)]
    assert found.p_value == pytest.approx(11 * scipy.stats.ttest_ind(*logs, equal_var=False).pvalue)
    assert found.statistic == pytest.approx(4 * scipy.stats.energy_distance(*logs) ** 2)


def test_a_bump_has_two_edges() -> None:
    found = change_points([*QUIET, *SLOW[:4], *QUIET], Kind.TREND)

    assert [change.index for change in found] == [8, 12]
    assert [change.after > change.before for change in found] == [True, False]


def test_three_levels_in_300_runs_are_dated_within_two_runs() -> None:
    values = _noise(5, 100) + _noise(6, 100, centre=960) + _noise(7, 100, centre=880)

    first, second = change_points(values, Kind.TREND)

    assert abs(first.index - 100) <= 2
    assert abs(second.index - 200) <= 2


@pytest.mark.parametrize(
    "values",
    [
        [],
        QUIET[:5],
        [*QUIET, SLOW[0], SLOW[1]],  # two slow runs are no level yet
        [*QUIET[:4], 3_000.0, *QUIET[4:]],  # one wild run
        [*QUIET, *(1.04 * value for value in QUIET)],  # certain, and below the minimum effect
        [800.0] * 20,
    ],
    ids=["empty", "five", "two-slow", "wild", "small", "constant"],
)
def test_what_is_no_change_of_level_is_not_dated(values: list[float]) -> None:
    assert change_points(values, Kind.TREND) == ()


def test_rates_change_in_points_and_counts_in_their_unit() -> None:
    (failed,) = change_points([0.0, 0.001] * 4 + [0.02, 0.021] * 4, Kind.RATE)
    (lost,) = change_points([0.0, 0.0, 0.0, 0.0, 9.0, 10.0, 9.0, 10.0], Kind.GAUGE)

    assert (failed.index, failed.effect.scale) == (8, Scale.POINTS)
    assert failed.effect.change == pytest.approx(0.02)
    assert (lost.index, lost.effect.scale) == (4, Scale.UNIT)
    assert lost.effect.change == pytest.approx(9.5)


def test_identical_runs_are_rarely_dated() -> None:
    # level 0.01 per stretch; 200 histories of 30 runs at CV 10 %, 5 % allowed = 10
    dated = sum(bool(change_points(_noise(seed, 30, cv=0.10), Kind.TREND)) for seed in range(200))

    assert dated <= 10


def test_a_run_without_a_number_keeps_its_place_and_moves_no_date() -> None:
    values = [10.0, math.nan, 10.1, 9.9, 10.0, 10.1, 20.0, 20.1, math.inf, 19.9, 20.0, 20.1]

    assert [point.index for point in change_points(values, Kind.TREND)] == [6]


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
def test_welch_has_no_unit(unit: float) -> None:
    # 1, 2, 3 and 4, 5, 6 have the means 2 and 5 and the variances 1 and 1: t is 3.674 with 4
    # degrees of freedom, beyond it 2.131 % (scipy 1.14, ttest_ind with unequal variances).
    left, right = [1 * unit, 2 * unit, 3 * unit], [4 * unit, 5 * unit, 6 * unit]

    assert welch_p_value(left, right) == pytest.approx(0.02131, abs=1e-5)
