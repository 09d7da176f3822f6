"""Says whether runs are out of line by their order alone, whatever the noise is like.

Student's t believes in log-normal noise. These tests believe in nothing but that identical runs
can come in any order. Formulas and sources: docs/statistics.md.
Add here: another claim that rests on order alone. Keep out: levels and spreads (suspicion.py).
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from math import comb, fsum
from typing import Final

WINDOW: Final = 30
"""So many of the newest runs are compared, suspicious ones included."""

NEW_RUNS: Final = 3
"""The gate looks at a run and the two before it."""

_PRECEDENCE_LEVEL: Final = 0.0105
_PERMUTATION_LEVEL: Final = 0.003
_MOST_ODD: Final = 5
_BESIDE_ODD: Final = 2
_SOME_RUNS: Final = range(8, 15)
_ROUNDING: Final = 1e-9


def exceedance(old: int, above: int, needed: int) -> float:
    """Return the chance that `needed` of three new runs exceed all but `above` of the old ones.

    All orders of the old + 3 runs are equally likely. At least `needed` new runs are above all but
    `above` of the old ones when they are among the highest `above + needed` of all runs.
    Source: Nelson (1963), Tables for a precedence life test, Technometrics 5.

    >>> round(exceedance(30, 0, 2), 6)  # the two highest of 33: 3 * 2 / (33 * 32)
    0.005682
    """
    top = above + needed
    rest = old + NEW_RUNS - top
    among = sum(comb(top, n) * comb(rest, NEW_RUNS - n) for n in range(needed, NEW_RUNS + 1))
    return among / comb(old + NEW_RUNS, NEW_RUNS)


@lru_cache(maxsize=WINDOW + 1)
def most_above(old: int) -> int:
    """Return how many of the old runs may be as bad as the mildest of three new ones.

    As many as keep `exceedance` at 1.05 %, which are 5 of 30; with few runs none.
    """
    above = 0
    while above + 1 < old and exceedance(old, above + 1, NEW_RUNS) <= _PRECEDENCE_LEVEL:
        above += 1
    return above


def permutation_p(old: Sequence[float], new: Sequence[float]) -> float:
    """Return the share of all ways to choose three runs whose sum is at least that of the new ones.

    Source: Pitman (1937), Significance tests which may be applied to samples from any populations,
    JRSS Supplement 4.

    Args:
        old: positions of the old runs.
        new: positions of three new runs.

    >>> permutation_p([0.0, 1.0, 2.0], [3.0, 4.0, 5.0])  # 1 of 20
    0.05
    """
    least = fsum(new) - _ROUNDING
    chosen = [sum(three) >= least for three in combinations([*old, *new], NEW_RUNS)]
    return sum(chosen) / len(chosen)


def out_of_order(old: Sequence[float], new: Sequence[float], odd: int) -> bool:
    """Say whether the newest three runs are beyond what the runs before them did.

    Which test decides depends on how many old runs were out of line themselves. None: two new runs
    must exceed all old ones; a single one of 8 to 14 is passed over. Up to five: that happens
    by chance, and all three must exceed nearly all. More: the noise has a second level, and their
    sum is judged by permutation.

    Args:
        old: positions of the runs before, the oldest first; higher is worse, equal is not higher.
        new: those of the newest runs, at most three; fewer than two are never beyond.
        odd: how many of the last WINDOW old runs are out of line themselves.
    """
    known, highest_first = old[-WINDOW:], sorted(new, reverse=True)
    if odd <= (1 if len(known) in _SOME_RUNS else 0):
        return len(new) > 1 and _as_bad(known, highest_first[1]) <= odd
    if len(new) < NEW_RUNS:
        return False
    if odd <= _MOST_ODD:
        return _as_bad(known, highest_first[-1]) <= _allowed(known, odd)
    return permutation_p(known, new) <= _PERMUTATION_LEVEL


def out_of_range(old: Sequence[float], value: float) -> bool:
    """Say whether at most five of the old runs that count were as bad as a single run."""
    return _as_bad(old[-WINDOW:], value) <= _MOST_ODD


def limit(old: Sequence[float], odd: int) -> float:
    """Return the position that runs must exceed together when they depend on each other.

    It is the worst of the old runs, or where one to five of these are out of line, the worst that
    three new ones would have to exceed.

    Args:
        old: positions of at least one run, higher is worse.
        odd: how many of them are out of line themselves.
    """
    has_outliers = 0 < odd <= _MOST_ODD
    return sorted(old, reverse=True)[_allowed(old, odd) if has_outliers else 0]


def _allowed(known: Sequence[float], odd: int) -> int:
    return min(odd + _BESIDE_ODD, most_above(len(known)))


def _as_bad(runs: Sequence[float], value: float) -> int:
    return sum(run >= value for run in runs)
