"""The ratio of two sides that were measured block by block, with an interval that holds.

Every block gives the logarithm of one ratio. Their centre is the Hodges-Lehmann estimate. The
interval is that of the signed-rank test, which is exact for every symmetric noise of independent
blocks, or that of batches of blocks where it is wider. A bootstrap over blocks needs far more of
them at the levels that sequential looks ask for, and takes them for independent.
Add here: another property of paired blocks. Keep out: how blocks are made (duet_blocks.py), what a
ratio means (duet.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from perf_pipeline.analysis.special import special

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EXACT_UP_TO: Final = 60
_FEWEST_BLOCKS: Final = 6
_BATCHES: Final = 12


@dataclass(frozen=True, slots=True)
class Ratio:
    """Hold an estimated ratio, candidate to baseline, with its interval.

    Attributes:
        estimate: the estimate of the ratio; 1 if both sides are equal.
        low: lower end of the interval; 0 where there are too few blocks for one.
        high: upper end; infinite where there are too few blocks.
        blocks: how many blocks there were.
    """

    estimate: float
    low: float
    high: float
    blocks: int

    @property
    def has_interval(self) -> bool:
        """Say whether there were enough blocks for an interval."""
        return bool(self.low) and not math.isinf(self.high)

    @property
    def half_width(self) -> float:
        """Return half of the interval's width as a share of the ratio; infinite without one."""
        if not self.has_interval:
            return math.inf
        return math.expm1(math.log(self.high / self.low) / 2)


def paired_ratio(logs: Sequence[float], alpha: float) -> Ratio | None:
    """Estimate the ratio whose logarithms these blocks saw; None without any block.

    Source of the estimate and its interval: J. L. Hodges, E. L. Lehmann, Estimates of Location
    Based on Rank Tests, 1963.

    Args:
        logs: a logarithm of the ratio for each block, in the order of time.
        alpha: chance at most that the interval misses the ratio.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s of import that few commands need

    count = len(logs)
    if not count:
        return None
    values = np.asarray(logs, dtype=float)
    first, second = np.triu_indices(count)
    walsh = np.sort((values[first] + values[second]) / 2)
    centre = float(np.median(walsh))
    cut = _cut(count, alpha / 2) if count >= _FEWEST_BLOCKS else None
    if cut is None:
        return Ratio(math.exp(centre), 0.0, math.inf, count)
    batches = _interval_of_batches(values, alpha)
    low, high = min(float(walsh[cut]), batches[0]), max(float(walsh[-1 - cut]), batches[1])
    return Ratio(math.exp(centre), math.exp(low), math.exp(high), count)


def _cut(count: int, tail: float) -> int | None:
    """Return how many of the Walsh averages lie outside at each end; None where none may.

    It is the largest c with P(W < c) <= tail, W being the sum of the positive ranks.
    """
    if count <= _EXACT_UP_TO:
        below = sum(1 for chance in _signed_rank(count) if chance <= tail)
    else:
        # Its tails are shorter than the normal's, so this is on the safe side.
        spread = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        middle = count * (count + 1) / 4
        below = math.floor(middle - 0.5 + NormalDist().inv_cdf(tail) * spread)
    return below - 1 if below >= 1 else None


@cache
def _signed_rank(count: int) -> tuple[float, ...]:
    """Return P(W <= w) for w = 0, 1, 2 … of the signed-rank statistic, up to its middle.

    Source: F. Wilcoxon, Individual Comparisons by Ranking Methods, 1945; every rank is positive
    with chance 1/2.
    """
    chances = [1.0]
    for rank in range(1, count + 1):
        without = [*chances, *[0.0] * rank]
        for place, chance in enumerate(chances):
            without[place + rank] += chance
        chances = [chance / 2 for chance in without]
    total, found = 0.0, []
    for chance in chances[: count * (count + 1) // 4]:
        total += chance
        found.append(total)
    return tuple(found)


def _interval_of_batches(values: "NDArray[np.float64]", alpha: float) -> tuple[float, float]:
    """Return the interval that twelve batches of neighbouring blocks give.

    A disturbance of one side that lasts for several blocks is in most of a batch, so that the
    spread of the batches has it in. Each batch is the mean of the middle half of its blocks.
    Source: B. Schmeiser, Batch Size Effects in the Analysis of Simulation Output, 1982.
    """
    import numpy as np  # noqa: PLC0415 - see above

    # The first of them have one block more than the others.
    size, longer = divmod(len(values), min(_BATCHES, len(values)))
    split = longer * (size + 1)
    first, others = values[:split].reshape(longer, size + 1), values[split:].reshape(-1, size)
    means = np.concatenate([_middles(first), _middles(others)])
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    half = error * float(special().stdtrit(len(means) - 1, 1 - alpha / 2))
    centre = float(means.mean())
    return centre - half, centre + half


def _middles(batches: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return the mean of the middle half of each row."""
    import numpy as np  # noqa: PLC0415 - see above

    size = batches.shape[1]
    cut = size // 4
    means: NDArray[np.float64] = np.sort(batches, axis=1)[:, cut : size - cut].mean(axis=1)
    return means
