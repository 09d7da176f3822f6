"""Mention in verdicts which starts were never made and which operations were never answered.

A figure over the rest of a plan is not a figure of the whole plan. The loss is reported with each
verdict that it affects, and if no threshold covers it, a PASS is withdrawn. Add here: another way
to lose a part of the plan. Keep out: figures (store/).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from perf_pipeline.judging.kept_up import touches
from perf_pipeline.metrics.catalog import ANSWERED_BESIDE_FAULTS, CATALOG
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.store.endings import unanswered_of
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, ScenarioCounts

MOST_LOST: Final = 0.05
"""A larger lost share of a scenario's starts or operations is reported."""

Kind = Literal["dropped", "unanswered", "interrupted", "incomplete"]
_FAILURES: Final = frozenset(
    name
    for name, metric in CATALOG.items()
    if metric.source is not None
    and metric.source.value in {"failed", "answered", "good", "not_good"}
) | {"interrupted_iterations", ANSWERED_BESIDE_FAULTS}
OF_ANSWERS: Final = frozenset({"checks", "errors", "success"})
"""Metrics that speak of answers which are not as they should be."""
# The metrics that show a loss: a dropped start was never sent, so no failure rate counts it.
_SPEAKING: Final[Mapping[Kind, frozenset[str]]] = MappingProxyType(
    {
        "dropped": frozenset({"dropped_iterations", "produce_rate_ratio", ANSWERED_BESIDE_FAULTS}),
        "unanswered": _FAILURES,
        "interrupted": frozenset({"interrupted_iterations"}),
        "incomplete": OF_ANSWERS | {ANSWERED_BESIDE_FAULTS},
    }
)
_SENTENCES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "dropped": "of the starts of {scenario} were dropped",
        "unanswered": "of the operations of {scenario} were not answered",
        "interrupted": "of the starts of {scenario} were interrupted",
        "incomplete": (
            "of the iterations of {scenario} ended early, because an answer did not contain what "
            "they were to save"
        ),
    }
)
# As far as is known, interrupted operations are like the others: less is known, but nothing is
# wrong.
_UNSPOKEN: Final[Mapping[Kind, Status]] = MappingProxyType(
    {
        "dropped": Status.NO_DATA,
        "unanswered": Status.NO_DATA,
        "interrupted": Status.WARN,
        "incomplete": Status.NO_DATA,
    }
)


@dataclass(frozen=True, slots=True)
class Loss:
    """Hold a loss of one scenario: `count` of `whole` starts, operations or iterations."""

    scenario: str
    kind: Kind
    count: int
    whole: int

    @property
    def sentence(self) -> str:
        """Say in one sentence what was lost."""
        what = _SENTENCES[self.kind].format(scenario=self.scenario)
        return f"{self.count / self.whole:.0%} {what} ({self.count:,} of {self.whole:,})"

    def is_spoken_of(self, thresholds: Iterable[Threshold]) -> bool:
        """Say whether one of a benchmark's thresholds covers such a loss of this scenario."""
        return any(
            threshold.metric in _SPEAKING[self.kind] and self.touches(threshold)
            for threshold in thresholds
        )

    def touches(self, threshold: Threshold) -> bool:
        """Say whether a threshold's figure includes this scenario."""
        return touches(threshold, self.scenario)


def with_shortfall(
    history: History, key: RunKey, outcome: BenchmarkOutcome, verdicts: Sequence[Verdict]
) -> list[Verdict]:
    """Add losses to each verdict that they affect; a PASS may be withdrawn."""
    connection = history.connection
    unanswered = unanswered_of(connection, key, is_pruned=not history.asked.raw_is_kept(key))
    losses = list(_losses(outcome.scenarios, unanswered))
    thresholds = [verdict.threshold for verdict in verdicts]
    unspoken = [loss for loss in losses if not loss.is_spoken_of(thresholds)]
    return [_told(verdict, losses, unspoken) for verdict in verdicts]


def _losses(
    scenarios: Iterable[ScenarioCounts], operations: Mapping[str, tuple[int, int]]
) -> Iterator[Loss]:
    for scenario in scenarios:
        dropped, interrupted = (
            scenario.dropped_iterations or 0,
            scenario.interrupted_iterations or 0,
        )
        starts = scenario.iterations + dropped + interrupted
        unanswered, made = operations.get(scenario.name, (0, 0))
        yield from _large(Loss(scenario.name, "dropped", dropped, starts))
        yield from _large(Loss(scenario.name, "unanswered", unanswered, made))
        incomplete = scenario.incomplete_iterations or 0
        yield from _large(Loss(scenario.name, "incomplete", incomplete, scenario.iterations))
        # Looping VUs always have an iteration in progress at the end, unlike a plan of starts.
        if scenario.intended_iterations:
            yield from _large(Loss(scenario.name, "interrupted", interrupted, starts))


def _large(loss: Loss) -> Iterator[Loss]:
    if loss.count > MOST_LOST * loss.whole:
        yield loss


def _told(verdict: Verdict, losses: Sequence[Loss], unspoken: Sequence[Loss]) -> Verdict:
    touching = [loss for loss in losses if loss.touches(verdict.threshold)]
    if not touching or verdict.status is Status.INVALID:
        return verdict
    sentences = [verdict.reason, *(loss.sentence for loss in touching)]
    reason = "; ".join(filter(None, sentences))
    if verdict.status is not Status.PASS:
        return replace(verdict, reason=reason)
    worst = {_UNSPOKEN[loss.kind] for loss in touching if loss in unspoken}
    for status in (Status.NO_DATA, Status.WARN):
        if status in worst:
            return replace(verdict, status=status, reason=f"{reason}, and no threshold covers this")
    return replace(verdict, reason=reason)
