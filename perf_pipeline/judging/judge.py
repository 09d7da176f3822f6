"""Judge a run by the profile's thresholds; a run that did not end well never passes.

Add here: another reason why a figure proves nothing. Keep out: the figures (store/) and exit codes
(analysis/).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.config.check_names import thresholds_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.answered import answered_to_the_end
from perf_pipeline.judging.clock_bound import within_bound
from perf_pipeline.judging.expectations import as_expected
from perf_pipeline.judging.expected import in_plan_order, missing_of
from perf_pipeline.judging.growth_bound import with_interval
from perf_pipeline.judging.ingest import (
    IngestedRun,
    ingest_apart,
    ingest_in,
    profile_of,
    require_spooled,
)
from perf_pipeline.judging.judged_figure import JudgedFigure, figure_of_threshold
from perf_pipeline.judging.kept_up import (
    meant_scenarios,
    over_what_kept_up,
    scenarios_that_kept_up,
)
from perf_pipeline.judging.shortfall import with_shortfall
from perf_pipeline.judging.steadiness import kept_pace
from perf_pipeline.metrics.catalog import TARGET_ANSWERED, UNKNOWN_THRESHOLDS
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.store.engines import is_large
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunKey
from perf_pipeline.store.state import State

# Over a part of the plan neither says anything: the whole may still break a promise or meet a goal.
_LETS_PASS: Final = frozenset({Status.PASS, Status.WARN})
_UNKNOWN: Final = (
    "the tool that measured had thresholds on it, which its file does not hold; import the file "
    "again with --summary or --threshold"
)
_NOT_IN_FILE: Final = "as the tool that measured judged it, whose file does not have the figure"


def judge_run(
    state: State, run_id: str, *, profile: Profile | None = None
) -> dict[str, list[Verdict]]:
    """Judge every benchmark of a run, and store the verdicts unless it is a what-if.

    Benchmarks that were planned but not done are NO_DATA, and no later judgement forgets them.

    Args:
        state: folder of the history.
        run_id: the id of an ingested run.
        profile: the profile with the thresholds; None for the one that the run was made with. Any
            other profile makes a what-if.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        return judge_in(history, state, run_id, profile=profile)


def judge_in(
    history: History, state: State, run_id: str, *, profile: Profile | None = None
) -> dict[str, list[Verdict]]:
    """Judge as `judge_run` does, in an open history.

    Raises:
        RequestError: there is no such run.
    """
    judged_by = profile or profile_of(history, run_id)
    found = {
        outcome.benchmark: _verdicts(history, run_id, judged_by, outcome)
        for outcome in history.outcomes(run_id)
    }
    for name, missing in missing_of(history, state, run_id).items():
        found[name] = missing.verdicts(thresholds_of(judged_by, name))
    if not is_what_if(history, run_id, profile):
        history.store_verdicts({RunKey(run_id, name): verdicts for name, verdicts in found.items()})
    planned = history.run(run_id).planned or ()
    return {name: found[name] for name in in_plan_order(planned, found)}


def is_what_if(history: History, run_id: str, profile: Profile | None) -> bool:
    """Say whether a run is judged by a profile, or a version of it, that it was not made with."""
    return profile is not None and profile.config_hash != history.run(run_id).config_hash


def verdicts_of_run(history: History, run_id: str, profile: Profile) -> dict[str, list[Verdict]]:
    """Return a run's verdicts by benchmark: the stored ones, or those by the profile of a what-if.

    Benchmarks without verdicts are judged and stored, since a run without verdicts would look fine.
    """
    outcomes = history.outcomes(run_id)
    if is_what_if(history, run_id, profile):
        return {
            outcome.benchmark: _verdicts(history, run_id, profile, outcome) for outcome in outcomes
        }
    stored = verdicts_by_benchmark(history, run_id)
    for outcome in outcomes:
        if outcome.benchmark not in stored:
            stored[outcome.benchmark] = judge_benchmark(history, run_id, profile, outcome)
    return stored


def verdicts_by_benchmark(history: History, run_id: str) -> dict[str, list[Verdict]]:
    """Return a run's stored verdicts by benchmark."""
    found: dict[str, list[Verdict]] = {}
    for benchmark, verdict in history.verdicts(run_id):
        found.setdefault(benchmark, []).append(verdict)
    return found


def recover_run(state: State, run_id: str) -> IngestedRun:
    """Store a spooled run, which drops its verdicts, and judge it by its own profile.

    Raises:
        RequestError: there is no such run in the spool.
        SpoolDamagedError: its run.json cannot be read.
        StoreBusyError: the history is open elsewhere; the samples stay in the spool.
    """
    require_spooled(state, run_id)
    if any(map(is_large, (state.spool / run_id).iterdir())):
        done = ingest_apart(state, run_id)
        if done.is_changed:
            judge_run(state, run_id)
        return done
    with state.history() as history:
        done = ingest_in(history, state, run_id)
        if done.is_changed:
            judge_in(history, state, run_id)
    return done


