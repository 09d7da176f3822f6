import math
import random

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.covariate import Slope, adjusted, slope
from perf_pipeline.analysis.machine import Machine, Slowdown

POLICY = BaselinePolicy()
P95 = Series("http_req_duration", {}, "p(95)")
RATE = Series("http_reqs", {}, "rate")
QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0, 800.0, 803.0]
USUAL = Machine(cpu_s=0.1, loopback_s=0.2)


def slower(factor: float) -> Machine:
    return Machine(cpu_s=0.1 * factor, loopback_s=0.2 * factor)


def test_a_quiet_machine_teaches_no_slope() -> None:
    assert slope([6.6, 6.7, 6.5, 6.6], [0.0] * 4) == Slope(1.0, 0.25, learned=False)
    # two runs beside a slow machine are too few as well
    assert slope([6.6, 6.7, 6.5, 6.6, 6.6], [0.0, 0.3, 0.0, 0.3, 0.0]) == Slope()


def test_a_machine_that_varies_teaches_the_slope() -> None:
    # half of the machine's factor, give or take 1 %
    factors = [0.0, 0.0, 0.3, 0.3] * 5
    positions = [0.5 * g + noise for g, noise in zip(factors, [0.01, -0.01] * 10, strict=True)]

    learned = slope(positions, factors)

    # sum of squares 20 * 0.15^2 = 0.45, residual variance 20 * 0.01^2 / 18 = 0.000111:
    # precision 0.45 / 0.000111 + 16 = 4066, slope 1 - 0.5 * 4050 / 4066 = 0.502
    assert learned.value == pytest.approx(0.502, abs=0.0005)
    assert learned.sd == pytest.approx(4066**-0.5, rel=1e-3)
    assert learned.learned


def test_a_slope_stays_between_none_and_half_as_much_again() -> None:
    factors = [0.0, 0.0, 0.3, 0.3] * 5
    noise = [0.01, -0.01] * 10

    steep = slope([3 * g + e for g, e in zip(factors, noise, strict=True)], factors)
    turned = slope([-g + e for g, e in zip(factors, noise, strict=True)], factors)

    assert (steep.value, turned.value) == (1.5, 0.0)


def test_only_a_run_beside_a_slow_machine_is_adjusted() -> None:
    runs = adjusted(
        [100.0, 100.0, 140.0], [Slowdown(), Slowdown(), Slowdown(math.log(1.4), 0.02)], 1
    )

    assert runs.values == pytest.approx((100.0, 100.0, 100.0))
    # sqrt(0.02^2 + (0.3365 * 0.25)^2) = 0.0865
    assert runs.errors == pytest.approx((0, 0, 0.08647), abs=1e-5)
    assert runs.factor == pytest.approx(1.4)


def judged(series: Series, value: float, before: list[float], factor: float) -> Diff:
    """Judge a run after others like it, all of them beside a machine slower by a factor."""
    machines = [USUAL] * len(QUIET) + [slower(factor)] * len(before)
    history = [*QUIET, *before]
    return diff(series, value, history, POLICY, machine=slower(factor), machines=machines)


@pytest.mark.parametrize("factor", [1.1, 1.2, 1.4, 1.6])
def test_a_slower_machine_is_no_regression_and_the_report_says_so(factor: float) -> None:
    value = 800 * factor

    found = judged(P95, value, [value], factor)

    assert found.status is DiffStatus.OK
    assert found.machine_factor == pytest.approx(factor)
    assert found.reason == (
        f"the machine itself was {100 * (factor - 1):.0f} % slower than usual during this run, "
        "which explains the figure"
    )
    assert diff(P95, value, [*QUIET, value], POLICY).status is DiffStatus.REGRESSED


def test_a_real_slowdown_beside_a_slower_machine_is_found() -> None:
    found = judged(P95, 800 * 1.4 * 1.5, [800 * 1.4 * 1.5], 1.4)

    assert found.status is DiffStatus.REGRESSED
    assert found.effect is not None
    assert found.effect.change == pytest.approx(0.5, abs=0.01)


def test_throughput_falls_with_a_slower_machine_and_may_stay_as_well() -> None:
    assert judged(RATE, 800 / 1.4, [800 / 1.4], 1.4).status is DiffStatus.OK
    # an arrival rate that the system still keeps is no improvement
    assert judged(RATE, 800.0, [800.0], 1.4).status is DiffStatus.OK
    assert judged(RATE, 400.0, [400.0], 1.4).status is DiffStatus.REGRESSED


def test_a_machine_as_usual_changes_nothing() -> None:
    machines = [USUAL] * len(QUIET)

    with_machine = diff(P95, 900.0, QUIET, POLICY, machine=USUAL, machines=machines)

    assert with_machine == diff(P95, 900.0, QUIET, POLICY)


def test_two_types_of_machine_hide_no_slowdown() -> None:
    seeded = random.Random(7)
    machines = [slower(1.4) if n % 3 == 2 else USUAL for n in range(30)]
    history = [
        800 * (1.4 if n % 3 == 2 else 1.0) * math.exp(seeded.gauss(0, 0.02)) for n in range(30)
    ]

    def of(value: float, machine: Machine) -> DiffStatus:
        return diff(P95, value, history, POLICY, machine=machine, machines=machines).status

    assert of(800 * 1.4, slower(1.4)) is DiffStatus.OK
    assert of(800 * 1.4, USUAL) is DiffStatus.SUSPECT
    assert of(800 * 1.4 * 1.2, slower(1.4)) is DiffStatus.SUSPECT
