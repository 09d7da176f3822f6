import math

import pytest

from perf_pipeline.analysis.baseline import Diff, Series, diff, pinned_diff
from perf_pipeline.analysis.power import detectable_change, outlook, remedy, suspects_by_chance
from perf_pipeline.analysis.suspicion import BaselinePolicy, suspicion

POLICY = BaselinePolicy()
QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]


def test_the_detectable_change_of_a_hand_calculation() -> None:
    # n = 30, s = 0.10: error = 0.10 * sqrt(31 / 30) = 0.101653; t(.99, 29) = 2.4620 and
    # t(.80, 29) = 0.8542 (printed tables): exp(3.3162 * 0.101653) - 1 = 0.4009
    assert detectable_change(0.10, 30, POLICY) == pytest.approx(0.4009, abs=2e-4)


def test_little_noise_is_limited_by_the_minimum_effect() -> None:
    # the floor of s is 0.005: error = 0.005 * sqrt(31 / 30) = 0.0050826, 2.462 * error < ln(1.05)
    expected = 1.05 * math.exp(0.8542 * 0.0050826) - 1

    assert detectable_change(0.0001, 30, POLICY) == pytest.approx(expected, abs=1e-6)


def test_the_outlook_starts_from_what_a_run_says_itself() -> None:
    found = outlook([QUIET], POLICY)
    said = suspicion(800.0, QUIET, POLICY, "lower").minimum_detectable

    assert found is not None
    assert found.now == pytest.approx(said)
    assert found.full_window < found.now
    assert found.half_noise < found.now


def test_series_that_cannot_be_judged_have_no_outlook() -> None:
    assert outlook([], POLICY) is None
    assert outlook([QUIET[:4], (), [0.0] * 8], POLICY) is None


# ln(x / 800) = -2, -1, 0, 1, 2 times 0.0632456: their sample standard deviation is
# 0.0632456 * sqrt(10 / 4) = 0.10, and nothing is beyond 2.5 * 1.4826 * 0.0632456 = 0.23.
FIVE = [800.0 * math.exp(0.0632456 * step) for step in (-2, -1, 0, 1, 2)]
P95 = Series("http_req_duration", {}, "p(95)")


def against(history: list[float], value: float = 800.0, series: Series = P95) -> Diff:
    return diff(series, value, history, POLICY)


def test_a_full_window_and_half_the_noise_of_a_hand_calculation() -> None:
    # Printed tables: t(.99, 4) = 3.7469, t(.80, 4) = 0.9410.
    # now: exp(4.6879 * 0.10 * sqrt(6 / 5)) - 1 = exp(0.51354) - 1 = 0.6712
    # 30 runs: t(.99, 29) + t(.80, 29) = 3.3162; exp(3.3162 * 0.10 * sqrt(31 / 30)) - 1 = 0.4009
    # half the noise: exp(0.25677) - 1 = 0.2927
    found = remedy(against(FIVE))

    assert found is not None
    assert found.now == pytest.approx(0.6712, abs=3e-4)
    assert found.full_window == pytest.approx(0.4009, abs=3e-4)
    assert found.half_noise == pytest.approx(0.2927, abs=3e-4)
    assert found.helps


def test_half_the_noise_halves_the_detectable_distance() -> None:
    # On logarithms the detectable change is proportional to s as long as no floor is reached.
    found = remedy(against(FIVE))

    assert found is not None
    assert math.log1p(found.half_noise) == pytest.approx(math.log1p(found.now) / 2)


def test_more_is_better_looks_at_the_fall() -> None:
    # A fall by 1 - exp(-0.51354) = 0.4016.
    found = remedy(against(FIVE, series=Series("http_reqs", {}, "rate")))

    assert found is not None
    assert found.now == pytest.approx(0.4016, abs=3e-4)


def test_rates_are_in_points_and_a_constant_one_is_limited_by_its_minimum() -> None:
    # s is at its floor of 0.0005: 3.3162 * 0.0005 * sqrt(31 / 30) is less than the minimum of
    # 0.005 points, so that 0.005 + 0.8542 * 0.0005 * sqrt(31 / 30) = 0.005434 stays.
    found = remedy(against([0.01] * 30, 0.01, Series("http_req_failed", {}, "rate")))

    assert found is not None
    assert found.now == found.half_noise == pytest.approx(0.005434, abs=1e-6)
    assert found.full_window is None
    assert not found.helps


def test_no_interval_has_no_remedy() -> None:
    assert remedy(against([])) is None
    assert remedy(against([800.0])) is None
    assert remedy(pinned_diff(P95, 800.0, 800.0, FIVE)) is None
    assert remedy(diff(P95, None, FIVE, POLICY)) is None


def test_chance_makes_half_of_alpha_suspect() -> None:
    # 67 series * 0.02 / 2, the bad direction alone.
    assert suspects_by_chance(67, POLICY) == pytest.approx(0.67)
    assert suspects_by_chance(0, POLICY) == 0
