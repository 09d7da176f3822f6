"""What is said of the disks before all tests run.

Add here: another sentence. Keep out: the header of pytest.
"""

from pathlib import Path

import pytest

from perf_pipeline_tests.support.room_on_disk import finding_of


@pytest.mark.parametrize(
    ("free", "told", "is_enough"),
    [(800_000_000, "0.8 GB are free in /small; ", False), (2_000_000_000, "2.0 GB are f", True)],
)
def test_the_fullest_disk_is_named_with_what_a_run_needs(
    free: int, told: str, is_enough: bool
) -> None:
    found = finding_of({Path("/large"): 10**11, Path("/small"): free})

    assert found.ok is is_enough
    assert found.sentence.startswith(told)
    assert found.sentence.endswith("; a run of all tests needs about 2 GB")
