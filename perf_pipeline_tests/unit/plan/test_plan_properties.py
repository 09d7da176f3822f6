"""What holds for every plan, whatever the numbers."""

from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.executors.ramping_vus import RampingVUs
from perf_pipeline.config.executors.shared_iterations import SharedIterations
from perf_pipeline.config.executors.stages import Stage
from perf_pipeline.metrics.sample import Phase
from perf_pipeline.plan.arrivals import Arrival, arrivals, count_arrivals
from perf_pipeline.plan.phases import MeasuredWindow, measured_window
from perf_pipeline.plan.stripes import Stripe, stripe_of
from perf_pipeline.plan.vus import VuStep, reserved_steps, vu_steps

STAGES = st.lists(
    st.tuples(st.integers(0, 5_000), st.integers(0, 60)).map(
        lambda stage: Stage(duration_us=stage[0], target=stage[1])
    ),
    min_size=1,
    max_size=6,
).map(tuple)


@st.composite
def ramping_rates(draw: st.DrawFn) -> RampingArrivalRate:
    return RampingArrivalRate(
        executor="ramping-arrival-rate",
        start_rate=draw(st.integers(0, 60)),
        time_unit_us=draw(st.sampled_from([1_000, 3_000, 60_000])),
        stages=draw(STAGES),
        pre_allocated_vus=1,
    )


@st.composite
def ramping_vus(draw: st.DrawFn) -> RampingVUs:
    return RampingVUs(
        executor="ramping-vus",
        start_vus=draw(st.integers(1, 20)),
        stages=draw(STAGES),
        graceful_ramp_down_us=draw(st.integers(0, 3_000)),
        graceful_stop_us=draw(st.integers(0, 3_000)),
    )


def _constant(rate: int, seconds: int) -> ConstantArrivalRate:
    return ConstantArrivalRate(
        executor="constant-arrival-rate",
        rate=rate,
        duration_us=seconds * 1_000,
        pre_allocated_vus=1,
    )


@given(ramping_rates())
def test_starts_are_sorted_numbered_and_inside_the_planned_length(
    executor: RampingArrivalRate,
) -> None:
    starts = list(arrivals(executor))

    assert [start.n for start in starts] == list(range(len(starts)))
    assert all(a.at_us <= b.at_us for a, b in pairwise(starts))
    assert all(0 <= start.at_us <= executor.length_us for start in starts)


@given(ramping_rates())
def test_as_many_starts_as_the_integral_of_the_rate(executor: RampingArrivalRate) -> None:
    rates = [executor.start_rate, *(stage.target for stage in executor.stages)]
    area = sum(
        Fraction(stage.duration_us, executor.time_unit_us) * Fraction(before + after, 2)
        for stage, before, after in zip(executor.stages, rates, rates[1:], strict=False)
    )

    count = sum(1 for _ in arrivals(executor))
    # k6 integrates in floating point; where the area is a whole number it may miss by its last bit.
    assert area - 1 - Fraction(1, 10**6) < count <= area + Fraction(1, 10**6)
    assert count == count_arrivals(executor)


@given(rate=st.integers(1, 400), seconds=st.integers(1, 3))
def test_a_constant_rate_starts_once_a_period(rate: int, seconds: int) -> None:
    starts = [start.at_us for start in arrivals(_constant(rate, seconds))]

    period_us = Fraction(1_000_000, rate)
    assert all(abs(at_us - n * period_us) < 1 + n / 1_000 for n, at_us in enumerate(starts))
    assert len(starts) == rate * seconds + 1


def test_an_hour_at_a_thousand_a_second_is_not_a_list() -> None:
    plan = arrivals(_constant(1_000, 3_600))

    assert list(islice(plan, 2)) == [Arrival(0, 0), Arrival(1, 1_000)]


@given(total=st.integers(0, 200), workers=st.integers(1, 7))
def test_the_stripes_are_the_plan_and_nothing_twice(total: int, workers: int) -> None:
    stripes = [Stripe(i, workers) for i in range(workers)]

    assert sorted(n for stripe in stripes for n in stripe.of(range(total))) == list(range(total))
    assert sorted(v for s in stripes for v in s.vus(total)) == list(range(1, total + 1))
    assert sum(stripe.share(total) for stripe in stripes) == total
    assert [s.share(total) for s in stripes] == [len(list(s.of(range(total)))) for s in stripes]


def test_workers_beyond_the_vus_have_no_part() -> None:
    two = SharedIterations(executor="shared-iterations", vus=2, iterations=9)

    assert [stripe_of(two, worker, 3) for worker in range(3)] == [Stripe(0, 2), Stripe(1, 2), None]


