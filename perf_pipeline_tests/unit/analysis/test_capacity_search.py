"""The search for a capacity, on simulated systems whose capacity is known by hand.

A window of a simulated system takes no time: arrivals and services are drawn and summed up.
"""

import math
from collections.abc import Callable, Iterable
from statistics import median
from typing import Final

import numpy as np
import pytest

from perf_pipeline.analysis.capacity.growth import slope_of
from perf_pipeline.analysis.capacity.search import (
    Capacity,
    CapacityKind,
    Purpose,
    SearchPlan,
    Shown,
    Trial,
    ended_early,
    replayed,
    search,
)
from perf_pipeline.analysis.capacity.verdict import Piling, WindowFacts, verdict_of

PLAN: Final = SearchPlan(hint=50.0, lowest=0.2, highest=20_000.0)
WINDOW_S: Final = 30.0
HELD, FAILED, INVALID = Shown.HELD, Shown.FAILED, Shown.INVALID


def found(plan: SearchPlan, window: Callable[[float], Shown]) -> Capacity:
    """Search with windows that a function of the rate answers."""
    return found_by_trials(plan, lambda trial: window(trial.rate))


def found_by_trials(plan: SearchPlan, window: Callable[[Trial], Shown]) -> Capacity:
    """Search with windows that a function of what is asked for answers."""
    searching = search(plan)
    trial = next(searching)
    try:
        while True:
            trial = searching.send(window(trial))
    except StopIteration as over:
        answer: Capacity = over.value
        return answer


def up_to(capacity: float) -> Callable[[float], Shown]:
    """Make a system that carries a rate for certain, and none above it."""
    return lambda rate: HELD if rate <= capacity else FAILED


def rates(answer: Capacity) -> list[float]:
    """Give the rates of all windows, to one decimal."""
    return [round(window.rate, 1) for window in answer.tried]


@pytest.mark.parametrize("capacity", [4.0, 7.0, 12.0, 49.9, 50.0, 120.0, 399.0, 5_000.0, 19_000.0])
def test_a_sharp_limit_is_found_within_five_percent(capacity: float) -> None:
    answer = found(PLAN, up_to(capacity))

    assert answer.kind is CapacityKind.CAPACITY
    assert answer.rate is not None
    assert capacity / 1.05 <= answer.rate <= capacity
    assert answer.low == answer.rate
    assert answer.high is not None
    assert answer.rate <= capacity < answer.high <= 1.06 * answer.rate


def test_a_search_doubles_then_bisects_then_confirms() -> None:
    # 120/s: 50 and 100 hold, 200 fails twice; sqrt(100 * 200) = 141.4 fails twice; 118.9 holds;
    # sqrt(118.9 * 141.4) = 129.7 fails twice; 124.2 fails twice: 124.2 / 118.9 is below 1.05.
    answer = found(PLAN, up_to(120.0))

    assert rates(answer)[:5] == [50.0, 100.0, 200.0, 200.0, 141.4]
    assert rates(answer)[5:11] == [141.4, 118.9, 129.7, 129.7, 124.2, 124.2]
    assert rates(answer)[11:] == [118.9, 118.9, 118.9]
    assert [window.purpose for window in answer.tried][-3:] == [Purpose.CONFIRM] * 3


def test_a_hint_that_fails_is_halved() -> None:
    answer = found(PLAN, up_to(20.0))

    assert rates(answer)[:5] == [50.0, 50.0, 25.0, 25.0, 12.5]
    assert answer.rate is not None
    assert 20 / 1.05 <= answer.rate <= 20


@pytest.mark.parametrize("capacity", [26.0, 51.0, 99.0, 150.0, 199.0])
def test_fifteen_windows_are_enough_near_the_hint(capacity: float) -> None:
    assert len(found(PLAN, up_to(capacity)).tried) <= 15


def test_one_failed_window_does_not_count() -> None:
    # The first window at 100/s stumbles; its repetition holds, and the search goes on above it.
    stumbles = iter([HELD, FAILED, HELD])
    sharp = up_to(120.0)
    answer = found(PLAN, lambda rate: next(stumbles, None) or sharp(rate))

    assert rates(answer)[:4] == [50.0, 100.0, 100.0, 200.0]
    assert answer.rate is not None
    assert answer.rate > 100


def test_a_stumble_is_told_by_the_interval() -> None:
    stumbles = iter([HELD, FAILED, HELD])
    sharp = up_to(120.0)
    answer = found(PLAN, lambda rate: next(stumbles, None) or sharp(rate))

    assert answer.low == 100.0
    assert answer.high is not None
    assert answer.high > 120.0


