"""Run the checklist over a stored run: which figures were above their bounds, when, and how long.

Add here: another fact about a finding that needs the stored rows. Keep out: rules (analysis/).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from perf_pipeline.analysis.bottleneck import Facts, checklist
from perf_pipeline.analysis.finding import Finding
from perf_pipeline.analysis.outcome import UNJUDGED
from perf_pipeline.analysis.spell import spell
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.growth_bound import is_open
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.judge import verdicts_by_benchmark
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunKey
from perf_pipeline.store.state import State


def findings_of_run(
    state: State, run_id: str, *, profile: Profile | None = None
) -> list[tuple[str, Finding]]:
    """Run the checklist over a stored run, as (benchmark or empty, finding).

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        return findings_of(history, run_id, profile)


def findings_of(
    history: History, run_id: str, profile: Profile | None = None
) -> list[tuple[str, Finding]]:
    """Run the checklist over each benchmark; list a rule that nothing broke once for the whole run.

    Raises:
        RequestError: there is no such run.
    """
    judged_by = profile or profile_of(history, run_id)
    cores = int(history.run(run_id).environment.get("cores", "1"))
    facts = Facts(cores=cores, worker_processes=judged_by.worker_processes)
    doubtful = frozenset(doubts_of(history, run_id))
    found = checklist(summaries_by_benchmark(history, run_id), facts, doubtful=doubtful)
    return with_spells(history, run_id, found)


def doubts_of(
    history: History, run_id: str, verdicts: Mapping[str, Sequence[Verdict]] | None = None
) -> dict[str, str]:
    """Say, for each benchmark of a run that proves nothing, why that is so.

    Args:
        history: the open history.
        run_id: the id of an ingested run.
        verdicts: the verdicts by benchmark; None for the stored ones.
    """
    judged = verdicts_by_benchmark(history, run_id) if verdicts is None else verdicts
    told = {
        outcome.benchmark: _doubt(outcome, judged.get(outcome.benchmark, ()))
        for outcome in history.outcomes(run_id)
    }
    return {name: why for name, why in told.items() if why}


def _doubt(outcome: BenchmarkOutcome, verdicts: Iterable[Verdict]) -> str:
    name = outcome.benchmark
    if not outcome.valid:
        return "; ".join([f"{name} is INVALID", *outcome.invalid_reasons])
    if outcome.status != "complete":
        return f"{name} was {outcome.status}, and a part of a benchmark proves nothing"
    # A growth that is not known yet does not cast doubt on the other readings.
    if any(verdict.status in UNJUDGED and not is_open(verdict) for verdict in verdicts):
        return f"not all of {name} could be judged"
    return ""


def summaries_by_benchmark(history: History, run_id: str) -> dict[str, list[Summary]]:
    """Return a run's stored summaries by benchmark."""
    found: dict[str, list[Summary]] = {}
    for name, summary in history.summaries(run_id):
        found.setdefault(name, []).append(summary)
    return found


def with_spells(
    history: History, run_id: str, findings: Iterable[tuple[str, Finding]]
) -> list[tuple[str, Finding]]:
    """Add to each finding when the figure was above its bound; without raw rows add nothing."""
    return [(name, _timed(history, RunKey(run_id, name), finding)) for name, finding in findings]


def _timed(history: History, key: RunKey, finding: Finding) -> Finding:
    if not key.benchmark or finding.observed is None or finding.observed <= finding.bound:
        return finding
    points = history.over_time(key, finding.metric, finding.source, finding.field)
    shares = [(at_s, value / finding.divisor) for at_s, value in points]
    return replace(finding, spell=spell(shares, finding.bound))
