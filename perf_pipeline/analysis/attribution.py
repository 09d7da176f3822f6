"""Find the tier that causes the latency of messages, by stages and by comparison with earlier runs.

A stage is slow if it grew against earlier runs, or is above its bound regardless of them. The slow
stage that grew most determines the tier. Growth counts in ms and not as a ratio, because nobody
notices that 0.2 ms became 2 ms. Evidence can show that the cause is elsewhere: messages that wait
in the queue while the workers' slots are busy or stalled are waiting for the worker.

Add here: another cause behind a slow stage. Keep out: bounds (attribution_rules.py), SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.attribution_rules import (
    GROWN_RATIO,
    GROWN_TAIL_MS,
    GROWN_TYPICAL_MS,
    MORE_HANDS,
    OUTBOX_SHARE,
    REMEDIES,
    SATURATED_RATIO,
    SLOW_BROKER,
    SLOW_FETCHING,
    STAGES,
    TIERS_OF_A_SLOW_HOST,
    MessageStage,
    Tier,
)
from perf_pipeline.analysis.bottleneck_rules import HOST_CPU
from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.analysis.other_work import BUSY_MEANWHILE, is_kept_busy

_STAGES: Final[Mapping[str, MessageStage]] = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Hold how long a stage took in a run, and in earlier runs.

    Attributes:
        stage: name of the stage.
        typical_ms: median over the messages.
        p95_ms: 95th percentile over the messages.
        tail_ms: mean of the slowest tenth of messages; these add up over the stages.
        typical_before_ms: median of the medians of earlier runs; None without an earlier run.
        tail_before_ms: median of the tails of earlier runs; None without an earlier run.
    """

    stage: str
    typical_ms: float
    p95_ms: float
    tail_ms: float
    typical_before_ms: float | None = None
    tail_before_ms: float | None = None

    @property
    def rule(self) -> MessageStage:
        """Return the tier of the stage, and its bounds."""
        return _STAGES[self.stage]

    @property
    def growth_ms(self) -> float:
        """Return by how many ms the stage became slower, typically or in the tail; else 0."""
        return max(0.0, *self._growths_ms())

    @property
    def has_grown(self) -> bool:
        """Say whether the stage is slower than before by more than noise explains."""
        typical_ms, tail_ms = self._growths_ms()
        return (
            typical_ms >= GROWN_TYPICAL_MS
            and self.typical_ms >= GROWN_RATIO * (self.typical_before_ms or 0.0)
        ) or (
            tail_ms >= GROWN_TAIL_MS and self.tail_ms >= GROWN_RATIO * (self.tail_before_ms or 0.0)
        )

    @property
    def is_above_bound(self) -> bool:
        """Say whether the stage is slow, regardless of earlier runs."""
        return (
            self.typical_ms > self.rule.typical_bound_ms or self.tail_ms > self.rule.tail_bound_ms
        )

    @property
    def has_stalled(self) -> bool:
        """Say whether the slowest tenth is so much slower that it supports other evidence."""
        _, tail_ms = self._growths_ms()
        return self.is_above_bound or (
            tail_ms >= GROWN_TYPICAL_MS and self.tail_ms >= GROWN_RATIO * (self.tail_before_ms or 0)
        )

    def _growths_ms(self) -> tuple[float, float]:
        before = (self.typical_before_ms, self.tail_before_ms)
        now = (self.typical_ms, self.tail_ms)
        typical_ms, tail_ms = (
            0.0 if old is None else new - old for new, old in zip(now, before, strict=True)
        )
        return typical_ms, tail_ms


@dataclass(frozen=True, slots=True)
class Attribution:
    """Hold which tier causes the latency of a benchmark's messages.

    Attributes:
        tier: the tier; None if the benchmark is healthy.
        sentence: a sentence for people, with the figures that it is based on.
        stages: the stages in the order in which messages pass them, without unreported ones.
        evidence: bottlenecks of the checklist that concern the tier.
        advice: what to do; empty if healthy.
        runs: how many earlier runs it was compared with.
        doubt: why the figures prove nothing; then no tier is named, and nothing is called healthy.
    """

    tier: Tier | None
    sentence: str
    stages: tuple[StageTimes, ...]
    evidence: tuple[Finding, ...] = ()
    advice: str = ""
    runs: int = 0
    doubt: str = ""

    @property
    def name(self) -> str:
        """Return the tier, or `healthy`, or `not known`."""
        if self.doubt:
            return "not known"
        return "healthy" if self.tier is None else str(self.tier)


