import random

import pytest

from perf_pipeline.analysis.baseline import DiffStatus, Series, release_diff
from perf_pipeline.analysis.machine import Machine
from perf_pipeline.analysis.pinned import pair_diff
from perf_pipeline.analysis.suspicion import BaselinePolicy, suspicion

POLICY = BaselinePolicy()
P95 = Series("http_req_duration", {}, "p(95)")
P99 = Series("http_req_duration", {}, "p(99)")
QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]  # about 0.7 % of noise
SLOW = 1_000.0


def test_a_slow_drift_is_found_by_the_pinned_release() -> None:
    drift = [800 * 1.01**run for run in range(1, 13)]  # 1 % a run: + 12.7 % after twelve
    statuses = [
        release_diff(P95, drift[n], QUIET, drift[:n], against="v1.4", policy=POLICY).status
        for n in range(12)
    ]

    # ln(1.05) / ln(1.01) = 4.9: from the fifth run on it is more than 5 %
    assert statuses == [DiffStatus.OK] * 4 + [DiffStatus.SUSPECT] + [DiffStatus.REGRESSED] * 7


def test_a_release_says_what_it_was_and_against_which_figure() -> None:
    outcome = release_diff(P95, SLOW, QUIET, against="v1.4", policy=POLICY)

    assert (outcome.against, outcome.pinned, outcome.noise.n) == ("v1.4", 800.0, 8)
    assert outcome.status is DiffStatus.SUSPECT


def test_a_release_of_one_run_borrows_the_spread_of_the_runs_since() -> None:
    # n = 1: a new run is sqrt(1 + 1/1) = 1.41 standard deviations wide, with 8 - 1 degrees
    expected = suspicion(870.0, [800.0], POLICY, "lower", spread=QUIET)
    outcome = release_diff(P95, 870.0, [800.0], QUIET, against="v1", policy=POLICY)

    assert outcome.status is DiffStatus.SUSPECT
    assert outcome.effect == expected.effect
    assert outcome.minimum_detectable == expected.minimum_detectable


def test_a_release_without_any_spread_is_learning() -> None:
    outcome = release_diff(P95, SLOW, [800.0], QUIET[:3], against="v1", policy=POLICY)

    assert outcome.status is DiffStatus.LEARNING
    assert outcome.reason == "v1 has 1 of the 5 runs that a baseline needs"


@pytest.mark.parametrize(
    ("value", "valid", "status"),
    [(None, True, DiffStatus.NO_DATA), (SLOW, False, DiffStatus.INVALID)],
)
def test_what_was_not_measured_is_not_compared(
    value: float | None, valid: bool, status: DiffStatus
) -> None:
    outcome = release_diff(P95, value, QUIET, against="v1", policy=POLICY, valid=valid)

    assert outcome.status is status


def test_a_p99_of_few_requests_is_not_gated_by_a_release_either() -> None:
    outcome = release_diff(P99, SLOW, QUIET, [SLOW], against="v1", policy=POLICY, requests=812)

    assert outcome.status is DiffStatus.LEARNING


def slower(factor: float) -> Machine:
    return Machine(0.1 * factor, 0.1 * factor, 0.1 * factor)


WOBBLE = [slower(factor) for factor in (1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 1.01, 0.99)]


def test_a_slower_machine_is_no_regression_against_a_release_and_is_told() -> None:
    # both the run and the one before it are beside a machine that is slower by 1.4, as they are
    outcome = release_diff(
        P95,
        1.4 * 800,
        QUIET,
        [1.4 * 800],
        against="v1",
        policy=POLICY,
        machine=slower(1.4),
        machines=[*WOBBLE, slower(1.4)],
    )

    assert outcome.status is DiffStatus.OK
    assert outcome.machine_factor == pytest.approx(1.4, rel=0.02)
    assert outcome.reason.startswith("the machine itself was ")
    assert outcome.reason.endswith("slower than usual during this run, which explains the figure")


def test_a_release_of_a_slow_machine_hides_no_slowdown_since() -> None:
    # as slow as the release, beside a machine that is not: the system became slower by 1.4. The
    # prior of the slope (1 with 0.25) leaves t(0.99, 7) * hypot(sd, 0.25 * ln 1.4) = 0.29 < 0.336.
    outcome = release_diff(
        P95,
        1.4 * 800,
        [1.4 * 800],
        QUIET,
        against="v1",
        policy=POLICY,
        machine=slower(1.0),
        machines=[slower(1.4), *WOBBLE],
    )

    assert outcome.effect is not None
    assert outcome.effect.change == pytest.approx(0.4, rel=0.05)
    # as measured nothing changed, and how the series takes a slow machine on is not known yet
    assert outcome.status is DiffStatus.OK


def test_a_run_held_against_another_is_judged_as_on_the_usual_machine() -> None:
    machines = [*WOBBLE, slower(1.0), slower(1.4)]

    same = pair_diff(P95, 800, 1.4 * 800, QUIET, against="a", policy=POLICY, machines=machines)
    worse = pair_diff(P95, 800, 3 * 800, QUIET, against="a", policy=POLICY, machines=machines)
    without = pair_diff(P95, 800, 1.4 * 800, QUIET, against="a", policy=POLICY)

    assert [diff.status for diff in (same, worse, without)] == [
        DiffStatus.OK,
        DiffStatus.SUSPECT,
        DiffStatus.SUSPECT,
    ]
    assert same.effect is not None
    assert same.effect.change == pytest.approx(0.0, abs=0.02)
    assert same.machine_factor == pytest.approx(1.4, rel=0.02)
    assert without.machine_factor is None


def test_two_runs_beside_the_same_slow_machine_are_not_told_of_it() -> None:
    machines = [*WOBBLE, slower(1.4), slower(1.4)]

    found = pair_diff(P95, 1120, 1120, QUIET, against="a", policy=POLICY, machines=machines)

    assert found.status is DiffStatus.OK
    assert found.machine_factor is None


def test_a_release_without_the_series_is_refused() -> None:
    with pytest.raises(ValueError, match="release v1 has no finite value of http_req_duration"):
        release_diff(P95, SLOW, [], against="v1", policy=POLICY)


def test_identical_runs_rarely_alarm_against_a_release() -> None:
    # two of three at alpha .02, one-sided .01: about 2 * .01^2 a run; 100 runs of 10 releases
    seeded = random.Random(4)
    alarms = 0
    for _ in range(10):
        release = [seeded.lognormvariate(6.7, 0.1) for _ in range(20)]
        runs = [seeded.lognormvariate(6.7, 0.1) for _ in range(100)]
        alarms += sum(
            release_diff(P95, runs[n], release, runs[:n], against="v1", policy=POLICY).status
            is DiffStatus.REGRESSED
            for n in range(100)
        )

    assert alarms <= 10
