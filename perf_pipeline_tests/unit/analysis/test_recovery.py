from dataclasses import replace

import pytest

from perf_pipeline.analysis.recovery import (
    Bands,
    Bucket,
    Recovery,
    bands_of,
    drain_per_s,
    recovery_of,
    seconds_needed,
    width_us,
)
from perf_pipeline.units import US_PER_S

HALF_S = US_PER_S // 2
USUAL = Bucket(0, planned=25.0, answered=25, failed=0, p95_ms=20.0, waiting=2.0)


def load(seconds: float, *changes: tuple[float, float, dict[str, float]]) -> list[Bucket]:
    """Make a load of 50 starts a second in buckets of half a second.

    Args:
        seconds: its length.
        changes: what is not usual from one second to another.
    """
    buckets = [replace(USUAL, begins_us=n * HALF_S) for n in range(round(2 * seconds))]
    for from_s, until_s, what in changes:
        for n in range(round(2 * from_s), round(2 * until_s)):
            buckets[n] = replace(buckets[n], **what)  # type: ignore[arg-type]  # numbers of fields
    return buckets


DOWN = {"answered": 0, "failed": 25, "p95_ms": 1.0}
SLOW = {"p95_ms": 400.0}


def felt(
    buckets: list[Bucket], at_s: float, undone_s: float, next_s: float | None = None
) -> Recovery:
    bands = bands_of([bucket for bucket in buckets if bucket.begins_us < at_s * US_PER_S])
    assert bands is not None
    return recovery_of(
        buckets,
        bands,
        injected_us=round(at_s * US_PER_S),
        undone_us=round(undone_s * US_PER_S),
        next_us=None if next_s is None else round(next_s * US_PER_S),
    )


def test_bands_are_the_worst_of_before_and_some_room() -> None:
    # 95 % of 20 buckets: the 19th of those in order. p95 20 to 39 ms -> 38 + 50 % = 57 ms;
    # 25 answers of 25 starts, and 10 % less; 1 % of failures; 2 messages + 25 % + 5.
    before = [replace(USUAL, begins_us=n * HALF_S, p95_ms=20.0 + n) for n in range(20)]

    assert bands_of(before) == Bands(answered=0.9, failed=0.01, p95_ms=57.0, waiting=7.5)


def test_a_fast_target_has_ten_ms_of_room() -> None:
    bands = bands_of([replace(USUAL, p95_ms=2.0)] * 6)

    assert bands is not None
    assert bands.p95_ms == 12.0


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([USUAL] * 2, id="too little of it"),
        pytest.param([replace(USUAL, answered=23, failed=2)] * 6, id="8 % failed"),
        pytest.param([replace(USUAL, planned=0.0, answered=0)] * 6, id="nothing was due"),
        pytest.param([replace(USUAL, answered=0)] * 6, id="nothing was answered"),
    ],
)
def test_a_load_that_was_not_steady_before_has_no_bands(before: list[Bucket]) -> None:
    assert bands_of(before) is None


def test_an_outage_is_felt_at_once_and_over_with_the_last_failure() -> None:
    # Down from 10 to 15 s, and slow until 16.5 s: 6.5 s after the begin all is as before.
    buckets = load(30, (10, 15, DOWN), (15, 16.5, SLOW))

    found = felt(buckets, at_s=10.0, undone_s=15.0)

    assert (found.effect_us, found.recovered_us) == (10_000_000, 16_500_000)
    assert found.steady_after == 1.0


def test_an_outage_that_nobody_was_to_feel_needs_no_recovery() -> None:
    assert felt(load(30), 10.0, 15.0) == Recovery(None, 10_000_000, 1.0)


def test_a_backlog_alone_keeps_a_load_from_being_recovered() -> None:
    # The API answers as ever; 250 messages wait at 15 s and are gone at 18 s.
    buckets = load(30, (10, 18, {"waiting": 100.0}))

    assert felt(buckets, 10.0, 15.0).recovered_us == 18_000_000


def test_failures_of_one_operation_in_twenty_are_an_effect() -> None:
    # 5 % fail: the rate of good answers stays within its 10 %, the share of failures does not.
    buckets = load(30, (10, 12, {"answered": 24, "failed": 2}))

    assert felt(buckets, 10.0, 12.0).recovered_us == 12_000_000


def test_starts_that_were_dropped_are_missing_answers() -> None:
    buckets = load(30, (10, 13, {"answered": 15, "failed": 0}))

    assert felt(buckets, 10.0, 11.0).recovered_us == 13_000_000


@pytest.mark.parametrize(("at_s", "is_felt"), [(10.0, True), (10.5, True), (12.0, False)])
def test_one_bucket_of_failures_is_an_effect_until_the_one_after_the_undo(
    at_s: float, is_felt: bool
) -> None:
    # A reset at 10.1 s is over at once: what fails of it is due until 11 s.
    buckets = load(30, (at_s, at_s + 0.5, {"answered": 15, "failed": 10}))

    found = felt(buckets, 10.1, 10.1)

    assert found.effect_us == (max(10_100_000, round(at_s * US_PER_S)) if is_felt else None)
    assert found.recovered_us == (round((at_s + 0.5) * US_PER_S) if is_felt else 10_100_000)