def attribute(
    stages: Sequence[StageTimes],
    findings: Sequence[Finding] = (),
    *,
    saturation_ratio: float | None = None,
    runs: int = 0,
) -> Attribution | None:
    """Find which tier causes the latency; None if no stage was measured.

    Args:
        stages: stages that the system reports, in any order.
        findings: findings of the checklist in the same benchmark.
        saturation_ratio: the share of the queue's waiting time during which all slots were busy;
            None if unknown.
        runs: number of earlier runs behind the `before` figures.

    Raises:
        KeyError: a stage is unknown.
    """
    known = {stage.stage: stage for stage in stages}
    ordered = tuple(known[stage.name] for stage in STAGES if stage.name in known)
    if len(ordered) < len(known):
        raise KeyError(f"unknown stages: {sorted(known.keys() - _STAGES.keys())}")
    if not ordered:
        return None
    found = [finding for finding in findings if finding.status is FindingStatus.FOUND]
    grown = [stage for stage in ordered if stage.has_grown]
    slow = grown or [stage for stage in ordered if stage.is_above_bound]
    if not slow:
        return Attribution(None, _healthy(ordered, runs), ordered, runs=runs)
    cause = _cause(slow, ordered, found, saturation_ratio)
    evidence = tuple(finding for finding in found if finding.tier == cause.tier)
    why = [cause.why] if cause.why else []
    if is_kept_busy(found):
        why.append(BUSY_MEANWHILE)
    sentence = "; ".join([_holds(cause.tier), *_parts(slow, ordered, runs), *why])
    known_advice = evidence[0].advice if evidence else REMEDIES[cause.tier]
    return Attribution(cause.tier, sentence, ordered, evidence, cause.advice or known_advice, runs)


@dataclass(frozen=True, slots=True)
class _Cause:
    """Hold a tier, advice, and the reason if the slow stages alone do not show it."""

    tier: Tier
    why: str = ""
    advice: str = ""


def _cause(
    slow: Sequence[StageTimes],
    stages: Sequence[StageTimes],
    found: Sequence[Finding],
    saturation_ratio: float | None,
) -> _Cause:
    """Find the tier whose slow stages together weigh most, or the cause behind it."""
    weights: dict[Tier, float] = {}
    for stage in slow:
        weights[stage.rule.tier] = weights.get(stage.rule.tier, 0.0) + _weight_ms(stage)
    busy = any(finding.rule == HOST_CPU for finding in found)
    if busy and len(weights) >= TIERS_OF_A_SLOW_HOST:
        names = ", ".join(weights)
        why = f"several tiers are slow at once ({names}) on a machine that is busy"
        return _Cause(Tier.HOST, why)
    heaviest = max(weights, key=lambda tier: weights[tier])
    if heaviest is not Tier.QUEUE:
        return _Cause(heaviest)
    return _behind_the_queue({stage.stage: stage for stage in stages}, saturation_ratio)


def _behind_the_queue(stages: Mapping[str, StageTimes], saturation_ratio: float | None) -> _Cause:
    """Distinguish a slow broker from slow workers, since messages wait in the queue for both."""
    outbox_ms, queue_ms = (
        _weight_ms(stages[name]) if name in stages else 0.0 for name in ("outbox", "queue")
    )
    if outbox_ms > OUTBOX_SHARE * (outbox_ms + queue_ms):
        why = "handing messages to the broker was slow, which is before any worker"
        return _Cause(Tier.QUEUE, why, SLOW_BROKER)
    if saturation_ratio is not None and saturation_ratio > SATURATED_RATIO:
        share = f"{100 * saturation_ratio:.0f} %"
        why = f"all slots of the workers were busy in {share} of that waiting time"
        return _Cause(Tier.WORKER, why, MORE_HANDS)
    if "worker" in stages and stages["worker"].has_stalled:
        return _Cause(Tier.WORKER, "messages that the workers already had came to a stop as well")
    why = "the broker took messages in time, but no worker fetched them although slots were free"
    return _Cause(Tier.WORKER, why, SLOW_FETCHING)


def _weight_ms(stage: StageTimes) -> float:
    """Return the weight of a stage in ms: its growth, or all its time if it did not grow."""
    is_always_slow = stage.is_above_bound and not stage.has_grown
    if stage.typical_before_ms is None or is_always_slow:
        return max(stage.typical_ms, stage.tail_ms)
    return stage.growth_ms


def _healthy(stages: Sequence[StageTimes], runs: int) -> str:
    typical_ms = sum(stage.typical_ms for stage in stages)
    tail_ms = sum(stage.tail_ms for stage in stages)
    compared = f"or grew against {_runs(runs)}" if runs else "(no earlier run to compare with)"
    return (
        f"no stage of a message's way is above its bound {compared}; a typical message took "
        f"{_ms(typical_ms)}, the slowest tenth {_ms(tail_ms)}"
    )


def _holds(tier: Tier) -> str:
    if tier is Tier.HOST:
        return "this machine holds the latency"
    if tier is Tier.SYSTEM:
        return "a part of the system that reports nothing holds the latency"
    return f"the {'API' if tier is Tier.API else tier} holds the latency"


def _parts(slow: Sequence[StageTimes], stages: Sequence[StageTimes], runs: int) -> Iterator[str]:
    """Return a clause for each slow stage, the heaviest first."""
    total_ms = sum(stage.tail_ms for stage in stages)
    for stage in sorted(slow, key=_weight_ms, reverse=True):
        share = f", {100 * stage.tail_ms / total_ms:.0f} % of it" if total_ms else ""
        clause = (
            f"{stage.rule.meaning} a typical message spent {_ms(stage.typical_ms)}, "
            f"the slowest tenth {_ms(stage.tail_ms)}{share}"
        )
        if stage.typical_before_ms is not None and stage.tail_before_ms is not None:
            before = f"{_ms(stage.typical_before_ms)} and {_ms(stage.tail_before_ms)}"
            clause += f" ({before} in {_runs(runs)})"
        yield clause


def _runs(count: int) -> str:
    return "1 earlier run" if count == 1 else f"{count} earlier runs"


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"
