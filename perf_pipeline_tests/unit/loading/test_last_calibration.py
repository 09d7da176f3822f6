"""When the calibration after a load stands before the next one as well."""

import pytest

from perf_pipeline.loading.last_calibration import LastCalibration
from perf_pipeline.metrics.sample import Reading

# The first load's origin; its calibration began 9 s later, and the next load's origin is at 9.7 s.
FIRST_NS = 5_000_000_000
NEXT_NS = 14_700_000_000
AFTER = [Reading(9_000_000, "after", "calibration_cpu_ms", 4.5)]


@pytest.fixture
def last() -> LastCalibration:
    kept = LastCalibration()
    kept.keep("r1", FIRST_NS, AFTER)
    return kept


def test_its_time_counts_from_the_next_loads_origin(last: LastCalibration) -> None:
    # 9.0 s - 9.7 s = -0.7 s
    assert last.taken("r1", NEXT_NS, 200_000, "before") == [
        Reading(-700_000, "before", "calibration_cpu_ms", 4.5)
    ]


def test_it_is_used_once(last: LastCalibration) -> None:
    last.taken("r1", NEXT_NS, 0, "before")

    assert last.taken("r1", NEXT_NS, 0, "before") == []


@pytest.mark.parametrize(
    ("run_id", "now_us"),
    # -0.7 s and 2.3 s are 3 s apart, which is still fresh.
    [("r1-c1", 0), ("r1", 2_300_001)],
    ids=["of another run", "too old"],
)
def test_another_one_is_needed_where_it_says_nothing(
    last: LastCalibration, run_id: str, now_us: int
) -> None:
    assert last.taken(run_id, NEXT_NS, now_us, "before") == []


def test_it_is_fresh_for_three_seconds(last: LastCalibration) -> None:
    assert last.taken("r1", NEXT_NS, 2_300_000, "before")
