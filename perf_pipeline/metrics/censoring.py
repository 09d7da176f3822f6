"""How long an interrupted operation may have waited before it counts as failed.

An operation that the end of a load cut off is a censored observation: the time it has waited is a
lower bound of the time it would have taken. The operations that were answered show whether that was
too long (docs/decisions, on interrupted operations).
Add here: only this rule. Keep out: SQL (store/censoring.py).
"""

from math import comb
from typing import Final

UNANSWERED: Final = "unanswered"
"""The error class of an interrupted operation that had waited too long."""

SHORTEST_WAIT_US: Final = 100_000
LEAST_FACTOR: Final = 3
MOST_FACTOR: Final = 20
_CHANCES: Final = 1_000


def longest_wait_us(answered: int, longest_us: int, interrupted: int) -> int:
    """Return the longest wait, in µs, that the answered operations explain.

    It is k times the longest of n answered operations. Where service times are exponential, a
    running operation has waited longer than that with probability 1 / C(n + k, k). k is the
    smallest number for which chance makes one of m interrupted operations wait so long in fewer
    than 1 of 1,000 loads. It is never below 3 (service times have longer tails) nor above 20 (a few
    answers would excuse any silence). The result is never below 100 ms, which a busy machine
    sometimes takes.

    Source: with X exponential and M the largest of n, P(X > k M) = n B(k + 1, n).

    Args:
        answered: n, the answered operations of the same scenario and name; 0 explains only the
            shortest wait.
        longest_us: their longest service time.
        interrupted: m, the interrupted operations.

    >>> longest_wait_us(1_000, 50_000, 2), longest_wait_us(10, 50_000, 1)
    (150000, 200000)
    """
    factor = LEAST_FACTOR
    while factor < MOST_FACTOR and comb(answered + factor, factor) < _CHANCES * interrupted:
        factor += 1
    return max(SHORTEST_WAIT_US, factor * longest_us)
