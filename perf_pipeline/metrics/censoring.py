"""How long an interrupted operation may have waited before it counts as failed.

An operation that the end of a load cut off is a censored observation: what it had waited is a
lower bound of what it would have taken. Whether that was too long is read off the operations that
were answered (docs/decisions, on interrupted operations).
Add here: nothing but this rule. Keep out: SQL (store/censoring.py).
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
    """Give the longest wait, in µs, that the answered operations explain.

    k times the longest of n answered ones. Where service times are exponential, one operation
    under way has waited longer than that with probability 1 / C(n + k, k); k is the smallest for
    which this happens by chance to one of m interrupted operations in fewer than 1 of 1,000 loads.
    Never below 3 (service times have longer tails than that) nor above 20 (a handful of answers
    would excuse any silence), and never less than 100 ms, which a busy machine takes now and then.

    Source: with X exponential and M the largest of n, P(X > k M) = n B(k + 1, n).

    Args:
        answered: n, of the same scenario and operation; 0 explains the shortest wait only.
        longest_us: their longest service time.
        interrupted: m.

    >>> longest_wait_us(1_000, 50_000, 2), longest_wait_us(10, 50_000, 1)
    (150000, 200000)
    """
    factor = LEAST_FACTOR
    while factor < MOST_FACTOR and comb(answered + factor, factor) < _CHANCES * interrupted:
        factor += 1
    return max(SHORTEST_WAIT_US, factor * longest_us)
