"""A histogram that can be merged, whose percentiles have a bounded relative error.

DDSketch without a limit on buckets (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
quantile sketch with relative-error guarantees", PVLDB 12, 2019): with g = (1 + e) / (1 - e), bucket
i > 0 holds the values x with LEAST g^(i-1) < x <= LEAST g^i and stands for 2 LEAST g^i / (g + 1),
from which no value in it differs by more than the share e. Bucket 0 holds |x| <= LEAST; bucket -i
mirrors bucket i. Histograms of workers and of runs are merged by adding counts, without any loss.

Add here: another figure of a distribution. Keep out: filling it from rows (store/, in SQL).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, log
from typing import Final

RELATIVE_ERROR: Final = 0.005
LEAST: Final = 1e-6
_GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
LOG_GAMMA: Final = log(_GAMMA)


def bucket_of(value: float) -> int:
    """Return the number of the bucket that holds a value.

    >>> bucket_of(0.0), bucket_of(1e-6 * 1.005), bucket_of(-1e-6 * 1.005)
    (0, 1, -1)
    """
    if abs(value) <= LEAST:
        return 0
    number = max(1, ceil(log(abs(value) / LEAST) / LOG_GAMMA))
    return number if value > 0 else -number


def value_of(bucket: int) -> float:
    """Return the value that represents a bucket."""
    if bucket == 0:
        return 0.0
    size: float = 2 * LEAST * _GAMMA ** abs(bucket) / (_GAMMA + 1)
    return size if bucket > 0 else -size


@dataclass(frozen=True, slots=True)
class Histogram:
    """Hold a distribution; count, total, minimum and maximum are exact.

    Attributes:
        count: number of values.
        total: sum of the values.
        minimum: the smallest value; inf without values.
        maximum: the largest value; -inf without values.
        buckets: how many values each bucket holds, by its number; empty where only the exact
            figures were kept.
    """

    count: int
    total: float
    minimum: float
    maximum: float
    buckets: Mapping[int, int]

    def plus(self, other: "Histogram") -> "Histogram":
        """Return the histogram of the values of both histograms."""
        buckets = dict(self.buckets)
        for bucket, count in other.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + count
        return Histogram(
            self.count + other.count,
            self.total + other.total,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            buckets,
        )

    def percentile(self, percent: float) -> float | None:
        """Return a percentile, by linear interpolation between closest ranks; None without values.

        The result is right within `RELATIVE_ERROR`; the smallest and the largest value are exact.

        Args:
            percent: 0 to 100.
        """
        in_buckets = sum(self.buckets.values())
        if not in_buckets:
            return None
        rank = percent / 100 * (in_buckets - 1)
        low, high = self._value_at(floor(rank)), self._value_at(ceil(rank))
        return low + (high - low) * (rank - floor(rank))

    def _value_at(self, rank: int) -> float:
        if rank == 0:
            return self.minimum
        if rank == sum(self.buckets.values()) - 1:
            return self.maximum
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen > rank:
                # No percentile lies outside the values that were seen.
                return min(self.maximum, max(self.minimum, value_of(bucket)))
        return self.maximum


EMPTY: Final = Histogram(0, 0.0, float("inf"), float("-inf"), {})
