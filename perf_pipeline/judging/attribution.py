"""Find which tier causes the latency of messages, for every benchmark that follows them.

Add here: the source of another figure for the attribution. Keep out: the rules (analysis/).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Final

from perf_pipeline.analysis.attribution import Attribution, StageTimes, attribute
from perf_pipeline.analysis.attribution_rules import STAGES
from perf_pipeline.analysis.baseline import Series
from perf_pipeline.analysis.finding import Finding
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.costs import top_costs_of, with_costs
from perf_pipeline.judging.evidence import doubts_of, findings_of
from perf_pipeline.judging.past import Past, read_past
from perf_pipeline.judging.series import MeasuredBenchmark, measured_of
from perf_pipeline.judging.stage_series import TAIL, stage_series
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome
from perf_pipeline.store.state import State

_SATURATION: Final = "worker_saturation_ratio"
_MOST_RUNS: Final = 30


def attributions_of_run(
    state: State, run_id: str, *, profile: Profile | None = None
) -> list[tuple[str, Attribution]]:
    """Attribute the latency of a stored run, as (benchmark, attribution).

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        found = attributions(history, run_id, findings_of(history, run_id, profile))
        return with_costs(found, top_costs_of(history, run_id))


def attributions(
    history: History,
    run_id: str,
    findings: Iterable[tuple[str, Finding]],
    *,
    verdicts: Mapping[str, Sequence[Verdict]] | None = None,
    past: Past | None = None,
) -> list[tuple[str, Attribution]]:
    """Attribute the latency of every benchmark of a run that measured stages of messages.

    Args:
        history: the open history.
        run_id: the id of an ingested run.
        findings: the findings of the checklist over this run, as (benchmark or empty, finding).
        verdicts: the verdicts by benchmark; None for the stored ones.
        past: the figures of earlier runs; None to read them here.

    Raises:
        RequestError: there is no such run.
    """
    doubts = doubts_of(history, run_id, verdicts)
    told, measured = list(findings), measured_of(history, run_id)
    known = _past_of(history, measured) if past is None else past
    found = []
    for single in measured:
        name = single.outcome.benchmark
        own = [finding for benchmark, finding in told if benchmark == name]
        summaries = list(single.summaries.values())
        attribution = _attribution(_Before(known, single), summaries, own)
        if attribution is not None:
            found.append((name, _doubted(attribution, single.outcome, doubts.get(name, ""))))
    return found


def _past_of(history: History, measured: Sequence[MeasuredBenchmark]) -> Past:
    if not measured:
        return Past({})
    wanted = [
        (single, series)
        for single in measured
        for series in stage_series(single.summaries.values())
    ]
    run = measured[0].run
    return read_past(history, run, wanted, before=run.run_id)


def _doubted(attribution: Attribution, outcome: BenchmarkOutcome, doubt: str) -> Attribution:
    """Withdraw `healthy` if the run proves nothing; a tier that is slow in any part stays slow."""
    if not doubt or (attribution.tier is not None and outcome.valid):
        return attribution
    return replace(attribution, tier=None, sentence=f"not known: {doubt}", advice="", doubt=doubt)


def _attribution(
    before: "_Before", summaries: list[Summary], findings: list[Finding]
) -> Attribution | None:
    tails = {
        summary.tags.get("operation", ""): summary
        for summary in summaries
        if summary.metric == TAIL
    }
    plain = {summary.metric: summary for summary in summaries if not summary.tags}
    stages = list(_stages(plain, tails, before))
    saturation = plain.get(_SATURATION)
    return attribute(
        stages,
        findings,
        saturation_ratio=None if saturation is None else saturation.last,
        runs=before.runs,
    )


class _Before:
    """Hold figures of earlier runs with the same benchmark, load, profile and environment."""

    def __init__(self, past: Past, measured: MeasuredBenchmark) -> None:
        self._past = past
        self._measured = measured
        self.runs = 0

    def median(self, metric: str, tags: Mapping[str, str], statistic: str) -> float | None:
        """Return the median of a figure over the earlier runs; None without any."""
        series = Series(metric, tags, statistic)
        points = self._past.before(self._measured, series)[-_MOST_RUNS:]
        self.runs = max(self.runs, len(points))
        return median(point.value for point in points) if points else None


def _stages(
    plain: Mapping[str, Summary], tails: Mapping[str, Summary], before: _Before
) -> Iterator[StageTimes]:
    for stage in STAGES:
        times, tail = plain.get(f"stage_{stage.name}"), tails.get(stage.name)
        if times is None or tail is None:
            continue
        if times.median is None or times.p95 is None or tail.last is None:
            continue
        yield StageTimes(
            stage.name,
            typical_ms=times.median,
            p95_ms=times.p95,
            tail_ms=tail.last,
            typical_before_ms=before.median(times.metric, {}, "med"),
            tail_before_ms=before.median(TAIL, tail.tags, "value"),
        )
