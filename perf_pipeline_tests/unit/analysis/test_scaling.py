"""The Universal Scalability Law through capacities whose coefficients are known.

    C(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))

With lambda 100/s, sigma 0.05 and kappa 0.01, by hand:
    C(1) = 100, C(2) = 200 / (1 + 0.05 + 0.02) = 186.92, C(3) = 300 / (1 + 0.1 + 0.06) = 258.62,
    C(4) = 400 / (1 + 0.15 + 0.12) = 314.96, C(5) = 500 / (1 + 0.2 + 0.2) = 357.14.
"""

import math
import random
from collections.abc import Sequence
from typing import Final

import pytest

from perf_pipeline.analysis.scaling import (
    CapacityAt,
    ScalabilityLaw,
    efficiency,
    fitted,
)
from perf_pipeline.analysis.scaling_answer import NO_LAW, scaling_answer, scaling_figures
from perf_pipeline_tests.support.scaled import LAW, holds_all, simulated

BY_HAND: Final = {1: 100.0, 2: 186.91589, 3: 258.62069, 4: 314.96063, 5: 357.14286}


def at(units: int, per_s: float, error: float = 0.0) -> CapacityAt:
    """Make a capacity whose interval reaches so far to both sides."""
    return CapacityAt(units, per_s, per_s / (1 + error), per_s * (1 + error))


def test_the_law_is_gunthers() -> None:
    assert {n: LAW.capacity(n) for n in BY_HAND} == pytest.approx(BY_HAND, rel=1e-7)
    assert LAW.peak == pytest.approx(9.7468, rel=1e-4)  # sqrt(0.95 / 0.01)
    assert ScalabilityLaw(100.0, 0.05, 0.0).peak == math.inf
    assert ScalabilityLaw(100.0, 1.2, 0.01).peak == 1.0


def test_the_next_unit_brings_less_and_less() -> None:
    # From 3 to 4 units come 56.3/s, from 4 to 5 42.2/s.
    assert LAW.next_share(3) == pytest.approx(0.5634, abs=1e-4)
    assert LAW.next_share(4) == pytest.approx(0.4218, abs=1e-4)
    assert [LAW.last_worth(share) for share in (0.5, 0.42, 0.9)] == [4, 5, 1]
    # Beyond its peak at 9.7 units one more brings nothing at all.
    assert LAW.last_worth(1e-9) == 10
    assert ScalabilityLaw(100.0, 0.0, 0.0).last_worth(0.9) is None


@pytest.mark.parametrize("units", [(1, 2, 4), (1, 2, 3, 5), (2, 4, 5)])
def test_exact_capacities_give_the_coefficients_back(units: Sequence[int]) -> None:
    fit = fitted([at(n, LAW.capacity(n)) for n in units])

    assert fit is not None
    assert fit.law.per_unit == pytest.approx(100.0, rel=1e-6)
    assert fit.law.sigma == pytest.approx(0.05, abs=1e-6)
    assert fit.law.kappa == pytest.approx(0.01, abs=1e-6)
    for estimate in (fit.sigma, fit.kappa):
        assert estimate.high - estimate.low < 1e-5


@pytest.mark.parametrize("seed", range(6))
def test_noisy_capacities_give_intervals_that_hold_the_coefficients(seed: int) -> None:
    chance = random.Random(seed)
    law = ScalabilityLaw(
        chance.uniform(5, 500),
        chance.uniform(0, 0.3),
        chance.choice([0.0, chance.uniform(0, 0.02)]),
    )
    points = [at(n, law.capacity(n) * chance.uniform(0.96, 1.04), 0.05) for n in (1, 2, 4, 8)]
    fit = fitted(points)

    assert fit is not None
    assert holds_all(fit, law)
    # An interval is what capacities leave open, and no more: sigma is not known to be anything.
    assert fit.sigma.high < 1.0


