"""A planned rate says how many starts are due between two moments."""

import pytest

from perf_pipeline.plan.rates import Knot, starts_between

SECOND = 1_000_000
RAMP: list[Knot] = [(0, 0.0), (10 * SECOND, 10.0)]
# 1 a second for 2 s, then 12 a second for 6 s.
STEPS: list[Knot] = [(0, 1.0), (2 * SECOND, 1.0), (2 * SECOND, 12.0), (8 * SECOND, 12.0)]


@pytest.mark.parametrize(
    ("rate", "from_s", "until_s", "starts"),
    [
        (RAMP, 0, 10, 50.0),  # half of 10 s * 10/s
        (RAMP, 4, 6, 10.0),  # 5/s in the middle of it, for 2 s
        (RAMP, -5, 1, 0.5),  # nothing before its begin
        (STEPS, 1, 3, 13.0),  # 1 s * 1/s + 1 s * 12/s
        (STEPS, 7, 20, 12.0),  # nothing after its end
        (STEPS, 9, 20, 0.0),
        ([], 0, 1, 0.0),
    ],
)
def test_the_starts_of_a_plan_are_the_area_under_its_rate(
    rate: list[Knot], from_s: int, until_s: int, starts: float
) -> None:
    assert starts_between(rate, from_s * SECOND, until_s * SECOND) == pytest.approx(starts)
