"""Judge whether answers met the author's expectations, so that no failed check goes unnoticed.

As in k6, a failed check does not fail an operation. If more answers fail a check than operations
may fail, and no threshold is about checks, nobody would notice. Add here: another expectation of
answers. Keep out: shares of operations, which the threshold on `target_answered` judges, and
counting (store/check_rows.py).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.judging.kept_up import scenarios_that_kept_up, touches
from perf_pipeline.judging.shortfall import OF_ANSWERS
from perf_pipeline.metrics.catalog import OF_EVERY_BENCHMARK
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.quoting import first_few
from perf_pipeline.store.check_rows import CheckCounts
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunKey

MOST_WRONG: Final = 0.05
"""A larger share of answers that fail a check is reported, unless more operations may fail."""
_MOST_TOLD: Final = 3
_OPEN: Final = frozenset({Status.PASS, Status.WARN, Status.FAIL})


def as_expected(
    history: History, key: RunKey, outcome: BenchmarkOutcome, verdicts: Sequence[Verdict]
) -> list[Verdict]:
    """Fail the verdicts on `target_answered` if answers fail a check that no threshold covers.

    A scenario in which the load generator was the limit is not judged, because its times are not
    the target's.
    """
    own = [verdict for verdict in verdicts if verdict.threshold.metric in OF_EVERY_BENCHMARK]
    if not any(verdict.status in _OPEN for verdict in own):
        return list(verdicts)
    counts = [counts for counts in history.checks(key.run_id) if counts.benchmark == key.benchmark]
    thresholds = [verdict.threshold for verdict in verdicts]
    unspoken = list(_unspoken(counts, thresholds, scenarios_that_kept_up(outcome)))
    return [_judged(verdict, unspoken) if verdict in own else verdict for verdict in verdicts]


def _unspoken(
    counts: Iterable[CheckCounts], thresholds: Sequence[Threshold], kept_up: Collection[str]
) -> Iterator[CheckCounts]:
    for count in counts:
        if count.scenario in kept_up and not any(_is_about(count, known) for known in thresholds):
            yield count


def _is_about(counts: CheckCounts, threshold: Threshold) -> bool:
    if threshold.metric not in OF_ANSWERS:
        return False
    own = {"operation": counts.operation, "check": counts.check}
    return touches(threshold, counts.scenario) and all(
        threshold.tags.get(tag, value) == value for tag, value in own.items()
    )


def _judged(verdict: Verdict, unspoken: Sequence[CheckCounts]) -> Verdict:
    threshold = verdict.threshold
    may_fail = max(MOST_WRONG, 1 - threshold.bound if threshold.comparison in {">=", ">"} else 0.0)
    wrong = [
        counts
        for counts in unspoken
        if touches(threshold, counts.scenario) and _share(counts) > may_fail
    ]
    if not wrong or verdict.status not in _OPEN:
        return verdict
    told = first_few([_told(counts) for counts in wrong], _MOST_TOLD)
    reason = f"{told}, and no threshold on checks covers this"
    return replace(
        verdict,
        status=threshold.missed,
        reason="; ".join(filter(None, [verdict.reason, reason])),
    )


def _share(counts: CheckCounts) -> float:
    return counts.fails / max(1, counts.passes + counts.fails)


def _told(counts: CheckCounts) -> str:
    whole = counts.passes + counts.fails
    return (
        f"{_share(counts):.0%} of the answers to {counts.operation} of {counts.scenario} failed "
        f"the check {counts.check!r} ({counts.fails:,} of {whole:,})"
    )