def test_a_burst_that_a_window_takes_is_found_out_by_the_windows_that_confirm() -> None:
    # A bucket takes 240 starts beyond 100/s and is full again after the search has waited, which it
    # does not do between the windows that confirm a rate: a window of 10 s passes at 124/s; at
    # 112/s the first two take 2 * 10 * 12 = 240, and the third is not carried.
    kept, confirmed = [240.0], [0.0]

    def window(trial: Trial) -> Shown:
        if trial.purpose is not Purpose.CONFIRM or trial.rate != confirmed[0]:
            kept[0] = 240.0
        confirmed[0] = trial.rate if trial.purpose is Purpose.CONFIRM else 0.0
        kept[0] = max(0.0, kept[0] - 10 * max(0.0, trial.rate - 100))
        return HELD if kept[0] > 0 else FAILED

    answer = found_by_trials(SearchPlan(50.0, 0.2, 20_000.0, max_windows=60), window)

    assert answer.kind is CapacityKind.CAPACITY
    assert answer.rate is not None
    assert answer.rate < 112.1


def test_a_limit_of_the_generator_is_no_capacity() -> None:
    answer = found(PLAN, lambda rate: HELD if rate <= 300 else INVALID)

    assert answer.kind is CapacityKind.AT_LEAST
    assert answer.rate == 200.0
    assert answer.high is None


def test_a_third_window_decides_where_one_failed_and_one_says_nothing() -> None:
    # 100/s: failed, nothing, failed.
    failing = iter([HELD, FAILED, INVALID, FAILED])
    answer = found(PLAN, lambda rate: next(failing, None) or up_to(90)(rate))

    assert rates(answer)[:5] == [50.0, 100.0, 100.0, 100.0, 70.7]
    assert answer.kind is CapacityKind.CAPACITY


def test_a_doubt_that_stays_after_three_windows_is_no_limit_of_the_system() -> None:
    shown = iter([HELD, FAILED, INVALID, INVALID])
    answer = found(PLAN, lambda _: next(shown, HELD))

    assert answer.kind is CapacityKind.AT_LEAST
    assert answer.rate == 50.0


def test_a_confirming_window_that_says_nothing_is_loaded_again() -> None:
    # 120/s is confirmed at 118.9/s after eleven windows; the first and third say nothing.
    odd = iter([INVALID, HELD, INVALID, HELD, HELD])
    sharp, seen = up_to(120.0), iter(range(100))
    answer = found(PLAN, lambda rate: sharp(rate) if next(seen) < 11 else next(odd))

    assert answer.kind is CapacityKind.CAPACITY
    assert rates(answer)[11:] == [118.9] * 5


def test_confirming_windows_that_say_nothing_leave_a_doubt() -> None:
    sharp, seen = up_to(120.0), iter(range(100))
    answer = found(PLAN, lambda rate: sharp(rate) if next(seen) < 11 else INVALID)

    assert answer.kind is CapacityKind.UNCONFIRMED


def test_the_highest_rate_that_may_be_tried_is_no_capacity_either() -> None:
    answer = found(SearchPlan(hint=50.0, lowest=0.2, highest=150.0), up_to(1_000.0))

    assert answer.kind is CapacityKind.AT_LEAST
    assert answer.rate == 150.0


def test_a_system_that_carries_nothing_has_no_rate() -> None:
    answer = found(SearchPlan(hint=8.0, lowest=1.0, highest=100.0), lambda _: FAILED)

    assert answer.kind is CapacityKind.NOTHING
    assert answer.rate is None
    assert answer.lowest == 1.0
    assert rates(answer) == [8.0, 8.0, 4.0, 4.0, 2.0, 2.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("shown", "kind"), [(FAILED, CapacityKind.NOTHING), (INVALID, CapacityKind.UNCONFIRMED)]
)
def test_the_lowest_rate_is_nothing_only_where_it_was_seen_to_fail(
    shown: Shown, kind: CapacityKind
) -> None:
    # 1/s holds and 2/s fails twice; what follows never holds, and nothing is tried below 1/s.
    first = iter([HELD, FAILED, FAILED])
    plan = SearchPlan(hint=1.0, lowest=1.0, highest=2.0, precision=1.0)

    assert found(plan, lambda _: next(first, shown)).kind is kind


def test_a_search_that_nobody_can_judge_finds_nothing_out() -> None:
    answer = found(SearchPlan(hint=4.0, lowest=1.0, highest=100.0), lambda _: INVALID)

    assert answer.kind is CapacityKind.UNCONFIRMED
    assert answer.rate is None


def test_windows_that_are_used_up_leave_the_answer_open() -> None:
    answer = found(SearchPlan(50.0, 0.2, 20_000.0, max_windows=7), up_to(6_000.0))

    assert answer.kind is CapacityKind.UNCONFIRMED
    assert answer.rate == 3_200.0
    assert len(answer.tried) == 7