def test_one_slow_bucket_is_no_effect_and_does_not_undo_a_recovery() -> None:
    buckets = load(30, (10, 12, DOWN), (13, 13.5, SLOW), (20, 20.5, SLOW))
    quiet = load(30, (12, 12.5, SLOW))

    assert felt(buckets, 10.0, 12.0).recovered_us == 12_000_000
    assert felt(quiet, 10.0, 12.0).effect_us is None


def test_a_target_that_flaps_has_not_recovered_until_it_stays() -> None:
    # Up for a second at 12 and at 14 s: 3 s in a row are wanted, with one bucket out of 6.
    buckets = load(30, (10, 12, DOWN), (13, 14, DOWN), (15, 17, DOWN))

    assert felt(buckets, 10.0, 17.0).recovered_us == 17_000_000


@pytest.mark.parametrize(("back_s", "is_seen"), [(27.0, True), (27.5, False), (31.0, False)])
def test_a_recovery_is_seen_only_if_three_seconds_of_load_prove_it(
    back_s: float, is_seen: bool
) -> None:
    buckets = load(30, (10, min(30, back_s), DOWN))

    found = felt(buckets, 10.0, 12.0)

    assert (found.recovered_us is not None) == is_seen


def test_a_target_that_copes_has_recovered_before_the_undo_if_that_changes_nothing() -> None:
    # Felt for 2 s of a fault of 8 s: it went on without the part.
    copes = load(40, (10, 12, DOWN))
    and_again = load(40, (10, 12, DOWN), (18, 19, DOWN))

    assert felt(copes, 10.0, 18.0).recovered_us == 12_000_000
    assert felt(and_again, 10.0, 18.0).recovered_us == 19_000_000


def test_two_faults_that_run_into_one_another_have_one_recovery() -> None:
    buckets = load(40, (10, 20, DOWN))

    assert felt(buckets, 10.0, 12.0, next_s=14.0).recovered_us == 20_000_000
    bands = bands_of(buckets[:20])
    assert bands is not None
    second = recovery_of(buckets, bands, injected_us=14_000_000, undone_us=16_000_000)
    assert second.recovered_us == 20_000_000


def test_what_begins_long_after_the_undo_is_no_effect_of_the_fault() -> None:
    buckets = load(40, (25, 30, DOWN))

    found = felt(buckets, 10.0, 12.0)

    assert found.effect_us is None
    # 60 buckets from 10 s on, 10 of them bad
    assert found.steady_after == pytest.approx(50 / 60)


def test_a_ramp_is_as_before_while_its_starts_are_answered() -> None:
    buckets = [
        replace(USUAL, begins_us=n * HALF_S, planned=10.0 + n, answered=10 + n) for n in range(60)
    ]

    assert felt(buckets, 10.0, 12.0).effect_us is None


def test_the_backlog_drains_from_its_peak_to_the_recovery() -> None:
    # 250 messages at 15 s, 10 at 18 s: 80 a second.
    waiting = {10.0: 10.0, 15.0: 250.0, 16.0: 170.0, 18.0: 10.0, 25.0: 400.0}
    buckets = [
        replace(USUAL, begins_us=round(at_s * US_PER_S), waiting=n) for at_s, n in waiting.items()
    ]

    assert drain_per_s(buckets, 18_000_000) == (250.0, 80.0)
    assert drain_per_s([replace(USUAL, waiting=None)], 18_000_000) is None
    assert drain_per_s(buckets[:2], 18_000_000) == (250.0, None)


@pytest.mark.parametrize(
    ("starts_per_s", "width"),
    [(200.0, 100_000), (199.0, 200_000), (40.0, 500_000), (1.0, 5_000_000)],
)
def test_a_bucket_holds_twenty_starts_where_five_seconds_have_so_many(
    starts_per_s: float, width: int
) -> None:
    assert width_us(starts_per_s, 60 * US_PER_S) == width


def test_three_seconds_before_a_fault_are_enough_buckets_at_any_rate() -> None:
    assert width_us(1.0, 3 * US_PER_S) == HALF_S  # 6 of them
    assert width_us(1.0, 2_999_000) == HALF_S  # 5 of them, and a bit


@pytest.mark.parametrize(
    ("width_s", "undone_s", "needed_s"),
    [
        # 20 s of load. Six buckets of 0.5 s: 17 to 20, or 17.5 to 20.5.
        (0.5, 16.9, 0.0),
        (0.5, 17.0, 0.0),
        (0.5, 17.1, 3.4),
        # One bucket of 2 s: 18 to 20, or 20 to 22.
        (2.0, 18.0, 0.0),
        (2.0, 18.1, 3.9),
        # One bucket of 5 s: 4 s are left, and it would end at 25.
        (5.0, 16.0, 9.0),
    ],
)
def test_a_recovery_can_be_seen_where_whole_buckets_of_it_begin_after_the_undo(
    width_s: float, undone_s: float, needed_s: float
) -> None:
    width_us = round(width_s * US_PER_S)
    buckets = [replace(USUAL, begins_us=at_us) for at_us in range(0, 20 * US_PER_S, width_us)]

    assert seconds_needed(buckets, round(undone_s * US_PER_S)) == pytest.approx(needed_s)
