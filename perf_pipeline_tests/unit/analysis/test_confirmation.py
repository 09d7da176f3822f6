"""A run and its re-runs together: more than half of all runs, and the interval of their mean."""

import math
from dataclasses import replace
from typing import Final

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.confirmation import (
    counted,
    is_beyond_doubt,
    is_clear,
    is_confirmed,
    together,
)
from perf_pipeline.analysis.noise import student_t

OK, SUSPECT, LEARNING = DiffStatus.OK, DiffStatus.SUSPECT, DiffStatus.LEARNING
REGRESSED, CHANGED = DiffStatus.REGRESSED, DiffStatus.ENVIRONMENT_CHANGED
CALM = [80.0, 80.8, 79.2, 80.4, 79.6, 80.0, 80.6, 79.4]


@pytest.fixture
def slow() -> Diff:
    return diff(Series("http_req_duration", {}, "p(95)"), 100.0, CALM, BaselinePolicy())


@pytest.mark.parametrize(
    ("before", "again", "told", "majority"),
    [
        ((OK, OK), (), "1 of 3 runs", False),
        ((OK, SUSPECT), (), "2 of 3 runs", True),
        ((OK, OK), (SUSPECT,), "2 of 4 runs", False),
        ((OK, OK), (REGRESSED, OK), "2 of 5 runs", False),
        ((OK, OK), (SUSPECT, REGRESSED), "3 of 5 runs", True),
        ((SUSPECT, OK), (OK, OK), "2 of 5 runs", False),
        ((SUSPECT, OK), (SUSPECT,), "3 of 4 runs", True),
        ((OK, OK), (LEARNING, CHANGED), "1 of 3 runs", False),
        ((), (SUSPECT,), "2 of 2 runs", True),
    ],
)
def test_a_regression_takes_more_than_half_of_all_runs(
    slow: Diff,
    before: tuple[DiffStatus, ...],
    again: tuple[DiffStatus, ...],
    told: str,
    majority: bool,
) -> None:
    count = counted(replace(slow, before=before), again)

    assert (str(count), count.is_majority) == (told, majority)


def test_a_comparison_knows_what_the_two_runs_before_said(slow: Diff) -> None:
    assert slow.before == (OK, OK)
    again = diff(slow.series, 101.0, [*CALM, 100.0], BaselinePolicy())
    assert (again.status, again.before) == (REGRESSED, (OK, SUSPECT))


def test_three_runs_together_have_the_interval_of_their_mean(slow: Diff) -> None:
    # ln of the three changes: 0.2231, 0.2623, 0.1823; their mean 0.2226 is +24.9 %
    found = together(slow, [0.3, 0.2])

    assert found is not None
    assert found.change == pytest.approx(math.exp(0.22261) - 1, rel=1e-3)
    # half width t(0.99, 7) * s * sqrt(1/3 + 1/8), and one run alone has sqrt(1 + 1/8)
    assert slow.error is not None
    s = slow.error / math.sqrt(1 + 1 / 8)
    half = student_t(0.99, 7) * s * math.sqrt(1 / 3 + 1 / 8)
    assert found.low == pytest.approx(math.exp(0.22261 - half) - 1, rel=1e-2)
    assert found.high == pytest.approx(math.exp(0.22261 + half) - 1, rel=1e-2)


def test_without_re_runs_or_without_an_interval_there_is_none_together(slow: Diff) -> None:
    assert together(slow, []) is None
    assert together(replace(slow, effect=None), [0.2]) is None


NOISY: Final = [700.0, 900.0, 750.0, 850.0, 800.0, 720.0, 880.0, 800.0, 760.0, 840.0]


@pytest.mark.parametrize(
    ("value", "again", "beyond"),
    [
        # s of these logarithms is 0.0847, error 0.0889; t(0.99, 9) = 2.82 and t(0.999, 9) = 4.30
        # give + 28.5 % for one run alone, and + 46.5 % for runs that may share their noise
        (1_050.0, [0.32, 0.32], False),
        (1_200.0, [0.5, 0.5], True),
        (1_200.0, [0.5, 0.1], False),
    ],
)
def test_re_runs_that_may_share_their_noise_must_be_beyond_doubt(
    value: float, again: list[float], beyond: bool
) -> None:
    one = diff(Series("http_req_duration", {}, "p(95)"), value, NOISY, BaselinePolicy())

    assert one.status is DiffStatus.SUSPECT
    assert is_beyond_doubt(one, again) is beyond


@pytest.mark.parametrize(
    ("again", "clear"),
    [
        # s is 0.0847 (above), error 0.0889 and n = 10: t(0.999, 9) * s * sqrt(1/3 + 1/10) = 0.240,
        # which the mean of ln 1.31 = 0.270, ln 1.30 = 0.262 and ln(1 + change) must exceed
        ([0.30, 0.30], True),
        ([0.30, 0.10], False),  # (0.270 + 0.262 + 0.095) / 3 = 0.209
        ([], True),
    ],
)
def test_what_two_runs_show_must_be_clear_in_the_re_runs_as_well(
    again: list[float], clear: bool
) -> None:
    one = diff(
        Series("http_req_duration", {}, "p(95)"), 1_044.0, [*NOISY, 1_044.0], BaselinePolicy()
    )

    assert one.status is REGRESSED
    assert one.effect is not None
    assert one.effect.change == pytest.approx(0.31, abs=0.005)
    assert is_clear(one, again) is clear
    assert is_confirmed(one, [SUSPECT, OK], again) is clear


def test_what_adjusting_for_a_machine_leaves_open_is_not_averaged_away() -> None:
    # error 0.178, of which 0.0889 is noise (n = 10). Three runs: hypot(0.0889 * sqrt((1/3 + 1/10) /
    # (1 + 1/10)), sqrt(0.178^2 - 0.0889^2)) = 0.164, times t(0.999, 9) = 4.297 is 0.705; if all of
    # it were noise, 4.297 * 0.178 * 0.628 = 0.480
    regressed = diff(
        Series("http_req_duration", {}, "p(95)"), 1_350.0, [*NOISY, 1_350.0], BaselinePolicy()
    )
    measured = replace(regressed, error=0.178)
    adjusted = replace(measured, machine_factor=1.4)

    # the mean of ln(1.69) = 0.525 three times
    assert is_clear(measured, [0.69, 0.69])
    assert not is_clear(adjusted, [0.69, 0.69])
    # ln(2.1) = 0.742
    assert is_clear(adjusted, [1.3, 1.3])


def test_re_runs_must_be_beyond_the_runs_before_as_well() -> None:
    # eight slow runs among thirty: the noise has a second level
    history = [800.0, 804.0, 796.0, 1_120.0, 1_126.0, 802.0, 798.0, 800.0] * 4
    one = diff(Series("http_req_duration", {}, "p(95)"), 1_130.0, history, BaselinePolicy())

    assert one.order_limit is not None
    assert not is_beyond_doubt(one, [one.order_limit - 0.01] * 2)