def test_a_rate_that_is_not_confirmed_is_left_for_a_lower_one() -> None:
    # 100/s holds while it is searched; of the windows that confirm it, two of three fail.
    shown = iter([HELD, HELD, FAILED, FAILED])
    plan = SearchPlan(50.0, 0.2, 20_000.0, precision=0.5, max_windows=25)
    answer = found(plan, lambda rate: next(shown, None) or (HELD if rate < 90 else FAILED))

    assert answer.kind is CapacityKind.CAPACITY
    assert answer.rate is not None
    assert answer.rate < 90


def test_the_same_windows_give_the_same_answer_again() -> None:
    answer = found(PLAN, up_to(777.0))

    assert replayed(PLAN, [window.shown for window in answer.tried]) == answer


def test_a_search_that_was_ended_tells_what_held() -> None:
    whole = found(PLAN, up_to(120.0))
    answer = replayed(PLAN, [window.shown for window in whole.tried[:6]])

    assert answer == ended_early(whole.tried[:6])
    assert answer.kind is CapacityKind.UNFINISHED
    assert answer.rate == 100.0


def queue_window(
    random: np.random.Generator, mu: float, bound_s: float
) -> Callable[[float], Shown]:
    """Make a single server with exponential services, whose p95 must be below a bound.

    Lindley (1952): a departure is the later of an arrival and the departure before it, and the
    service; summed up without a loop by the running maximum.
    """

    def window(rate: float) -> Shown:
        warm_s = WINDOW_S / 6
        count = random.poisson(rate * (WINDOW_S + warm_s))
        arrivals = np.sort(random.uniform(0, WINDOW_S + warm_s, count))
        served = np.cumsum(random.exponential(1 / mu, count))
        before = np.concatenate([[0.0], served[:-1]])
        left = served + np.maximum.accumulate(arrivals - before)
        is_measured = arrivals >= warm_s
        p95_s = float(np.percentile((left - arrivals)[is_measured], 95))
        moments = np.arange(warm_s, warm_s + WINDOW_S, 0.25)
        inside = np.searchsorted(arrivals, moments) - np.searchsorted(left, moments)
        return shown(rate, moments, inside, () if p95_s < bound_s else ("p95",))

    return window


def shown(
    rate: float, moments: Iterable[float], inside: Iterable[float], misses: tuple[str, ...] = ()
) -> Shown:
    """Judge a simulated window by the real rule."""
    points = [(float(at_s), float(n)) for at_s, n in zip(moments, inside, strict=True)]
    slope = slope_of(points)
    piling = () if slope is None else (Piling("in flight", slope),)
    return verdict_of(WindowFacts(rate, WINDOW_S, misses=misses, piling=piling)).shown


@pytest.mark.parametrize(
    ("mu", "bound_s"), [(200.0, 0.1), (100.0, 0.3)], ids=["170 per s", "90 per s"]
)
def test_a_single_server_is_found_where_its_p95_reaches_the_bound(
    mu: float, bound_s: float
) -> None:
    # M/M/1: the sojourn time is exponential with the rate mu - lambda, so p95 = ln 20 / (mu -
    # lambda), and the bound is reached at lambda = mu - ln 20 / bound.
    truth = mu - math.log(20) / bound_s
    answers = [
        found(PLAN, queue_window(np.random.default_rng(seed), mu, bound_s)) for seed in range(25)
    ]
    off = [abs((answer.rate or 0.0) / truth - 1) for answer in answers]

    assert all(answer.kind is CapacityKind.CAPACITY for answer in answers)
    assert sum(error <= 0.05 for error in off) >= 0.85 * len(off)
    assert max(off) < 0.12
    assert median(len(answer.tried) for answer in answers) <= 15
    holding = [(answer.low or 0) / 1.03 <= truth <= (answer.high or 0) for answer in answers]
    assert sum(holding) >= 0.85 * len(holding)


@pytest.mark.parametrize("seed", range(40))
def test_workers_behind_a_queue_are_found_by_their_backlog(seed: int) -> None:
    # 8 workers that need 100 ms each carry 8 / 0.1 = 80/s. The API is never slow: no latency tells.
    random = np.random.default_rng(seed)
    moments = np.arange(0, WINDOW_S, 0.25)

    def window(rate: float) -> Shown:
        arrived = np.cumsum(random.poisson(rate * 0.25, len(moments)))
        backlog = np.maximum(0, arrived - 80 * moments) + random.integers(0, 4, len(moments))
        return shown(rate, moments, backlog)

    answer = found(PLAN, window)

    assert answer.kind is CapacityKind.CAPACITY
    assert answer.rate == pytest.approx(80, rel=0.06)