@given(ramping_vus())
def test_vu_steps_are_sorted_end_at_zero_and_never_exceed_the_stages(executor: RampingVUs) -> None:
    steps = vu_steps(executor)

    assert all(a.at_us <= b.at_us and a.vus != b.vus for a, b in pairwise(steps))
    assert steps[-1].vus == 0
    assert max(step.vus for step in steps) == executor.most_vus


@given(ramping_vus())
def test_reserved_vus_cover_the_planned_ones_until_the_end(executor: RampingVUs) -> None:
    planned, reserved = vu_steps(executor), reserved_steps(executor)

    assert all(a.at_us <= b.at_us for a, b in pairwise(reserved))
    assert reserved[-1].vus == 0
    assert reserved[-1].at_us <= executor.length_us + executor.graceful_stop_us
    for step in planned[:-1]:
        if step.at_us < executor.length_us:
            assert _level(reserved, step.at_us) >= _level(planned, step.at_us)


def _level(steps: list[VuStep], at_us: int) -> int:
    return [step.vus for step in steps if step.at_us <= at_us][-1]


def test_k6s_documented_example_of_graceful_ramp_down() -> None:
    # lib/executor/ramping_vus.go: 4 VUs, up to 6, 1, 5, 1, 4, 1 and 0 at 1 VU a second, 30 s grace;
    # "we'll stay with 6 VUs until t=32", which is until the step at 33 s.
    stages = [(2, 6), (5, 1), (4, 5), (4, 1), (3, 4), (2, 4), (3, 1), (0, 1), (0, 0)]
    executor = RampingVUs(
        executor="ramping-vus",
        start_vus=4,
        stages=tuple(Stage(duration_us=s * 1_000, target=t) for s, t in stages),
        graceful_ramp_down_us=30_000,
        graceful_stop_us=30_000,
    )

    # 5 VUs last at 11 s (12 s: 4), 4 VUs last at 20 s (21 s: 3), 3 at 21 s, 2 at 22 s, 0 at 23 s.
    assert [(step.at_us / 1e6, step.vus) for step in reserved_steps(executor)] == [
        (0, 4),
        (1, 5),
        (2, 6),
        (33, 5),
        (42, 4),
        (51, 3),
        (52, 2),
        (53, 0),
    ]


@pytest.mark.parametrize(
    ("grace_us", "expected"),
    [
        # no grace: the planned steps themselves, and the end
        (0, [(0, 1), (0, 3), (500, 2), (1_000, 1), (1_000, 0)]),
        # both falls at 1 s are 100 ms late, at one moment, in their order
        (100, [(0, 1), (0, 3), (600, 2), (1_100, 1), (1_100, 0)]),
    ],
    ids=["without a grace", "with a grace"],
)
def test_steps_at_one_moment_stay_apart_as_in_k6(
    grace_us: int, expected: list[tuple[int, int]]
) -> None:
    """k6 (ramping_vus.go) drops a step only where the number of VUs does not change."""
    stages = [(0, 3), (1_000, 1), (0, 0), (5_000, 0)]
    executor = RampingVUs(
        executor="ramping-vus",
        start_vus=1,
        stages=tuple(Stage(duration_us=ms, target=target) for ms, target in stages),
        graceful_ramp_down_us=grace_us,
        graceful_stop_us=0,
    )

    assert [(s.at_us / 1e3, s.vus) for s in reserved_steps(executor)] == expected


def test_constant_vus_are_one_step_up_and_one_down() -> None:
    executor = ConstantVUs(executor="constant-vus", vus=3, duration_us=2_000, graceful_stop_us=500)

    assert vu_steps(executor) == [VuStep(0, 3), VuStep(2_000_000, 0)]
    assert reserved_steps(executor) == [VuStep(0, 3), VuStep(2_500_000, 0)]


@pytest.mark.parametrize(
    ("warm_up_us", "expected"),
    [(0, (1_000_000, 4_000_000)), (500_000, (1_500_000, 4_000_000)), (9_000_000, (4_000_000,) * 2)],
    ids=["no warm-up", "half a second", "nothing but warm-up"],
)
def test_the_window_counts_from_the_end_of_the_warm_up(
    warm_up_us: int, expected: tuple[int, int]
) -> None:
    executor = ConstantVUs(executor="constant-vus", vus=1, duration_us=3_000, start_time_us=1_000)

    window = measured_window(executor, warm_up_us)
    assert window == MeasuredWindow(*expected)
    assert window.moved(5).start_us == expected[0] + 5


def test_a_start_at_the_planned_end_is_drain() -> None:
    window = MeasuredWindow(10, 20)

    phases = [window.phase(at_us) for at_us in (0, 9, 10, 19, 20, 99)]
    assert phases == [
        Phase.WARM_UP,
        Phase.WARM_UP,
        Phase.MEASURED,
        Phase.MEASURED,
        Phase.DRAIN,
        Phase.DRAIN,
    ]
