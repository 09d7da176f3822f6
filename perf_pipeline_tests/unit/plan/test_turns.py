"""Two sides take turns at one plan of starts.

Add here: another property of the order. Keep out: the engine that starts (integration/engine).
"""

from collections import Counter
from itertools import islice, pairwise

import pytest

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.executors.kinds import ArrivalRate
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.plan.arrivals import arrivals
from perf_pipeline.plan.turns import in_turns

_STEADY = ConstantArrivalRate(
    executor="constant-arrival-rate", rate=100, duration_us=10_000, pre_allocated_vus=1
)
_RAMPED = RampingArrivalRate.model_validate(
    {
        "executor": "ramping-arrival-rate",
        "startRate": 10,
        "stages": [{"duration": "5s", "target": 100}, {"duration": "5s", "target": 20}],
        "preAllocatedVUs": 1,
    },
    by_alias=True,
)


def _both(plan: ArrivalRate, seed: str = "7/buy") -> list[tuple[int, int]]:
    """Return all starts of both sides as (at_us, side), in the order of time."""
    starts = [
        (start.at_us, side) for side in (0, 1) for start in in_turns(arrivals(plan), side, seed)
    ]
    return sorted(starts)


def test_a_steady_plan_becomes_twice_as_many_starts_that_are_evenly_spaced() -> None:
    # 100/s are 10 ms apart; with both sides in turns the gap is 5 ms. 10 s with the start at 0 and
    # the one at the very end are 1,001 starts a side.
    starts = _both(_STEADY)

    assert len(starts) == 2 * 1_001
    assert {later - earlier for (earlier, _), (later, _) in pairwise(starts)} == {5_000}


@pytest.mark.parametrize("plan", [_STEADY, _RAMPED], ids=["steady", "ramped"])
def test_every_pair_has_both_sides_and_every_block_of_two_pairs_is_balanced(
    plan: ArrivalRate,
) -> None:
    sides = [side for _, side in _both(plan)]
    pairs = list(zip(sides[::2], sides[1::2], strict=True))

    assert all(set(pair) == {0, 1} for pair in pairs)
    for first, second in zip(pairs[::2], pairs[1::2], strict=False):
        assert first[0] != second[0]


def test_chance_decides_which_side_begins_a_block() -> None:
    # Of 500 blocks each side begins 250 on average, +- 11.2 (the root of 500/4); 5 of them is 56.
    sides = [side for _, side in _both(_STEADY)]
    begins = Counter(islice(sides, 0, 2_000, 4))

    assert abs(begins[0] - 250) < 56


def test_the_order_depends_on_the_seed_alone() -> None:
    assert _both(_STEADY, "7/buy") == _both(_STEADY, "7/buy")
    assert _both(_STEADY, "7/buy") != _both(_STEADY, "8/buy")


def test_a_single_start_is_one_start_of_each_side() -> None:
    once = ConstantArrivalRate(
        executor="constant-arrival-rate",
        rate=1,
        time_unit_us=60_000,
        duration_us=1_000,
        pre_allocated_vus=1,
    )

    assert [at_us for at_us, _ in _both(once)] == [0, 0]