def judge_benchmark(
    history: History, run_id: str, profile: Profile, outcome: BenchmarkOutcome
) -> list[Verdict]:
    """Judge one ingested benchmark and store its verdicts."""
    verdicts = _verdicts(history, run_id, profile, outcome)
    history.store_verdicts({RunKey(run_id, outcome.benchmark): verdicts})
    return verdicts


def _verdicts(
    history: History, run_id: str, profile: Profile, outcome: BenchmarkOutcome
) -> list[Verdict]:
    key = RunKey(run_id, outcome.benchmark)
    thresholds = thresholds_of(profile, outcome.benchmark)
    is_own = not is_what_if(history, run_id, profile)
    figures = {}
    judged = []
    for threshold in thresholds:
        narrowed, left_out = over_what_kept_up(threshold, outcome)
        figure = figure_of_threshold(history, key, narrowed, is_own=is_own)
        figures[threshold.key, threshold.source] = figure
        judged.append(_judge(history, key, outcome, threshold, figure, left_out))
    verdicts = within_bound(history, key, judged)
    verdicts = answered_to_the_end(history, key, outcome, _without_unknown(history, key, verdicts))
    verdicts = with_interval(history, key, verdicts)
    verdicts = as_expected(history, key, outcome, verdicts)
    verdicts = kept_pace(history, key, profile, outcome, verdicts)
    verdicts = with_shortfall(history, key, outcome, verdicts)
    # Last, as any of these may have replaced a reason.
    return [
        figures[verdict.threshold.key, verdict.threshold.source].told(verdict)
        for verdict in verdicts
    ]


def _without_unknown(history: History, key: RunKey, verdicts: list[Verdict]) -> list[Verdict]:
    """Leave out the default check of every benchmark if an old, pruned run can't answer it."""
    if history.asked.raw_is_kept(key):
        return verdicts
    return [
        verdict
        for verdict in verdicts
        if verdict.threshold.metric != TARGET_ANSWERED or verdict.status is not Status.NO_DATA
    ]


def _judge(
    history: History,
    key: RunKey,
    outcome: BenchmarkOutcome,
    threshold: Threshold,
    figure: JudgedFigure,
    left_out: str,
) -> Verdict:
    invalid = () if left_out else outcome.invalid_for(meant_scenarios(threshold))
    verdict = replace(threshold.judge(figure.observed, measured=not invalid), reason=left_out)
    if verdict.status is Status.INVALID:
        return replace(verdict, reason="; ".join(invalid))
    absent = _absent(threshold, outcome)
    partial = absent if outcome.status == "complete" else _cut_short(outcome)
    if verdict.status in _LETS_PASS and partial:
        return replace(verdict, status=Status.NO_DATA, reason=partial)
    if verdict.status is Status.NO_DATA:
        held = history.asked.reported(key).judgement(threshold)
        if held is not None:
            status = Status.PASS if held else threshold.missed
            return replace(verdict, status=status, reason=_NOT_IN_FILE)
        unknown = _UNKNOWN if threshold.metric == UNKNOWN_THRESHOLDS else ""
        reason = unknown or "; ".join(outcome.problems) or absent or "nothing was measured"
        return replace(verdict, reason=reason)
    return figure.doubted(verdict)


def _cut_short(outcome: BenchmarkOutcome) -> str:
    return f"the benchmark was {outcome.status}, and a part of a benchmark proves nothing"


def _absent(threshold: Threshold, outcome: BenchmarkOutcome) -> str:
    """Name the scenarios in a filter that a run of another profile lacks."""
    meant = meant_scenarios(threshold)
    absent = sorted(meant - {scenario.name for scenario in outcome.scenarios})
    return f"the filter names {', '.join(absent)}, which this run does not have" if absent else ""


def spoilt_scenarios(outcome: BenchmarkOutcome, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Name the scenarios whose figures do not count and on which no verdict is based.

    Returns:
        One sentence each. It is empty if every scenario kept up; and also if a verdict is INVALID
        or no scenario kept up, because then the whole benchmark is not measured.
    """
    kept_up = scenarios_that_kept_up(outcome)
    if (
        outcome.valid
        or not kept_up
        or any(verdict.status is Status.INVALID for verdict in verdicts)
    ):
        return ()
    reasons = outcome.invalid_for()
    return tuple(f"INVALID, but no threshold rests on it: {reason}" for reason in reasons)
