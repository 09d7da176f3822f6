"""How a host's clock went, of readings whose truth is known: by hand, and by a made-up clock."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from perf_pipeline.fleet.clock_course import ClockCourse, course_of
from perf_pipeline.fleet.clock_offset import OffsetReading, OffsetTrack
from perf_pipeline.fleet.corrected_spool import Shifts

MS = 1_000_000
S = 1_000 * MS
FAR_NS = 4_000 * S  # how far the host's clock is from the driver's to begin with


def drawn(*later: tuple[float, float, float], from_s: float = 0.0) -> ClockCourse:
    """Draw the course through readings (s, ms, ms), and 0 ± 1 ms before the load."""
    first = OffsetReading(0, 0, MS)
    readings = [OffsetReading(*(round(n) for n in (s * S, o * MS, e * MS))) for s, o, e in later]
    return course_of(first, readings, round(from_s * S))


def test_a_clock_that_may_have_stood_still_is_left_as_it_was() -> None:
    # 1.5 ± 1 ms, and 0 ± 1 ms before: both hold for a clock that is 0.5 ms ahead all the time.
    course = drawn((1, 1.5, 1))

    assert course.is_straight
    # It can be 2.5 ms ahead, and is taken for 0 ms.
    assert course.error_ns == 2.5 * MS


def test_a_steady_drift_is_one_line_through_all_readings() -> None:
    # 0.5 ms a second: 500 ppm.
    course = drawn(*((s, 0.5 * s, 0.1) for s in range(1, 61)))

    assert course.at_ns == (0, 60 * S)
    assert course.offset_ns == (0, 30 * MS)
    assert (course.behind_ns, course.moved_ns) == (0, 30 * MS)
    # Between two readings it was anywhere between them: 0.5 ms, and 0.1 ms on one side. Before the
    # load it was known to 1 ms: between -1 and 0.6 ms in the first second, where the line rises to
    # 0.5.
    assert course.error_ns == pytest.approx(1.5 * MS, abs=1)
    # What was before the first start is no error of the load, but for how well it was known then.
    assert drawn((1, 2, 0.1), (2, 4, 0.1), from_s=2).error_ns == pytest.approx(MS, abs=1)


def test_a_clock_that_is_behind_makes_starts_late_by_that() -> None:
    course = drawn((10, -5, 0.1), (20, -10, 0.1), (30, -10, 0.1))

    assert course.behind_ns == pytest.approx(10 * MS, abs=0.2 * MS)


def test_a_clock_that_is_set_has_an_error_of_that_much() -> None:
    # 40 ms between 4 and 5 s. The line is at 0 until 4 s and at 40 from 5 s on; in between it was
    # at -0.1 ... 40.1 ms, and the line is at 0 ... 40.
    course = drawn(*((s, 40 * (s > 4), 0.1) for s in range(1, 10)))

    assert course.at_ns == (0, 4 * S, 5 * S, 9 * S)
    assert course.offset_ns == (0, 0, 40 * MS, 40 * MS)
    assert course.error_ns == pytest.approx(40.1 * MS, abs=1)


def test_without_readings_it_is_known_as_well_as_before() -> None:
    assert drawn() == ClockCourse((0,), (0,), MS)


@pytest.mark.parametrize(
    ("ahead_ns", "most_error_ms"),
    [
        # 500 ppm fast, and slow: 2 s between two readings at most, 1 ms, and the round trips.
        (lambda at_ns: at_ns * 500 // 1_000_000, 1.5),
        (lambda at_ns: -at_ns * 500 // 1_000_000, 1.5),
        # Set by 20 ms after 30 s.
        (lambda at_ns: 20 * MS * (at_ns > 30 * S), 20.5),
        # Corrected by NTP, whose most are 500 ppm, for 20 s.
        (lambda at_ns: max(0, min(at_ns, 40 * S) - 20 * S) * 500 // 1_000_000, 1.5),
    ],
    ids=["fast", "slow", "set", "slewed"],
)
def test_every_moment_of_a_load_is_within_the_bound(
    ahead_ns: Callable[[int], int], most_error_ms: float
) -> None:
    def asked(at_ns: int) -> OffsetReading:
        there_ns, back_ns = (round(rng.expovariate(1 / (0.1 * MS))) for _ in range(2))
        read_ns = at_ns + there_ns + FAR_NS + ahead_ns(at_ns + there_ns)
        return OffsetReading.of(at_ns, read_ns, at_ns + there_ns + back_ns)

    rng, origin_ns = random.Random(5), -3 * S
    first = min((asked(n * MS - 2 * S) for n in range(21)), key=lambda its: its.error_ns)
    track = OffsetTrack(first)
    track.restart(0)
    for n in range(300):  # five times a second for a minute
        track.add(asked(n * S // 5))
    course = course_of(first, track.readings(), track.from_ns)
    shifts = Shifts.of(course, origin_ns)

    assert course.error_ns < most_error_ms * MS
    for at_ns in range(S // 2, 59 * S, S // 7):
        # What a worker writes that counts from the origin as it knows it.
        its_us = (at_ns + FAR_NS + ahead_ns(at_ns) - (origin_ns + first.offset_ns)) / 1_000
        (by_us,) = shifts.applied(np.array([round(its_us)]))
        assert abs(by_us - (at_ns - origin_ns) / 1_000) <= course.error_ns / 1_000 + 1
