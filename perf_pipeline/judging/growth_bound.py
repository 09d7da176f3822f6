"""Decide a threshold on a growth only if the whole interval of the slope agrees.

A slope is an estimate: if it is below its bound only by chance it must not pass, and if it is above
only by chance it must not fail.

Add here: another figure that has an interval. Keep out: the interval (analysis/drift.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.drift import Drift
from perf_pipeline.metrics.growth import OF_READINGS, GrowthRecord
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.growth import hours, per_hour
from perf_pipeline.store.growth_rows import growth_of
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey

_DECIDED: Final = frozenset({Status.PASS, Status.WARN, Status.FAIL})
_METRICS: Final = frozenset(OF_READINGS.values())


def with_interval(history: History, key: RunKey, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return verdicts; those whose interval of growth contains the bound are NO_DATA."""
    if not any(map(_is_asked, verdicts)):
        return list(verdicts)
    records = growth_of(history, key.run_id).get(key.benchmark, [])
    return [
        _decided(verdict, _meant(records, verdict)) if _is_asked(verdict) else verdict
        for verdict in verdicts
    ]


def is_open(verdict: Verdict) -> bool:
    """Say whether a growth was measured and only its interval leaves the verdict open."""
    is_known = verdict.observed is not None and verdict.threshold.metric in _METRICS
    return is_known and verdict.status is Status.NO_DATA


def _is_asked(verdict: Verdict) -> bool:
    return verdict.threshold.metric in _METRICS and verdict.status in _DECIDED


def _meant(records: Sequence[GrowthRecord], verdict: Verdict) -> list[GrowthRecord]:
    """Return what a verdict is about: a single part, or all parts of the system."""
    part = verdict.threshold.tags.get("part")
    return [
        record
        for record in records
        if record.metric == verdict.threshold.metric
        and (record.is_of_the_system if part is None else record.part == part)
    ]


def _decided(verdict: Verdict, meant: Sequence[GrowthRecord]) -> Verdict:
    """Return a verdict, or NO_DATA if an end of the interval would be judged differently.

    The figure is that of the fastest growing part, so its interval reaches from the largest of all
    lower ends to the largest of all upper ends.
    """
    threshold = verdict.threshold
    lows = [record.low_per_h for record in meant]
    highs = [record.high_per_h for record in meant]
    doubtful = next(
        (record for record in meant if record.low_per_h is None or record.high_per_h is None), None
    )
    if doubtful is None and meant and verdict.observed is not None:
        low = max(end for end in lows if end is not None)
        high = max(end for end in highs if end is not None)
        held = threshold.holds(verdict.observed)
        alike = threshold.holds(low) == held and threshold.holds(high) == held
        # Both ends also get the same verdict from == and !=, on either side of the bound.
        if alike and not low < threshold.bound < high:
            return verdict
        doubtful = next(record for record in meant if record.high_per_h == high)
    if doubtful is None:
        reason = "nothing is known of its interval"
        return replace(verdict, status=Status.NO_DATA, reason=reason)
    return replace(verdict, status=Status.NO_DATA, reason=_why(doubtful, verdict))


def _why(record: GrowthRecord, verdict: Verdict) -> str:
    if record.low_per_h is None or record.high_per_h is None:
        return (
            f"{record.part} was watched for {hours(record.hours)}, in which its readings move so "
            "slowly that they bound no slope; load longer"
        )
    drift = Drift(
        record.points,
        record.hours,
        record.level,
        record.per_h,
        record.low_per_h,
        record.high_per_h,
    )
    needed = drift.hours_to_decide(verdict.threshold.bound)
    longer = f"; {hours(needed)} would tell" if needed is not None else "; load much longer"
    return (
        f"the slope of {record.part} lies between {per_hour(record, record.low_per_h)} and "
        f"{per_hour(record, record.high_per_h)}, which includes the bound{longer}"
    )
