import pytest

from perf_pipeline.analysis.scale import Effect, Scale, change_between, prediction_band
from perf_pipeline.analysis.suspicion import BaselinePolicy, suspicion
from perf_pipeline.metrics.catalog import Kind

QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]


@pytest.mark.parametrize(
    ("value", "effect", "expected"),
    [
        # +20 % with 0 % to +50 %: 120 / 1.5 and 120 / 1.0
        (120.0, Effect(0.2, 0.0, 0.5, Scale.RELATIVE), (80.0, 120.0)),
        # 3 % of failures, 1 to 2 points above what was expected: 3 - 2 and 3 - 1
        (0.03, Effect(0.015, 0.01, 0.02, Scale.POINTS), (0.01, 0.02)),
        (-4.0, Effect(1.0, -1.0, 3.0, Scale.UNIT), (-7.0, -3.0)),
        (120.0, Effect(0.2, None, None, Scale.RELATIVE), None),
        (120.0, Effect(0.2, -1.0, 5.0, Scale.RELATIVE), None),
    ],
    ids=["relative", "points", "unit", "one_run", "no_lower_end"],
)
def test_the_band_is_the_interval_turned_round(
    value: float, effect: Effect, expected: tuple[float, float] | None
) -> None:
    assert prediction_band(value, effect) == (expected and pytest.approx(expected))


def test_the_band_is_the_same_for_every_run_against_one_baseline() -> None:
    bands = []
    for value in (400.0, 800.0, 1_600.0):
        effect = suspicion(value, QUIET, BaselinePolicy(), "lower").effect
        assert effect is not None
        bands.append(prediction_band(value, effect))

    assert bands == [pytest.approx(bands[0])] * 3


def test_the_change_of_two_levels_is_relative_unless_zero_or_a_rate() -> None:
    assert change_between(80.0, 100.0, Kind.TREND).change == pytest.approx(0.25)
    assert change_between(0.0, 3.0, Kind.COUNTER) == Effect(3.0, None, None, Scale.UNIT)
    assert change_between(0.01, 0.03, Kind.RATE).change == pytest.approx(0.02)
