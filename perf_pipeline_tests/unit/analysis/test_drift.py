"""How fast something grew: against SciPy, hand calculations, and series whose truth is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import theilslopes

from perf_pipeline.analysis.drift import GROWS, STAYS, UNKNOWN, Drift, drift_of

Points = list[tuple[float, float]]
SECONDS = 600
MARGIN = 0.05


def points(values: Sequence[float]) -> Points:
    """Place values a second apart."""
    return [(number / 3_600, float(value)) for number, value in enumerate(values)]


def share_that_grows(make: Callable[[np.random.Generator], Sequence[float]], times: int) -> float:
    found = [drift_of(points(make(np.random.default_rng(seed)))) for seed in range(times)]
    return sum(drift is not None and drift.finding(MARGIN) == GROWS for drift in found) / times


def test_slope_and_interval_of_independent_readings_are_those_of_scipy() -> None:
    # Each value is between those beside it by turns above and below, so nothing is enlarged.
    drawn = np.random.default_rng(5).normal(100, 1, 40)
    values = np.column_stack([drawn[:20], -drawn[20:]]).ravel()

    drift = drift_of(points(values.tolist()))

    slope, _, low, high = theilslopes(values, np.arange(40) / 3_600, alpha=0.95)
    assert drift is not None
    assert drift.low_per_h is not None
    assert drift.high_per_h is not None
    assert drift.per_h == pytest.approx(slope)
    # SciPy rounds to the nearest of the 780 slopes, and here it is the next one further out.
    assert drift.low_per_h == pytest.approx(low, rel=0.02)
    assert drift.high_per_h == pytest.approx(high, rel=0.02)
    assert drift.low_per_h <= low
    assert drift.high_per_h >= high


@pytest.mark.parametrize("count", [20, 25, 40, 120])
def test_what_falls_is_the_mirror_of_what_grows(count: int) -> None:
    # The lower end of the one is the upper end of the other: so many slopes lie beyond each.
    values = np.random.default_rng(count).normal(0, 1, count)

    up, down = drift_of(points(values.tolist())), drift_of(points((-values).tolist()))

    assert up is not None
    assert down is not None
    assert up.low_per_h is not None
    assert up.high_per_h is not None
    assert (down.low_per_h, down.high_per_h) == (-up.high_per_h, -up.low_per_h)


def test_a_line_has_its_slope_and_no_doubt() -> None:
    drift = drift_of(points([5 + 2 * second for second in range(60)]))

    # 2 a second are 7,200 an hour; 59 s are 0.0164 h; the median of 5, 7, … 123 is 64.
    assert drift is not None
    assert drift.per_h == pytest.approx(7_200)
    assert drift.low_per_h == pytest.approx(7_200)
    assert drift.high_per_h == pytest.approx(7_200)
    assert (drift.points, drift.level) == (60, 64)
    assert drift.hours == pytest.approx(59 / 3_600)
    assert drift.finding(MARGIN) == GROWS


def test_what_never_changes_does_not_grow_even_at_zero() -> None:
    for level in (0.0, 7.0):
        drift = drift_of(points([level] * 30))
        assert drift is not None
        assert (drift.per_h, drift.low_per_h, drift.high_per_h) == (0, 0, 0)
        assert drift.finding(MARGIN) == STAYS


def test_too_few_readings_say_nothing() -> None:
    assert drift_of(points(range(9))) is None
    assert drift_of([(1.0, 2.0)] * 20) is None


@pytest.mark.parametrize("teeth", [2, 3, 10, 120])
def test_a_saw_of_a_garbage_collector_is_no_growth(teeth: float) -> None:
    def saw(random: np.random.Generator) -> list[float]:
        at = np.arange(SECONDS) / SECONDS * teeth + random.uniform()
        return list(50 + at % 1 + random.normal(0, 0.02, SECONDS))

    assert share_that_grows(saw, 20) <= 0.05


def test_a_leak_below_a_saw_is_found() -> None:
    def saw(random: np.random.Generator) -> list[float]:
        at = np.arange(SECONDS) / SECONDS * 12 + random.uniform()
        return list(50 + at % 1 + np.arange(SECONDS) * 0.005)

    assert share_that_grows(saw, 5) == 1


@pytest.mark.parametrize("alike", [0.0, 0.9])
def test_readings_that_resemble_one_another_are_not_taken_for_growth(alike: float) -> None:
    # The interval may miss the slope in 5 of 100, on the upper side in 2.5; 60 series with a share
    # of 0.025 have a standard deviation of 0.02.
    def wave(random: np.random.Generator) -> list[float]:
        noise, value, values = random.normal(size=SECONDS + 300), 0.0, []
        for step in noise:
            value = alike * value + step
            values.append(value)
        return values[300:]

    assert share_that_grows(wave, 60) <= 0.085


def test_a_slope_in_noise_lies_within_its_interval() -> None:
    inside = 0
    for seed in range(100):
        noise = np.random.default_rng(seed).normal(0, 3, 60)
        drift = drift_of(points((noise + np.arange(60) * 0.1).tolist()))
        assert drift is not None
        assert drift.low_per_h is not None
        assert drift.high_per_h is not None
        inside += drift.low_per_h <= 360 <= drift.high_per_h
    # 95 of 100 are meant, with a standard deviation of 2.2.
    assert inside >= 89


def test_one_step_up_in_the_middle_is_not_a_steady_growth() -> None:
    drift = drift_of(points([10.0] * 60 + [11.0] * 60))

    assert drift is not None
    assert drift.finding(MARGIN) == UNKNOWN


def test_it_says_how_long_it_would_take_to_tell() -> None:
    # An interval becomes narrower with the time watched to the power of 3/2: of 10 ± 80 an hour
    # the half width is 8 times the slope, so that 8^(2/3) = 4 times as long shows it.
    doubtful = Drift(100, 2.0, 500.0, 10.0, -70.0, 90.0)
    assert doubtful.finding(MARGIN) == UNKNOWN
    assert doubtful.hours_to_tell(MARGIN) == pytest.approx(8)
    # 0 ± 20 an hour over 2 h allow 40; 5 % of 500 are 25, so (40 / 25)^2 times as long.
    still = Drift(100, 2.0, 500.0, 0.0, -20.0, 20.0)
    assert still.finding(MARGIN) == UNKNOWN
    assert still.hours_to_tell(MARGIN) == pytest.approx(2 * 1.6**2)
    # From 10 ± 80 to a bound of 90 are 80: as long as it was.
    assert doubtful.hours_to_decide(90.0) == pytest.approx(2)
    assert doubtful.hours_to_decide(20.0) == pytest.approx(8)


def test_an_interval_without_ends_cannot_tell() -> None:
    endless = Drift(10, 1.0, 5.0, 1.0, None, None)

    assert endless.finding(MARGIN) == UNKNOWN
    assert endless.hours_to_tell(MARGIN) is None
    assert endless.hours_to_decide(5.0) is None
