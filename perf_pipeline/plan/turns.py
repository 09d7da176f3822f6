"""Let two sides take turns in one plan of starts, so that neither is systematically first.

Add here: another order of the sides. Keep out: what the sides are (loading/), waiting (engine/).
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final

from perf_pipeline.plan.arrivals import Arrival

_PAIRS_IN_BLOCK: Final = 2


def in_turns(starts: Iterable[Arrival], side: int, seed: str) -> Iterator[Arrival]:
    """Return one side's starts: each start of the plan becomes a pair, half a gap apart.

    Two pairs make a block. For each block, chance decides whether side 0 begins the first pair; the
    other side begins the second one (ABBA or BAAB). So a drift that is linear over a block affects
    both equally. Source: the balanced blocks of ABBA designs, as in G. E. P. Box, W. G. Hunter, J.
    S. Hunter, Statistics for Experimenters, 2005, chapter 3.

    Args:
        starts: the starts of the plan, in order; every side gets as many.
        side: 0 or 1.
        seed: the same for both sides.
    """
    chance, begins = random.Random(seed), 0
    for start, gap_us in _with_gaps(starts):
        begins = chance.getrandbits(1) if start.n % _PAIRS_IN_BLOCK == 0 else 1 - begins
        yield Arrival(start.n, start.at_us + (0 if begins == side else gap_us // 2))


def _with_gaps(starts: Iterable[Arrival]) -> Iterator[tuple[Arrival, int]]:
    """Return each start with the time to the next one; the last start repeats the previous gap."""
    before: Arrival | None = None
    gap_us = 0
    for start in starts:
        if before is not None:
            gap_us = start.at_us - before.at_us
            yield before, gap_us
        before = start
    if before is not None:
        yield before, gap_us
