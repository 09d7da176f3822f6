"""What is due every so often stays on its grid, however late somebody looks."""

import pytest

from perf_pipeline.engine.rhythm import Rhythm


@pytest.mark.parametrize(
    ("looks", "due"),
    [
        ([0.0, 1.99, 2.0, 3.99, 4.0], [2.0, 4.0]),
        # counted from the last look, 4.01 would come too early and 5.04 be next
        ([1.02, 2.05, 3.03, 4.01, 5.04, 6.02], [2.05, 4.01, 6.02]),
        ([3.9, 4.1, 5.9, 6.1], [3.9, 4.1, 6.1]),
        ([7.5, 7.9, 8.0], [7.5, 8.0]),
    ],
    ids=["on time", "a little late each time", "late once", "three missed"],
)
def test_a_late_look_moves_none_of_the_later_ones(looks: list[float], due: list[float]) -> None:
    rhythm = Rhythm(2.0)

    assert [at_s for at_s in looks if rhythm.is_due(at_s)] == due
