"""How far a host's clock is off, and what bounds it: by hand, with Cristian's rule."""

import pytest

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


@pytest.mark.parametrize(
    ("later", "error_ms"),
    [
        ([], 1),  # as good as the first reading
        ([(2, 10, 2)], 2),  # the clock did not move: 0 + 2
        ([(2, 15, 2)], 7),  # it moved by 5: 5 + 2
        ([(2, 40, 30), (3, 11, 2)], 3),  # of one piece of 10 s the better one counts: 1 + 2
        ([(2, 11, 2), (12, 40, 30)], 60),  # of two pieces the worse one: 30 + 30
        ([(2, 2_010, 1)], 2_001),  # somebody's clock was off by 2 s from then on
    ],
)
def test_what_a_clock_has_moved_is_part_of_the_error(
    later: list[tuple[int, int, int]], error_ms: int
) -> None:
    track = OffsetTrack(OffsetReading(0, 10 * MS, MS))
    for at_s, offset_ms, its_ms in later:
        track.add(OffsetReading(at_s * S, offset_ms * MS, its_ms * MS))

    assert track.error_ns == error_ms * MS


def test_what_was_not_known_before_the_load_is_no_error_of_it_and_a_move_is() -> None:
    track = OffsetTrack(OffsetReading(0, 10 * MS, MS))
    track.add(OffsetReading(2 * S, 10 * MS, 1_600 * MS))  # it waited for a file
    track.restart()

    assert track.error_ns == MS
    track.add(OffsetReading(4 * S, 15 * MS, 2 * MS))  # 5 ms from where it was at first, and 2
    assert track.error_ns == 7 * MS
