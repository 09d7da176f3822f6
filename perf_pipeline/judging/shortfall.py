"""Starts that were never made, and operations that were never answered: what verdicts say of them.

A figure over the rest of a plan is no figure of the plan. What was lost is told beside each verdict
that it touches, and where no threshold speaks of it a PASS is none.
Add here: another way to lose a part of the plan. Keep out: figures (store/).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from perf_pipeline.judging.kept_up import meant_scenarios
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.store.endings import unanswered_of
from perf_pipeline.store.history import History
from perf_pipeline.store.queries import raw_is_kept
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, ScenarioCounts

MOST_LOST: Final = 0.05
"""A larger share of a scenario's starts or operations is told."""

Kind = Literal["dropped", "unanswered", "interrupted", "incomplete"]
_FAILURES: Final = frozenset(
    name
    for name, one in CATALOG.items()
    if one.source is not None and one.source.value in {"failed", "answered", "good", "not_good"}
) | {"interrupted_iterations"}
# Which metrics speak of a loss: what was dropped was never asked, so no failure rate knows of it.
_SPEAKING: Final[Mapping[Kind, frozenset[str]]] = MappingProxyType(
    {
        "dropped": frozenset({"dropped_iterations", "produce_rate_ratio"}),
        "unanswered": _FAILURES,
        "interrupted": frozenset({"interrupted_iterations"}),
        "incomplete": frozenset({"checks", "errors", "success"}),
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
# Interrupted ones are as far as anybody saw like the others: less is known, and nothing is wrong.
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
    """Hold what one scenario lost: `count` of `whole` starts, operations or iterations."""

    scenario: str
    kind: Kind
    count: int
    whole: int

    @property
    def sentence(self) -> str:
        """Say it."""
        what = _SENTENCES[self.kind].format(scenario=self.scenario)
        return f"{self.count / self.whole:.0%} {what} ({self.count:,} of {self.whole:,})"

    def is_spoken_of(self, thresholds: Iterable[Threshold]) -> bool:
        """Say whether one of a benchmark's thresholds is about such a loss of this scenario."""
        return any(one.metric in _SPEAKING[self.kind] and self.touches(one) for one in thresholds)

    def touches(self, threshold: Threshold) -> bool:
        """Say whether a threshold's figure is over this scenario."""
        meant = meant_scenarios(threshold)
        return not meant or self.scenario in meant


def with_shortfall(
    history: History, key: RunKey, outcome: BenchmarkOutcome, verdicts: Sequence[Verdict]
) -> list[Verdict]:
    """Tell what was lost beside each verdict that it touches; a PASS may become none."""
    connection = history.connection
    unanswered = unanswered_of(connection, key, is_pruned=not raw_is_kept(connection, key))
    losses = list(_losses(outcome.scenarios, unanswered))
    thresholds = [one.threshold for one in verdicts]
    unspoken = [one for one in losses if not one.is_spoken_of(thresholds)]
    return [_told(one, losses, unspoken) for one in verdicts]


def _losses(
    scenarios: Iterable[ScenarioCounts], operations: Mapping[str, tuple[int, int]]
) -> Iterator[Loss]:
    for one in scenarios:
        dropped, interrupted = one.dropped_iterations or 0, one.interrupted_iterations or 0
        starts = one.iterations + dropped + interrupted
        unanswered, made = operations.get(one.name, (0, 0))
        yield from _large(Loss(one.name, "dropped", dropped, starts))
        yield from _large(Loss(one.name, "unanswered", unanswered, made))
        incomplete = one.incomplete_iterations or 0
        yield from _large(Loss(one.name, "incomplete", incomplete, one.iterations))
        # VUs that loop freely have an iteration under way at every end; a plan of starts has not.
        if one.intended_iterations:
            yield from _large(Loss(one.name, "interrupted", interrupted, starts))


def _large(loss: Loss) -> Iterator[Loss]:
    if loss.count > MOST_LOST * loss.whole:
        yield loss


def _told(verdict: Verdict, losses: Sequence[Loss], unspoken: Sequence[Loss]) -> Verdict:
    touching = [one for one in losses if one.touches(verdict.threshold)]
    if not touching or verdict.status is Status.INVALID:
        return verdict
    sentences = [verdict.reason, *(one.sentence for one in touching)]
    reason = "; ".join(filter(None, sentences))
    if verdict.status is not Status.PASS:
        return replace(verdict, reason=reason)
    worst = {_UNSPOKEN[one.kind] for one in touching if one in unspoken}
    for status in (Status.NO_DATA, Status.WARN):
        if status in worst:
            return replace(verdict, status=status, reason=f"{reason}, and no threshold covers this")
    return replace(verdict, reason=reason)
