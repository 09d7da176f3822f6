"""Check that the target answered until the end: an operation that stops succeeding must not pass.

Add here: another sign that a target is gone that the share of failures does not show. Keep out: the
share itself, which the threshold on `target_answered` judges.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.metrics.catalog import OF_EVERY_BENCHMARK
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.quoting import first_few
from perf_pipeline.report.wording import plural
from perf_pipeline.store.endings import Ending, endings_of
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunKey
from perf_pipeline.units import US_PER_S

_BY_CHANCE: Final = 0.01
_MOST_TOLD: Final = 3
_NO_MORE: Final = "it did not come back"


def answered_to_the_end(
    history: History, key: RunKey, outcome: BenchmarkOutcome, verdicts: Sequence[Verdict]
) -> list[Verdict]:
    """Fail the verdicts on answers when an operation worked and then stopped working.

    These are the verdicts on `target_answered`, or on `answered_beside_faults` in a benchmark with
    faults.

    A load that the user stopped has no end to judge. A pruned benchmark keeps its earlier result.
    """
    if not any(_is_open(verdict) for verdict in verdicts) or outcome.status == "stopped":
        return list(verdicts)
    starved = {
        scenario.name for scenario in outcome.scenarios if outcome.invalid_for((scenario.name,))
    }
    reason = _reason(history, key, starved)
    return [
        _failed(verdict, reason) if reason and _is_open(verdict) else verdict
        for verdict in verdicts
    ]


def _is_open(verdict: Verdict) -> bool:
    is_about_it = verdict.threshold.metric in OF_EVERY_BENCHMARK
    return is_about_it and verdict.status is not Status.INVALID


def _failed(verdict: Verdict, reason: str) -> Verdict:
    return replace(verdict, status=verdict.threshold.missed, reason=reason)


def _reason(history: History, key: RunKey, starved: Collection[str]) -> str:
    if not history.asked.raw_is_kept(key):
        stored = (
            verdict for name, verdict in history.verdicts(key.run_id) if name == key.benchmark
        )
        return next((verdict.reason for verdict in stored if _NO_MORE in verdict.reason), "")
    endings = endings_of(history.connection, key)
    gone = [ending for ending in endings if ending.scenario not in starved and is_gone(ending)]
    told = first_few([_told(ending) for ending in gone], _MOST_TOLD)
    return f"{told}; {_NO_MORE}" if told else ""


def is_gone(ending: Ending) -> bool:
    """Say whether failures at the end mean that the operation stopped working.

    They do if one of them got no answer. Otherwise they do if that many failures in a row would be
    too rare at the share of failures before them, (failed + 1) / (all + 2) (Laplace): below 1 % for
    the whole benchmark, in which each operation is another chance. An operation that never worked
    did not stop working; the share of failures covers that.
    """
    if ending.unanswered:
        return True
    share = (ending.failed_before + 1) / (ending.before + 2)
    return ending.went_well_once and share**ending.failed < _BY_CHANCE / ending.kinds


def _told(ending: Ending) -> str:
    others = " and others" if ending.ways > 1 else ""
    failures = plural(ending.failed, "failure")
    return (
        f"no {ending.operation} of {ending.scenario} went well in the last "
        f"{ending.span_us / US_PER_S:.1f} s ({failures}: {ending.how}{others})"
    )
