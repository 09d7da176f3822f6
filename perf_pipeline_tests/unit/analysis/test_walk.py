"""A walk that sorts nothing keeps the runs that judging each step anew keeps, to the last bit."""

import math
import random
import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_pipeline.analysis.noise import winsorised, winsorised_in_order
from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.analysis.walk import KeptRuns, UnlikeRuns

FEW = [0.0, 1.0, 1.5, 2.0, 2.0 + 2**-51, 3.0, 100.0]
NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.sampled_from(FEW), min_size=1, max_size=33)


def by_definition(values: Sequence[float]) -> list[float]:
    """Winsorise as docs/statistics.md says, with the medians of the standard library."""
    middle = statistics.median(values)
    deviations = [abs(value - middle) for value in values]
    mad = statistics.median(deviations)
    robust_sd = 1.4826 * mad if mad else 1.2533 * statistics.fmean(deviations)
    limit = 2.5 * max(1.0, 10 / len(values)) * robust_sd
    return [min(max(value, middle - limit), middle + limit) for value in values]


@given(NUMBERS)
def test_values_in_order_are_winsorised_without_sorting_their_deviations(
    values: list[float],
) -> None:
    expected = by_definition(values)

    assert list(winsorised_in_order(sorted(values))) == sorted(expected)
    assert winsorised(values) == expected


def histories() -> list[list[float]]:
    """Make histories of noise, steps, outliers, ties and zeros."""
    made = []
    for seed in range(24):
        rng = random.Random(seed)
        sd, level = rng.choice([0.01, 0.05, 0.3]), rng.choice([1.0, 80.0])
        steps = {rng.randrange(70): rng.choice([0.7, 1.2, 2.0]) for _ in range(seed % 3)}
        values = []
        for n in range(70):
            level *= steps.get(n, 1.0)
            outlier = 3 if rng.random() < 0.03 else 1
            values.append(level * outlier * math.exp(rng.gauss(0, sd)))
        made.append([round(value, 1) if seed % 4 == 3 else value for value in values])
    return made


@pytest.mark.parametrize(
    "policy",
    [
        BaselinePolicy(),
        BaselinePolicy(window=6, minimum_runs=3, alpha=0.2, minimum_effect=0.0),
        BaselinePolicy(window=1, minimum_runs=1),
    ],
    ids=["default", "sharp", "one run"],
)
@pytest.mark.parametrize("scale", Scale)
def test_each_step_is_judged_as_if_nothing_was_known_of_the_step_before(
    policy: BaselinePolicy, scale: Scale
) -> None:
    for history in histories():
        positions = policy.ruler(scale).positions(history)
        fast = KeptRuns(positions, policy, scale, None)
        anew = UnlikeRuns(history, policy, None, scale)
        for index in range(len(history)):
            direction = anew.direction(index)

            assert fast.direction(index) == direction

            # Some come back late, as those do that stayed alone.
            for late in [index] if direction == 0 else [index - 2] if index > 5 else []:
                if late not in anew.indices:
                    fast.keep(late)
                    anew.keep(late)
        assert fast.indices == anew.indices
