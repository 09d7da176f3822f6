import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus, direction, suspicion
from perf_pipeline.metrics.catalog import Better

POLICY = BaselinePolicy()
# ln(value / 800) = -0.02 -0.01 0 0.01 0.02: mean 0, s = sqrt(10e-4 / 4) = 0.0158114,
# s * sqrt(1 + 1/5) = sqrt(2.5e-4 * 1.2) = sqrt(3e-4) = 0.0173205, t(0.99, 4) = 3.747
FIVE = [800 * math.exp(y) for y in (0.01, -0.02, 0.0, 0.02, -0.01)]
ERROR = math.sqrt(3e-4)


def test_z_critical_and_interval_are_those_of_the_hand_calculation() -> None:
    judged = suspicion(800 * math.exp(0.07), FIVE, POLICY, "lower")

    assert judged.z == pytest.approx(0.07 / ERROR)  # 4.04
    assert judged.critical == pytest.approx(3.747, abs=5e-4)
    assert judged.effect is not None
    assert judged.effect.change == pytest.approx(math.expm1(0.07))
    assert judged.effect.low == pytest.approx(math.expm1(0.07 - 3.747 * ERROR), abs=1e-5)
    assert judged.effect.high == pytest.approx(math.expm1(0.07 + 3.747 * ERROR), abs=1e-5)
    assert judged.effect.scale is Scale.RELATIVE


def test_the_minimum_detectable_effect_is_critical_plus_power_quantile() -> None:
    # (3.747 + t(0.80, 4) = 0.941) * 0.0173205 = 0.08120; exp - 1 = 8.46 %
    judged = suspicion(800, FIVE, POLICY, "lower")

    assert judged.minimum_detectable == pytest.approx(0.0846, abs=1e-4)


def test_for_throughput_the_minimum_detectable_effect_is_a_fall() -> None:
    # 1 - exp(-0.08120) = 7.80 %
    judged = suspicion(800, FIVE, POLICY, "higher")

    assert judged.minimum_detectable == pytest.approx(0.0780, abs=1e-4)


@pytest.mark.parametrize(
    ("log_change", "better", "status"),
    [
        (0.07, "lower", DiffStatus.SUSPECT),
        (-0.07, "lower", DiffStatus.IMPROVED),
        (0.07, "higher", DiffStatus.IMPROVED),
        (-0.07, "higher", DiffStatus.SUSPECT),
        (0.07, "neither", DiffStatus.OK),
        (0.064, "lower", DiffStatus.OK),  # z = 3.695 < 3.747
        (0.066, "lower", DiffStatus.SUSPECT),  # z = 3.811 > 3.747
    ],
)
def test_direction_and_significance_decide_the_status(
    log_change: float, better: Better, status: DiffStatus
) -> None:
    assert suspicion(800 * math.exp(log_change), FIVE, POLICY, better).status is status


def test_a_significant_change_below_the_minimum_effect_is_ok() -> None:
    quiet = [1000.0 + 0.1 * i for i in range(10)]  # sd at the floor of 0.5 %, t(0.99, 9) = 2.821

    assert suspicion(1040.0, quiet, POLICY, "lower").status is DiffStatus.OK
    assert suspicion(1040.0, quiet, POLICY, "lower", 0.03).status is DiffStatus.SUSPECT


def test_fewer_than_five_runs_are_learning_whatever_the_change() -> None:
    judged = suspicion(9_000.0, FIVE[:4], POLICY, "lower")

    assert judged.status is DiffStatus.LEARNING
    assert judged.effect is not None
    assert judged.effect.low is not None


def test_one_run_of_history_gives_a_change_without_an_interval() -> None:
    judged = suspicion(110.0, [100.0], POLICY, "lower")

    assert judged.effect is not None
    assert judged.effect.change == pytest.approx(0.1)
    assert (judged.effect.low, judged.z, judged.minimum_detectable) == (None, None, None)


def test_no_history_is_learning_without_an_effect() -> None:
    assert suspicion(110.0, [], POLICY, "lower").effect is None


@pytest.mark.parametrize(
    ("rate", "status"),
    [
        (0.004, DiffStatus.OK),  # 0.4 points: significant, and too small to matter
        (0.006, DiffStatus.SUSPECT),
    ],
)
def test_an_error_rate_is_judged_in_points_and_needs_half_a_point(
    rate: float, status: DiffStatus
) -> None:
    judged = suspicion(rate, [0.0] * 10, POLICY, "lower", scale=Scale.POINTS)

    assert judged.status is status
    assert judged.effect is not None
    assert judged.effect.change == pytest.approx(rate)


@pytest.mark.parametrize(
    ("count", "status"),
    [
        # mean 0, sd floor 1, n 10: 2.821 * 1 * sqrt(1.1) = 2.959
        (2.0, DiffStatus.OK),
        (3.0, DiffStatus.SUSPECT),
    ],
)
def test_a_count_that_is_usually_zero_is_judged_in_its_own_unit(
    count: float, status: DiffStatus
) -> None:
    judged = suspicion(count, [0.0] * 10, POLICY, "lower")

    assert judged.status is status
    assert judged.effect is not None
    assert judged.effect.scale is Scale.UNIT


@pytest.mark.parametrize("value", [0.0, -5.0, 1e-300, 1e300])
def test_absurd_values_never_crash(value: float) -> None:
    assert suspicion(value, [1e-300, 1e300], POLICY, "lower").effect is not None
    assert suspicion(value, FIVE, POLICY, "higher").effect is not None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_never_ok(value: float) -> None:
    assert suspicion(value, [5.0] * 6, BaselinePolicy(), "lower").status is DiffStatus.NO_DATA


def test_a_baseline_leaves_out_what_is_no_number() -> None:
    five = [5.0, 5.1, 4.9, 5.05, 4.95]
    found = suspicion(9.0, [*five, math.nan], BaselinePolicy(), "lower")

    assert found == suspicion(9.0, five, BaselinePolicy(), "lower")


_VALUES = st.floats(0.0, 1e6) | st.sampled_from((80.0, 80.0, 81.0, math.inf, math.nan))
_WORDS = {DiffStatus.SUSPECT: 1, DiffStatus.IMPROVED: -1}


@given(
    value=_VALUES,
    baseline=st.lists(_VALUES, max_size=40),
    minimum_runs=st.integers(1, 6),
    scale=st.sampled_from((None, Scale.POINTS, Scale.UNIT)),
)
def test_a_direction_is_what_a_suspicion_says_in_one_word(
    value: float, baseline: list[float], minimum_runs: int, scale: Scale | None
) -> None:
    policy = BaselinePolicy(minimum_runs=minimum_runs)
    judged = suspicion(value, baseline, policy, "lower", scale=scale)

    assert direction(value, baseline, policy, scale=scale) == _WORDS.get(judged.status, 0)
