"""When a comparison is looked at, and what each look may cost.

Add here: another way of dividing the error. Keep out: what is looked at (test_duet.py).
"""

import pytest

from perf_pipeline.analysis.looks import planned_looks


def test_all_looks_together_spend_the_error_once() -> None:
    looks = planned_looks(60_000_000, 0.01)

    assert sum(look.alpha for look in looks) == pytest.approx(0.01)
    assert looks[-1].at_us == 60_000_000
    assert [look.at_us for look in looks] == sorted({look.at_us for look in looks})


def test_a_look_at_half_the_time_has_a_quarter_of_the_error() -> None:
    # Kim and DeMets, power 2: alpha * (1/2)^2 after half of the time.
    half, whole = planned_looks(60_000_000, 0.01, (0.5, 1.0))

    assert (half.at_us, whole.at_us) == (30_000_000, 60_000_000)
    assert (half.alpha, whole.alpha) == pytest.approx((0.0025, 0.0075))
