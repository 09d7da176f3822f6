"""Cut what two sides did at the same time into short blocks, and compare them block by block.

What slows the machine down for a while slows both sides, so it is gone from a ratio within a block.
Source: L. Bulej et al., Duet Benchmarking: Improving Measurement Accuracy in the Cloud, 2020,
arXiv 2001.05811.
Add here: another statistic of a block. Keep out: intervals (paired_ratio.py), verdicts (duet.py).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from perf_pipeline.units import US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHORTEST_US: Final = US_PER_S // 2
_MOST_BLOCKS: Final = 400


class BlockStatistic(StrEnum):
    """Name what is compared in each block."""

    MEDIAN = "p50"
    MEAN = "mean"
    P95 = "p95"
    THROUGHPUT = "throughput"

    @property
    def requests(self) -> int:
        """Return how many requests of each side a block needs on average to have it."""
        return 20 if self is BlockStatistic.P95 else 8


@dataclass(frozen=True, slots=True)
class SideSamples:
    """Hold what one side did of one operation; an entry a request, in any order.

    Attributes:
        intended_us: when it was to start, in µs since the origin of both sides.
        took_us: from its first byte sent to the last byte received.
        ok: whether it went well.
        records: how many rows or messages it was about; None where nobody counts them.
        wrong: whether its answer failed a check; None where nothing is checked.
    """

    intended_us: "NDArray[np.int64]"
    took_us: "NDArray[np.int64]"
    ok: "NDArray[np.bool_]"
    records: "NDArray[np.int64] | None" = None
    wrong: "NDArray[np.bool_] | None" = None

    @property
    def bad(self) -> "NDArray[np.bool_]":
        """Say of each request whether it failed, or its answer failed a check."""
        return ~self.ok if self.wrong is None else ~self.ok | self.wrong

    @property
    def bad_share(self) -> float:
        """Return the share of such requests; 0 without any request."""
        return float(self.bad.mean()) if len(self.ok) else 0.0

    @property
    def failed(self) -> int:
        """Count the requests that did not go well."""
        return int((~self.ok).sum())

    @property
    def wrongly(self) -> int:
        """Count the requests whose answer failed a check."""
        return 0 if self.wrong is None else int(self.wrong.sum())

    @property
    def records_each(self) -> float:
        """Return how many rows or messages a request that went well was about, on average."""
        if self.records is None or not self.ok.any():
            return 0.0
        return float(self.records[self.ok].mean())

    def within(self, from_us: int, until_us: int) -> "SideSamples":
        """Return the requests that were to start in a time."""
        inside = (self.intended_us >= from_us) & (self.intended_us < until_us)
        return SideSamples(
            self.intended_us[inside],
            self.took_us[inside],
            self.ok[inside],
            None if self.records is None else self.records[inside],
            None if self.wrong is None else self.wrong[inside],
        )

    def value(self, statistic: BlockStatistic) -> float | None:
        """Return a statistic over all requests that went well, in ms; None without any."""
        took_us = self.took_us[self.ok]
        if statistic is BlockStatistic.THROUGHPUT or not len(took_us):
            return None
        return _OF[statistic](took_us) / US_PER_MS


@dataclass(frozen=True, slots=True)
class OperationSamples:
    """Hold what both sides did of one operation in the same time.

    Attributes:
        operation: its name.
        baseline: the side that is compared with.
        candidate: the side that is judged.
        from_us: the beginning of the time.
        until_us: its end.
        is_paced: the plan decides how many requests there are, and not how fast they are answered.
        counts: what an entry is, for sentences.
        before: operations that come before it in an iteration, so that it begins when they end.
    """

    operation: str
    baseline: SideSamples
    candidate: SideSamples
    from_us: int
    until_us: int
    is_paced: bool = True
    counts: Literal["requests", "messages"] = "requests"
    before: frozenset[str] = frozenset()

    @property
    def length_s(self) -> float:
        """Return how long it was."""
        return (self.until_us - self.from_us) / US_PER_S

    def within(self, from_us: int, until_us: int) -> "OperationSamples":
        """Return what was to start in a time, of both sides."""
        return replace(
            self,
            baseline=self.baseline.within(from_us, until_us),
            candidate=self.candidate.within(from_us, until_us),
            from_us=from_us,
            until_us=until_us,
        )


def block_logs(samples: OperationSamples, statistic: BlockStatistic) -> list[float]:
    """Return the logarithm of candidate to baseline of each block that has enough of both sides.

    Blocks are half a second long, or as long as the statistic needs at this rate. Empty where
    there are no such blocks.
    """
    cut = _Cut.of(samples, statistic.requests)
    pairs = zip(cut.blocks(samples.baseline), cut.blocks(samples.candidate), strict=True)
    fewest = max(1, statistic.requests // 2)
    if statistic is BlockStatistic.THROUGHPUT:
        return [math.log(len(new) / len(old)) for old, new in pairs if min(len(old), len(new)) > 0]
    of = _OF[statistic]
    figures = ((of(old), of(new)) for old, new in pairs if min(len(old), len(new)) >= fewest)
    return [math.log(new / old) for old, new in figures if old > 0 and new > 0]


def failing_blocks(samples: OperationSamples) -> tuple[int, int]:
    """Count the blocks in which more requests of the candidate were bad, and those with fewer."""
    cut = _Cut(samples.from_us, _SHORTEST_US, _whole(samples, _SHORTEST_US))
    more = fewer = 0
    pairs = zip(cut.failures(samples.baseline), cut.failures(samples.candidate), strict=True)
    for old, new in pairs:
        more += new > old
        fewer += new < old
    return more, fewer


@dataclass(frozen=True, slots=True)
class _Cut:
    """Say how a time is cut: where it begins, how long each block is, how many there are."""

    from_us: int
    length_us: int
    count: int

    @classmethod
    def of(cls, samples: OperationSamples, requests: int) -> "_Cut":
        span_us = samples.until_us - samples.from_us
        most = min(int(samples.baseline.ok.sum()), int(samples.candidate.ok.sum()))
        needed_us = span_us if not most else math.ceil(requests * span_us / most)
        length_us = max(_SHORTEST_US, needed_us, math.ceil(span_us / _MOST_BLOCKS))
        return cls(samples.from_us, length_us, _whole(samples, length_us))

    def blocks(self, side: SideSamples) -> Iterator["NDArray[np.int64]"]:
        """Return how long the requests took that went well, block by block."""
        yield from self._split(side.intended_us[side.ok], side.took_us[side.ok])

    def failures(self, side: SideSamples) -> Iterator[int]:
        """Count the bad requests, block by block."""
        bad = side.bad
        yield from map(len, self._split(side.intended_us[bad], side.took_us[bad]))

    def _split(
        self, intended_us: "NDArray[np.int64]", values: "NDArray[np.int64]"
    ) -> "list[NDArray[np.int64]]":
        import numpy as np  # noqa: PLC0415 - 0.1 s of import that few commands need

        order = np.argsort(intended_us, kind="stable")
        edges = self.from_us + self.length_us * np.arange(self.count + 1)
        places = np.searchsorted(intended_us[order], edges)
        return np.split(values[order], places)[1:-1] if self.count else []


def _whole(samples: OperationSamples, length_us: int) -> int:
    return (samples.until_us - samples.from_us) // length_us


def _median(took_us: "NDArray[np.int64]") -> float:
    return _quantile(took_us, 0.5)


def _p95(took_us: "NDArray[np.int64]") -> float:
    return _quantile(took_us, 0.95)


def _quantile(values: "NDArray[np.int64]", share: float) -> float:
    """Return a quantile between the two nearest values, as NumPy does by default.

    Blocks are short and many, so that NumPy's own takes ten times as long.
    """
    import numpy as np  # noqa: PLC0415 - see above

    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    ordered = np.partition(values, (below, above))
    low, high = float(ordered[below]), float(ordered[above])
    return low + (high - low) * (place - below)


def _mean(took_us: "NDArray[np.int64]") -> float:
    return float(took_us.mean())


_OF: Final[Mapping[BlockStatistic, Callable[["NDArray[np.int64]"], float]]] = MappingProxyType(
    {BlockStatistic.MEDIAN: _median, BlockStatistic.MEAN: _mean, BlockStatistic.P95: _p95}
)
