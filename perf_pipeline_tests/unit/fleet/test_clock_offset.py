"""How far a host's clock is off, and what bounds it: by hand, with Cristian's rule."""

import pytest

from perf_pipeline.fleet.clock_course import course_of
from perf_pipeline.fleet.clock_offset import OffsetReading, OffsetTrack, best_of

MS = 1_000_000
S = 1_000 * MS


def test_the_middle_of_a_round_trip_is_wrong_by_half_of_it_at_most() -> None:
    # Sent at 100, back at 140: the host read 1,130 at some moment between, 120 in the middle.
    # Read at 100 it would be 1,030 ahead, at 140 it would be 990: 1,010 and 20 to either side.
    assert OffsetReading.of(100, 1_130, 140) == OffsetReading(120, 1_010, 20)


def test_the_shortest_round_trip_tells_most() -> None:
    slow, quick = OffsetReading(5, 900, 80), OffsetReading(9, 1_000, 3)

    assert best_of([slow, quick]) is quick


def kept(track: OffsetTrack) -> list[tuple[float, int]]:
    """Give the moment of each reading that is kept, in s, and its error in ms."""
    return [(its.at_ns / S, its.error_ns // MS) for its in track.readings()]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([(0.2, 3), (0.3, 2)], [(0.3, 2)]),  # the best one before the first start
        ([(1.1, 2), (1.9, 3), (2.1, 3)], [(1.1, 2), (2.1, 3)]),  # the best one of each second
        ([(101, 2), (109, 3), (111, 3)], [(101, 2), (111, 3)]),  # and of 10 s, 100 s later
        ([(2, 40), (3, 11), (4, 1)], [(4, 1)]),  # more than four times as wrong as the best of 10 s
        ([(2, 40), (13, 1)], [(2, 40), (13, 1)]),  # but the only one of its 10 s
        ([(8, 1), (12, 40), (13, 2)], [(8, 1), (13, 2)]),
        ([(8, 1), (12, 40)], [(8, 1), (12, 40)]),  # nothing else tells of the end
    ],
)
def test_the_shortest_round_trips_of_a_load_are_kept(
    later: list[tuple[float, int]], expected: list[tuple[float, int]]
) -> None:
    track = OffsetTrack(OffsetReading(0, 10 * MS, MS))
    for at_s, error_ms in later:
        track.add(OffsetReading(round(at_s * S), 10 * MS, error_ms * MS))

    assert kept(track) == expected


def test_all_of_a_load_is_before_the_reading_of_its_end_whichever_is_better() -> None:
    track = OffsetTrack(OffsetReading(0, 10 * MS, MS))
    track.add(OffsetReading(101 * S, 10 * MS, MS))
    track.end(OffsetReading(109 * S, 210 * MS, 2 * MS))  # it was set by 200 ms meanwhile

    assert kept(track) == [(101.0, 1), (109.0, 2)]
    # It was at 9 ... 212 ms in these 8 s, and the line goes up from 10.
    assert course_of(track.first, track.readings(), track.from_ns).error_ns >= 200 * MS


def test_a_reading_of_the_last_seconds_that_waited_is_left_out_as_any_other() -> None:
    track = OffsetTrack(OffsetReading(0, 10 * MS, MS))
    track.add(OffsetReading(19 * S, 10 * MS, 40 * MS))
    track.end(OffsetReading(20 * S, 10 * MS, 2 * MS))

    assert kept(track) == [(20.0, 2)]


def test_what_was_asked_before_a_load_tells_nothing_of_it() -> None:
    track = OffsetTrack(OffsetReading(0, 10 * MS, MS))
    track.add(OffsetReading(2 * S, 10 * MS, 1_600 * MS))  # it waited for a file
    track.restart(3 * S)
    # Asked 1.9 s before its middle, at 2.0 s, which is before the load; then one that is of it.
    track.add(OffsetReading(3 * S + 900 * MS, 10 * MS, 1_900 * MS))
    track.add(OffsetReading(4 * S, 15 * MS, 2 * MS))

    assert kept(track) == [(4.0, 2)]
    assert track.from_ns == 3_400 * MS
