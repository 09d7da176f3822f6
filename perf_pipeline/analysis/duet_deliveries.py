"""Turn the promised messages of two sides into samples: how long each took to its delivery.

Add here: a reason why deliveries can't be compared as they were seen. Keep out: reading them
(store/), waiting for them (loading/), and the comparison itself (duet.py).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.analysis.duet_blocks import BlockStatistic, OperationSamples, SideSamples
from perf_pipeline.analysis.duet_verdict import (
    DuetFinding,
    DuetVerdict,
    OperationVerdict,
)
from perf_pipeline.analysis.exact import LEAST_POINTS
from perf_pipeline.units import US_PER_MS, US_PER_S

_NAME: Final = "delivery"
_MS_PER_S: Final = US_PER_S // US_PER_MS
_BATCHES: Final = 12  # of neighbouring blocks, which are taken as independent (paired_ratio.py)
_SHARE_OF_MEDIAN: Final = 0.1
"""What is added to both sides alike makes a difference smaller by this share of it, at most."""


@dataclass(frozen=True, slots=True)
class DeliveredMessages:
    """Hold what became of the messages that one side promised.

    Attributes:
        samples: an entry a message; one that never arrived did not go well.
        twice: how many arrived more than once.
        last_us: when the last one arrived, from the load's origin on.
    """

    samples: SideSamples
    twice: int
    last_us: int = 0


@dataclass(frozen=True, slots=True)
class DuetDeliveries:
    """Hold the deliveries of both sides, and how well their times are known.

    Attributes:
        baseline: the deliveries of the side that is compared with.
        candidate: the deliveries of the side that is judged.
        error_ms: the time of each delivery is known to this bound.
        has_two_clocks: the bound is another one for each side, so that it can make a difference.
        before: operations behind which messages are promised, so that they are sent when these end.
        moved: why messages of a side waited, or may have, for something else than work; else empty.
    """

    baseline: DeliveredMessages
    candidate: DeliveredMessages
    error_ms: float = 0.0
    has_two_clocks: bool = False
    before: frozenset[str] = frozenset()
    moved: str = ""

    def as_operation(self, taken: Collection[str]) -> OperationSamples:
        """Return them as one more operation, with a name that no other one has."""
        name = _NAME
        while name in taken:
            name += " (message)"
        sides = (self.baseline.samples, self.candidate.samples)
        return OperationSamples(name, *sides, 0, 0, counts="messages", before=self.before)

    def doubted(self, operation: OperationVerdict) -> OperationVerdict:
        """Return the verdict on them, UNDECIDED where something else than times speaks against it.

        Args:
            operation: as judged by times and losses alone.
        """
        if told := self._doubt(operation):
            return replace(operation, verdict=DuetVerdict.UNDECIDED, reason=told)
        return operation

    def _doubt(self, operation: OperationVerdict) -> str:
        # Also where the times alone are UNDECIDED: "not slower" passes as FASTER does.
        is_claimed = operation.is_not_slower
        if is_claimed and self._more_twice > LEAST_POINTS:
            return (
                f"{self.candidate.twice:,} messages of the candidate arrived more than once, and "
                f"{self.baseline.twice:,} of the baseline, so that it is not the same work"
            )
        # Where the times decide nothing yet, longer would not help: neither way would be told.
        is_open = operation.verdict is DuetVerdict.UNDECIDED and not operation.reason
        is_of_times = is_claimed or is_open or operation.verdict is DuetVerdict.SLOWER
        if is_of_times and self.moved:
            return self.moved
        if is_of_times and (told := _backlog(operation)):
            return told
        if self.has_two_clocks:
            return self._blurred_by_clocks(operation)
        values = [
            value for comparison in operation.compared if (value := comparison.baseline) is not None
        ]
        is_hidden = not values or self.error_ms > _SHARE_OF_MEDIAN * min(values)
        # What adds the same to both leaves a faster statistic faster, and may hide a slower one.
        is_faster = all(
            comparison.verdict is DuetVerdict.FASTER for comparison in operation.compared
        )
        if is_claimed and is_hidden and not is_faster:
            return (
                f"the time of a delivery is known to {self.error_ms:,.1f} ms only, in which a "
                "difference may be hidden"
            )
        return ""

    @property
    def _more_twice(self) -> float:
        old, new = (
            side.twice / max(1, len(side.samples.ok)) for side in (self.baseline, self.candidate)
        )
        return new - old

    def _blurred_by_clocks(self, operation: OperationVerdict) -> str:
        """Say that the clocks of the two sides may differ by more than their times do."""
        if operation.verdict is DuetVerdict.SLOWER:
            gaps = [
                abs(comparison.candidate - comparison.baseline)
                for comparison in operation.compared
                if comparison.verdict is DuetVerdict.SLOWER
                and comparison.candidate is not None
                and comparison.baseline is not None
            ]
            is_clear = max(gaps, default=0.0) > self.error_ms
        else:
            is_clear = not operation.is_not_slower or all(
                comparison.baseline is not None
                and self.error_ms <= comparison.margin * comparison.baseline
                for comparison in operation.compared
                if comparison.statistic is BlockStatistic.MEDIAN
            )
        return (
            ""
            if is_clear
            else (
                f"the clocks of the two sides are known to {self.error_ms:,.1f} ms only, which may "
                "be all of the difference, or hide one"
            )
        )


def _backlog(operation: OperationVerdict) -> str:
    """Say that messages waited so long that those of neighbouring batches waited for each other.

    One disturbance of one side then makes many of its batches long, which are no independent ones.
    """
    waits_ms = [
        value
        for comparison in operation.compared
        if comparison.statistic is BlockStatistic.P95
        for value in (comparison.baseline, comparison.candidate)
        if value is not None
    ]
    batch_s = operation.length_s / _BATCHES
    if max(waits_ms, default=0.0) <= batch_s * _MS_PER_S:
        return ""
    return (
        f"a message took up to {max(waits_ms) / _MS_PER_S:.1f} s (p95), which is longer than a "
        f"twelfth of the time ({batch_s:.1f} s), so that one disturbance may be all of the "
        "difference; measure for longer (--within), or at a lower rate"
    )


def with_deliveries(
    operations: Sequence[OperationSamples], deliveries: DuetDeliveries
) -> list[OperationSamples]:
    """Return operations, and the deliveries of their messages behind them."""
    taken = {samples.operation for samples in operations}
    return [*operations, deliveries.as_operation(taken)]


def doubted(finding: DuetFinding, deliveries: DuetDeliveries) -> DuetFinding:
    """Return a finding whose last operation is that of deliveries, as far as it holds."""
    *others, last = finding.operations
    return DuetFinding((*others, deliveries.doubted(last)))
