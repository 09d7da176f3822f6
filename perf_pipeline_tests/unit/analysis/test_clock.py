"""Another clock is known within Cristian's bound; expected values are worked out by hand."""

import pytest

from perf_pipeline.analysis.clock import ClockOffset, ClockTrip, clock_offset

# Theirs is 300 ahead. Sent at 0, stamped at 4 (304), received at 10: the offset is 294 to 305.
FIRST = ClockTrip(0, 10, 304)
# Sent at 100, stamped at 129 (429), received at 130: 299 to 330. Both together: 299 to 305.
SECOND = ClockTrip(100, 130, 429)


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ([], None),
        ([[]], None),
        ([[FIRST]], ClockOffset(299, 6)),
        ([[FIRST], [SECOND]], ClockOffset(302, 3)),
        ([[FIRST, SECOND], []], ClockOffset(302, 3)),
        # Set forward by 50 meanwhile: 344 to 355 has nothing in common with 294 to 305.
        ([[FIRST], [ClockTrip(0, 10, 354)]], ClockOffset(324, 31)),
        # Whole seconds only: sent at 0.9 s, Date 1 s, received at 1.1 s: -0.1 s to 1.1 s.
        ([[ClockTrip(900_000, 1_100_000, 1_000_000, 1_000_000)]], ClockOffset(500_000, 600_000)),
    ],
    ids=["no round", "no trip", "one", "two rounds", "one round", "a clock that was set", "Date"],
)
def test_the_bound_holds_every_offset_that_explains_all_trips(
    rounds: list[list[ClockTrip]], expected: ClockOffset | None
) -> None:
    assert clock_offset(rounds) == expected
