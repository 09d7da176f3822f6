"""When a figure was above its bound, by hand calculation."""

import pytest

from perf_pipeline.analysis.spell import Point, Spell, spell


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([(0, 9), (1, 11), (2, 12), (4, 9)], Spell(1, 3), id="one spell"),
        pytest.param([(0, 11), (1, 9), (2, 11), (3, 9)], Spell(0, 2), id="two spells"),
        pytest.param([(0, 9), (0.5, 11)], Spell(0.5, 0.5), id="the last stands as long as before"),
        pytest.param([(7, 11)], Spell(7, 0), id="a single reading stands for no time"),
        pytest.param([(0, 10), (1, 10)], None, id="at the bound is not above"),
        pytest.param([], None, id="nothing was read"),
    ],
)
def test_the_time_above_the_bound_is_added_up(points: list[Point], expected: Spell | None) -> None:
    assert spell(points, 10) == expected
