"""Work out how long a window has to be for the thresholds that are judged in it.

A percentile q of n values lies, with 95 % certainty, between the values of the ranks
q ± 1.96 sqrt(q (1 - q) / n): the normal approximation of the binomial interval of order
statistics (David and Nagaraja 2003, Order Statistics, section 7.1). A window has as many values as
make this half of the tail: the p(95) then lies between the p(92.5) and the p(97.5) of an endless
load. A share with the bound b is known to ± b.

Add here: the needs of another kind of threshold. Keep out: loading windows (runs/).
"""

import math
from collections.abc import Iterable
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.threshold import Threshold

SHORTEST_S: Final = 10.0
LONGEST_S: Final = 120.0
_Z: Final = 1.96
_LEAST_TAIL: Final = 0.001


def values_needed(thresholds: Iterable[Threshold]) -> int:
    """Return how many operations a window needs for its judged figures to be near the true ones.

    1.96^2 q (1 - q) / ((1 - q) / 2)^2 for a percentile, 1.96^2 (1 - b) / b for a share; 0 where
    nothing of the kind is judged.
    """
    return max((math.ceil(_needed(threshold)) for threshold in thresholds), default=0)


def window_s(thresholds: Iterable[Threshold], rate: float) -> float:
    """Return the length of a window in seconds, between 10 s and 2 minutes.

    Args:
        thresholds: the thresholds that are judged in it.
        rate: starts per second.
    """
    return min(LONGEST_S, max(SHORTEST_S, math.ceil(values_needed(thresholds) / rate)))


def counts(threshold: Threshold) -> bool:
    """Say whether a window must keep a threshold: a promise that is not about the rate itself."""
    return threshold.severity == "fail" and not asks_for_a_rate(threshold)


def asks_for_a_rate(threshold: Threshold) -> bool:
    """Say whether a threshold requires a rate, which a search chooses itself.

    >>> from perf_pipeline.metrics.threshold import parse_threshold
    >>> asks_for_a_rate(parse_threshold("http_reqs", "rate>=50"))
    True
    >>> asks_for_a_rate(parse_threshold("http_req_failed", "rate<0.01"))
    False
    """
    metric = CATALOG[threshold.metric]
    is_amount = metric.kind is Kind.COUNTER or metric.unit.endswith(("/s", "/day"))
    is_more = threshold.comparison in {">", ">="}
    return is_more and (is_amount or metric.name == "headroom_ratio")


def _needed(threshold: Threshold) -> float:
    if threshold.percentile is not None:
        tail = max(_LEAST_TAIL, 1 - threshold.percentile / 100)
        return _Z**2 * (1 - tail) * 4 / tail
    if CATALOG[threshold.metric].kind is Kind.RATE:
        tail = min(threshold.bound, 1 - threshold.bound)
        return _Z**2 * (1 - tail) / tail if tail >= _LEAST_TAIL else 0.0
    return 0.0
