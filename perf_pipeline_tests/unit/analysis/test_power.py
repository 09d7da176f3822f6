import math

import pytest

from perf_pipeline.analysis.power import detectable_change, outlook
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