def test_an_interval_is_as_wide_as_the_capacities_leave_it() -> None:
    # One unit carries 100, two between 160 and 200, and four anything: 1 + sigma + 2 kappa lies
    # between 200 / 200 and 200 / 160, so that sigma is at most 0.25 and kappa at most 0.125.
    points = [at(1, 100.0), CapacityAt(2, 180.0, 160.0, 200.0), CapacityAt(4, 300.0, 1.0, 400.0)]
    fit = fitted(points)

    assert fit is not None
    assert (fit.sigma.low, fit.sigma.high) == pytest.approx((0.0, 0.25), abs=1e-6)
    assert (fit.kappa.low, fit.kappa.high) == pytest.approx((0.0, 0.125), abs=1e-6)
    # kappa 0.125 with sigma 0 peaks at sqrt(1 / 0.125) = 2.83 units, kappa 0 nowhere.
    assert fit.peak.low == pytest.approx(2.828, rel=1e-3)
    assert fit.peak.high == math.inf


def test_more_than_linear_growth_has_no_law() -> None:
    answer = scaling_answer([at(1, 100.0, 0.01), at(2, 250.0, 0.01), at(4, 600.0, 0.01)], 0.5)

    assert (answer.fit, answer.why) == (None, NO_LAW)
    # The efficiency is a figure nevertheless: 600 / 4 / 100.
    assert dict(scaling_figures(answer, (1, 2, 4))) == {
        "scaling_capacity_per_s": 600.0,
        "scaling_efficiency_ratio": pytest.approx(1.5),
    }


def test_two_capacities_have_an_efficiency_and_no_law() -> None:
    answer = scaling_answer([at(1, 100.0, 0.05), at(2, 160.0, 0.05)], 0.5)

    assert answer.fit is None
    assert answer.why.endswith("and only 2 of 2 capacities are known")
    assert answer.efficiencies[1] is not None
    # 160 / 200, and (160 / 1.05) / (2 * 105) to (160 * 1.05) / (2 * 100 / 1.05)
    assert answer.efficiencies[1].value == pytest.approx(0.8)
    assert answer.efficiencies[1].low == pytest.approx(0.72562, rel=1e-4)
    assert answer.efficiencies[1].high == pytest.approx(0.882, rel=1e-4)


def test_an_efficiency_beside_more_than_the_fewest_units_is_no_figure() -> None:
    # Of 1 unit nothing is known; (200 / 4) / (100 / 2) = 1, as if there were no loss at all.
    answer = scaling_answer([at(2, 100.0, 0.05), at(4, 200.0, 0.05)], 0.5)

    assert dict(scaling_figures(answer, (1, 2, 4))) == {"scaling_capacity_per_s": 200.0}
    assert dict(scaling_figures(answer, (2, 4)))["scaling_efficiency_ratio"] == pytest.approx(1.0)


def test_capacities_that_only_fall_may_have_no_law() -> None:
    # N / C(N) is 1, 3 and 7 at 2, 4 and 8 units: N - 1, so that 1 / lambda is 0.
    points = [at(2, 2.0, 0.05), at(4, 4 / 3, 0.05), at(8, 8 / 7, 0.05)]
    answer = scaling_answer(points, 0.5)

    assert (answer.fit, answer.why) == (None, NO_LAW)


def test_at_least_a_rate_is_no_capacity_and_bounds_the_coefficients() -> None:
    points = [at(n, LAW.capacity(n), 0.05) for n in (1, 2, 4)]
    open_end = CapacityAt(8, None, 390.0, math.inf)
    without, fit = fitted(points), fitted([*points, open_end])

    assert without is not None
    assert fit is not None
    assert fit.kappa.high < without.kappa.high
    assert holds_all(fit, LAW)
    assert efficiency(open_end, points[0]) is None
    answer = scaling_answer([*points, open_end], 0.5)
    assert "scaling_capacity_per_s" not in dict(scaling_figures(answer, (1, 2, 4, 8)))


@pytest.mark.parametrize(("sigma", "kappa"), [(0.05, 0.01), (0.2, 0.0), (0.0, 0.02)])
def test_searches_of_simulated_systems_give_the_coefficients_back(
    sigma: float, kappa: float
) -> None:
    # Each window of a system with n units holds below C(n), but for noise of 2 % (sd).
    law = ScalabilityLaw(80.0, sigma, kappa)
    fit = fitted(list(simulated(law, 3, (1, 2, 4, 8))))

    assert fit is not None
    assert holds_all(fit, law)
    assert fit.law.sigma == pytest.approx(sigma, abs=0.08)
    assert fit.law.kappa == pytest.approx(kappa, abs=0.01)
