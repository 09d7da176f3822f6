"""The verdict on two sides that were loaded at the same time, from single figures to the whole.

Add here: a verdict, or another figure that decides. Keep out: making them of samples (duet.py),
words of reports (report/).
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from perf_pipeline.analysis.duet_blocks import BlockStatistic
from perf_pipeline.analysis.paired_ratio import Ratio

DEFAULT_MARGIN: Final = 0.02
ERROR_OF_THE_WHOLE: Final = 0.01
"""Chance at most that a comparison of two equal sides finds a difference in any operation."""
_WIDER: Final = {BlockStatistic.MEAN: 2.0, BlockStatistic.P95: 2.5}
_LONGEST_S: Final = 3_600.0
_BLOCKS_WANTED: Final = 24
"""With fewer blocks there may be no interval at the level of an early look."""


class DuetVerdict(StrEnum):
    """Say how two sides compare.

    Attributes:
        FASTER: the candidate takes less time by more than the margin.
        SLOWER: it takes more time by more than the margin.
        EQUIVALENT: whatever difference there is, it is within the margin.
        UNDECIDED: the time was too short to tell.
        FAILS_MORE: more of the candidate's requests fail, so that its times mean nothing.
        NOT_MEASURED: nothing can be said of the two sides.
    """

    FASTER = "FASTER"
    SLOWER = "SLOWER"
    EQUIVALENT = "EQUIVALENT"
    UNDECIDED = "UNDECIDED"
    FAILS_MORE = "FAILS MORE"
    NOT_MEASURED = "NOT MEASURED"


WORSE: Final = frozenset({DuetVerdict.SLOWER, DuetVerdict.FAILS_MORE})
BETTER_OR_EQUAL: Final = frozenset({DuetVerdict.FASTER, DuetVerdict.EQUIVALENT})
_GRAVITY: Final = (
    DuetVerdict.FAILS_MORE,
    DuetVerdict.SLOWER,
    DuetVerdict.NOT_MEASURED,
    DuetVerdict.UNDECIDED,
    DuetVerdict.FASTER,
    DuetVerdict.EQUIVALENT,
)


def gravest(found: Collection[DuetVerdict]) -> DuetVerdict:
    """Return the gravest verdict; FASTER if one is and none is open, NOT MEASURED without any.

    >>> gravest([DuetVerdict.FASTER, DuetVerdict.EQUIVALENT])
    <DuetVerdict.FASTER: 'FASTER'>
    """
    return next((verdict for verdict in _GRAVITY if verdict in found), DuetVerdict.NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class ComparedStatistic:
    """Hold one statistic of one operation.

    Attributes:
        statistic: what is compared.
        ratio: candidate to baseline; None where no block had enough requests.
        baseline: over all requests, in ms; None where it is no time, or there were none.
        candidate: likewise.
        margin: the difference that does not matter, as a share.
    """

    statistic: BlockStatistic
    ratio: Ratio | None
    baseline: float | None
    candidate: float | None
    margin: float

    @property
    def cost(self) -> Ratio | None:
        """Return the ratio so that above 1 is worse: of a throughput, its inverse."""
        ratio = self.ratio
        if ratio is None or self.statistic is not BlockStatistic.THROUGHPUT:
            return ratio
        low = 0.0 if math.isinf(ratio.high) else 1 / ratio.high
        high = math.inf if not ratio.low else 1 / ratio.low
        return Ratio(1 / ratio.estimate, low, high, ratio.blocks)

    @property
    def verdict(self) -> DuetVerdict:
        """Judge this statistic alone."""
        cost, bound = self.cost, 1 + self.margin
        if cost is None:
            return DuetVerdict.UNDECIDED
        if cost.low > 1 and cost.estimate > bound:
            return DuetVerdict.SLOWER
        if cost.high < 1 and cost.estimate < 1 / bound:
            return DuetVerdict.FASTER
        if cost.low >= 1 / bound and cost.high <= bound:
            return DuetVerdict.EQUIVALENT
        return DuetVerdict.UNDECIDED

    @property
    def is_not_slower(self) -> bool:
        """Say whether the candidate is shown not to be slower by more than the margin."""
        return self.cost is not None and self.cost.high <= 1 + self.margin

    def seconds_needed(self, after_s: float) -> float:
        """Return after how long it would be decided at this noise, infinite where never.

        An interval shrinks with the square root of the time. It has to leave out no difference, or
        to fit into the margin, whichever comes first.
        """
        cost = self.cost
        if cost is None:
            return math.inf
        if not cost.has_interval:
            return after_s * max(1.0, _BLOCKS_WANTED / cost.blocks)
        away, margin = abs(math.log(cost.estimate)), math.log1p(self.margin)
        room = away if away > margin else margin - away
        return after_s * (math.log1p(cost.half_width) / room) ** 2 if room else math.inf


@dataclass(frozen=True, slots=True)
class OperationVerdict:
    """Hold how one operation compares.

    Attributes:
        operation: its name.
        verdict: over all statistics and the errors.
        compared: each statistic.
        requests: how many there were of the baseline, and of the candidate.
        failed: how many of them failed.
        length_s: how long both were measured.
        reason: why the verdict is not what the times alone say; empty otherwise.
        counts: what was counted; messages fail that were never delivered.
        wrong: how many answers of each side failed a check.
    """

    operation: str
    verdict: DuetVerdict
    compared: tuple[ComparedStatistic, ...]
    requests: tuple[int, int]
    failed: tuple[int, int]
    length_s: float
    reason: str = ""
    counts: Literal["requests", "messages"] = "requests"
    wrong: tuple[int, int] = (0, 0)

    @property
    def is_not_slower(self) -> bool:
        """Say whether it is decided at least that the candidate is not slower."""
        if self.verdict in BETTER_OR_EQUAL:
            return True
        may_be = self.verdict is DuetVerdict.UNDECIDED and not self.reason
        return may_be and all(compared.is_not_slower for compared in self.compared)

    @property
    def seconds_needed(self) -> float:
        """Return how long a comparison would take that decides it; infinite if beyond an hour."""
        open_ones = [c for c in self.compared if c.verdict is DuetVerdict.UNDECIDED]
        needed = max((c.seconds_needed(self.length_s) for c in open_ones), default=0.0)
        return needed if needed <= _LONGEST_S else math.inf


@dataclass(frozen=True, slots=True)
class DuetRules:
    """Hold what decides.

    Attributes:
        margin: the difference of the median that does not matter, as a share; those of the mean
            and the p95 are wider, because they are less steady.
        alpha: chance of a wrong finding in all operations together.
    """

    margin: float = DEFAULT_MARGIN
    alpha: float = ERROR_OF_THE_WHOLE

    def margin_of(self, statistic: BlockStatistic) -> float:
        """Return the margin of a statistic."""
        return self.margin * _WIDER.get(statistic, 1.0)


@dataclass(frozen=True, slots=True)
class DuetFinding:
    """Hold how all operations compare.

    Attributes:
        operations: each of them.
    """

    operations: tuple[OperationVerdict, ...] = ()

    @property
    def verdict(self) -> DuetVerdict:
        """Return the gravest verdict over all operations."""
        return gravest({operation.verdict for operation in self.operations})

    @property
    def is_decided(self) -> bool:
        """Say whether more time would not change the verdict."""
        return self.verdict not in {DuetVerdict.UNDECIDED, DuetVerdict.NOT_MEASURED}

    @property
    def is_not_slower(self) -> bool:
        """Say whether every operation is shown not to be slower."""
        return bool(self.operations) and all(o.is_not_slower for o in self.operations)
