import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, DiffStatus, Series, diff
from perf_pipeline.analysis.exact import rose_by_chance

POLICY = BaselinePolicy()
FAILED = Series("http_req_failed", {}, "rate")
CHECKS = Series("checks", {}, "rate")


@pytest.mark.parametrize(
    ("events", "before", "share", "chance"),
    [
        (2, 0, 0.1, 0.01),
        (1, 0, 1 / 31, 1 / 31),
        (1, 1, 0.5, 0.75),  # not both in the other half
        (3, 1, 0.5, 5 / 16),  # C(4, 3) + C(4, 4) of 2^4
        (0, 7, 0.5, 1.0),
    ],
)
def test_the_chance_of_so_many_events_in_one_run_is_binomial(
    events: float, before: float, share: float, chance: float
) -> None:
    assert rose_by_chance(events, before, share) == pytest.approx(chance)


def status(
    rate: float, before: list[float], requests: float, series: Series = FAILED
) -> DiffStatus:
    return diff(series, rate, [*before, rate], POLICY, requests=requests).status


def test_eighty_errors_of_twenty_thousand_are_a_finding_where_there_were_none() -> None:
    assert status(0.004, [0.0] * 10, 20_000) is DiffStatus.REGRESSED
    assert status(0.996, [1.0] * 10, 20_000, CHECKS) is DiffStatus.REGRESSED


def test_one_error_of_a_hundred_requests_is_chance() -> None:
    # 1 of 1 event in one of 12 runs: 8 %, above 1 %
    assert diff(FAILED, 0.01, [0.0] * 11, POLICY, requests=100).status is DiffStatus.OK
    assert diff(FAILED, 0.03, [0.0] * 11, POLICY, requests=100).status is DiffStatus.SUSPECT


def test_a_rate_that_rose_by_less_than_half_is_no_finding_below_half_a_point() -> None:
    steady = [0.004, 0.0041, 0.0039, 0.004, 0.0041, 0.0039, 0.004, 0.004]

    assert status(0.0055, steady, 1_000_000) is DiffStatus.OK
    assert status(0.0062, steady, 1_000_000) is DiffStatus.REGRESSED
