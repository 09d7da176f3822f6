import math

import pytest

from perf_pipeline.analysis.noise import centre_and_spread, noise, student_t, winsorised


@pytest.mark.parametrize(
    ("probability", "degrees_of_freedom", "published"),
    [
        # NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2
        (0.99, 4, 3.747),
        (0.99, 9, 2.821),
        (0.99, 24, 2.492),
        (0.99, 29, 2.462),
        (0.975, 10, 2.228),
    ],
)
def test_students_t_agrees_with_the_published_table(
    probability: float, degrees_of_freedom: int, published: float
) -> None:
    assert student_t(probability, degrees_of_freedom) == pytest.approx(published, abs=5e-4)


def test_a_wild_value_is_pulled_back_to_two_and_a_half_robust_standard_deviations() -> None:
    # twice 1 to 5: median 3, MAD 1, limit 2.5 * 1.4826 = 3.7065
    assert winsorised([1, 2, 3, 4, 1000] * 2)[-1] == pytest.approx(6.7065)
    assert winsorised([-1000, 2, 3, 4, 5] * 2)[0] == pytest.approx(-0.7065)


def test_few_values_are_pulled_back_less_because_their_spread_is_hardly_known() -> None:
    # of five the limit is 10 / 5 times as wide: 2 * 3.7065 = 7.413
    assert winsorised([1, 2, 3, 4, 1000]) == pytest.approx([1, 2, 3, 4, 10.413])


def test_when_more_than_half_of_the_runs_agree_the_others_still_count_as_noise() -> None:
    # median 10, MAD 0; mean absolute deviation (1 + 1) / 5 = 0.4, limit 5 * 1.2533 * 0.4 = 2.5
    assert winsorised([10, 10, 10, 9, 11]) == [10, 10, 10, 9, 11]


def test_centre_and_spread_of_five_runs_are_those_of_the_hand_calculation() -> None:
    # mean 0; sample sd = sqrt((4 + 1 + 0 + 1 + 4) / 4) = sqrt(2.5)
    mean, sd = centre_and_spread([-2, -1, 0, 1, 2], 0.005)

    assert mean == 0
    assert sd == pytest.approx(math.sqrt(2.5))


def test_a_spread_smaller_than_the_floor_is_not_believed() -> None:
    assert centre_and_spread([1.0, 1.0, 1.0], 0.005) == (1.0, 0.005)


def test_one_run_has_a_centre_and_no_spread() -> None:
    assert centre_and_spread([4.0], 0.005) == (4.0, None)


def test_a_centre_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a centre needs at least one value"):
        centre_and_spread([], 0.005)


def test_noise_gives_n_median_and_coefficient_of_variation() -> None:
    # mean 100, deviations -10 0 10, sample sd sqrt(200 / 2) = 10, CV 0.1
    floor = noise([90.0, 110.0, 100.0])

    assert (floor.n, floor.median) == (3, 100.0)
    assert floor.cv == pytest.approx(0.1)


@pytest.mark.parametrize("values", [[], [0.0], [-1.0, 1.0], [0.0, 0.0, 0.0]], ids=str)
def test_noise_of_empty_zero_and_negative_values_never_crashes(values: list[float]) -> None:
    floor = noise(values)

    assert floor.n == len(values)
    assert floor.mean_log is None
    assert floor.cv is None


def test_what_is_no_number_is_no_data() -> None:
    assert noise([4.0, math.nan, 5.0, math.inf, 6.0]) == noise([4.0, 5.0, 6.0])
    assert noise([math.nan]).n == 0
