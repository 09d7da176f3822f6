"""Compare and diagnose a run for `compare`, with a single opening of the history.

Add here: another line of that answer. Keep out: comparing (compare.py) and layout (report/).
"""

from dataclasses import dataclass

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.judging.attribution import attributions
from perf_pipeline.judging.compare import compare_in
from perf_pipeline.judging.evidence import findings_of
from perf_pipeline.judging.gaps import gaps_of
from perf_pipeline.judging.notices import notices_of
from perf_pipeline.report.model import Diagnosis
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State


@dataclass(frozen=True, slots=True)
class DiagnosedComparison:
    """Hold what readers see of a run compared with earlier runs.

    Attributes:
        diffs: the diffs as (benchmark, diff).
        diagnosis: what was the limit, and which tier causes the latency.
        notices: gaps, a clock that was set, releases.
    """

    diffs: tuple[tuple[str, Diff], ...]
    diagnosis: Diagnosis
    notices: tuple[str, ...]


def diagnosed_comparison(history: History, state: State, run_id: str) -> DiagnosedComparison:
    """Compare a run as `compare_in` does, and find what explains its figures.

    Raises:
        RequestError: there is no such run.
    """
    comparison = compare_in(history, run_id)
    findings = findings_of(history, run_id)
    tiers = attributions(history, run_id, findings, past=comparison.past)
    return DiagnosedComparison(
        comparison.told,
        Diagnosis(tuple(findings), tuple(tiers)),
        (*gaps_of(history, state, run_id), *notices_of(history, run_id)),
    )
