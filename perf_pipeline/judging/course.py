"""The course of a run as reports show it: how its operations failed.

Add here: another part of a benchmark's section that comes from raw rows. Keep out: SQL (store/),
drawing and words (report/).
"""

from perf_pipeline.report.model import Failure
from perf_pipeline.store.failures import FailureKind, failures_of
from perf_pipeline.store.history import History
from perf_pipeline.units import US_PER_S


def failures_by_benchmark(history: History, run_id: str) -> dict[str, tuple[Failure, ...]]:
    """Return how operations failed, the most frequent first; no entry where none failed."""
    found: dict[str, list[Failure]] = {}
    for kind in failures_of(history.connection, run_id):
        found.setdefault(kind.benchmark, []).append(_failure(kind))
    return {name: tuple(failures) for name, failures in found.items()}


def _failure(found: FailureKind) -> Failure:
    named = found.operation or "whole iterations"
    where = named if found.scenario == found.operation else f"{named} of {found.scenario}"
    return Failure(
        found.kind,
        where,
        found.times,
        _seconds(found.first_us),
        _seconds(found.last_us),
        found.vu,
        found.iteration,
    )


def _seconds(at_us: int | None) -> float | None:
    return None if at_us is None else at_us / US_PER_S
