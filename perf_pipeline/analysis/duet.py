"""Judge what two sides did at the same time: every operation, and all of them together.

Add here: a reason for another verdict. Keep out: blocks (duet_blocks.py), intervals
(paired_ratio.py), what a verdict is (duet_verdict.py).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.duet_blocks import (
    BlockStatistic,
    OperationSamples,
    block_logs,
    failing_blocks,
)
from perf_pipeline.analysis.duet_verdict import (
    ComparedStatistic,
    DuetFinding,
    DuetRules,
    DuetVerdict,
    OperationVerdict,
)
from perf_pipeline.analysis.exact import LEAST_POINTS
from perf_pipeline.analysis.paired_ratio import paired_ratio
from perf_pipeline.analysis.special import special

_LEAST_WORK: Final = 0.5
"""Both sides draw alike, so that their rows differ by chance only; this is far beyond it."""
_CHANGES_OF_TIME: Final = frozenset({DuetVerdict.SLOWER, DuetVerdict.FASTER})
_CHANGES: Final = _CHANGES_OF_TIME | {DuetVerdict.FAILS_MORE}
_NONE_OF: Final = MappingProxyType(
    {
        "requests": "the {} got no request of it",
        "messages": "the {} promised no message, so that there was no delivery to wait for",
    }
)
_ALL_FAILED: Final = MappingProxyType(
    {
        "requests": "every request to the baseline failed",
        "messages": "no message of the baseline was delivered",
    }
)
_MOST_BAD: Final = 0.5
"""A baseline that does more of its work badly is no measure of anything."""
_MOSTLY_BAD: Final = MappingProxyType(
    {
        "requests": "answers of the baseline were right: the other requests failed, or their "
        "answers failed a check",
        "messages": "messages of the baseline were delivered",
    }
)
_SELDOM: Final = MappingProxyType(
    {
        "requests": "more requests to the candidate failed, too seldom to tell chance from a fault",
        "answers": "more answers of the candidate failed or were wrong, too seldom to tell chance "
        "from a fault",
        "messages": "more messages of the candidate were lost, too seldom to tell chance from a "
        "fault",
    }
)


def withheld(finding: DuetFinding, reason: str) -> DuetFinding:
    """Return a finding that calls no operation faster, equivalent or at least not slower.

    Args:
        finding: by times and errors alone.
        reason: why these cannot be trusted.
    """
    return DuetFinding(
        tuple(
            replace(operation, verdict=DuetVerdict.UNDECIDED, reason=reason)
            if operation.is_not_slower
            else operation
            for operation in finding.operations
        )
    )


def judge_duet(operations: Sequence[OperationSamples], rules: DuetRules) -> DuetFinding:
    """Judge every operation, so that the chance of one wrong finding in all is at most alpha.

    The family is every statistic of every operation, and the errors of each (Bonferroni).
    """
    tests = sum(len(_statistics_of(samples)) + 1 for samples in operations)
    each = rules.alpha / tests if tests else rules.alpha
    found = [_judged(samples, rules, each) for samples in operations]
    changed = {verdict.operation for verdict in found if _has_changed(verdict)}
    return DuetFinding(
        tuple(
            _behind(verdict, samples.before & changed)
            for verdict, samples in zip(found, operations, strict=True)
        )
    )


def _has_changed(verdict: OperationVerdict) -> bool:
    """Say whether an operation is shown to take another time on each side, in any statistic."""
    told = {verdict.verdict, *(comparison.verdict for comparison in verdict.compared)}
    return bool(told & _CHANGES)


def _behind(verdict: OperationVerdict, changed: Collection[str]) -> OperationVerdict:
    """Return no verdict on the times of an operation that each side asks at another moment.

    It then meets the other side's work more or less often than that side meets its own, which can
    make a difference or hide one. A higher share of failed requests is still reported.
    """
    is_open = verdict.verdict is DuetVerdict.UNDECIDED and not verdict.reason
    is_told = is_open or verdict.verdict in _CHANGES_OF_TIME or verdict.is_not_slower
    if not changed or not is_told:
        return verdict
    told = (
        f"it stands behind {', '.join(sorted(changed))}, which changed, so that each side asks it "
        "at another moment and meets the other's work more or less often; give it its own "
        "scenario to compare it"
    )
    return replace(verdict, verdict=DuetVerdict.UNDECIDED, reason=told)


def _judged(samples: OperationSamples, rules: DuetRules, alpha: float) -> OperationVerdict:
    compared = tuple(_compared(samples, rules, alpha))
    verdict, reason = _verdict_of(samples, compared, alpha)
    sides = (samples.baseline, samples.candidate)
    return OperationVerdict(
        operation=samples.operation,
        verdict=verdict,
        compared=compared,
        requests=(len(sides[0].ok), len(sides[1].ok)),
        failed=(sides[0].failed, sides[1].failed),
        wrong=(sides[0].wrongly, sides[1].wrongly),
        length_s=samples.length_s,
        reason=reason,
        counts=samples.counts,
    )


def _statistics_of(samples: OperationSamples) -> list[BlockStatistic]:
    """Return what is compared; a plan decides how many requests there are, if there is one."""
    of_times = [BlockStatistic.MEDIAN, BlockStatistic.MEAN, BlockStatistic.P95]
    return of_times if samples.is_paced else [*of_times, BlockStatistic.THROUGHPUT]


def _compared(
    samples: OperationSamples, rules: DuetRules, alpha: float
) -> Iterator[ComparedStatistic]:
    for statistic in _statistics_of(samples):
        yield ComparedStatistic(
            statistic=statistic,
            ratio=paired_ratio(block_logs(samples, statistic), alpha),
            baseline=_value(samples, statistic, of_candidate=False),
            candidate=_value(samples, statistic, of_candidate=True),
            margin=rules.margin_of(statistic),
        )


def _value(
    samples: OperationSamples, statistic: BlockStatistic, *, of_candidate: bool
) -> float | None:
    side = samples.candidate if of_candidate else samples.baseline
    if statistic is BlockStatistic.THROUGHPUT:
        return int(side.ok.sum()) / samples.length_s if samples.length_s else None
    return side.value(statistic)


def _verdict_of(
    samples: OperationSamples, compared: Sequence[ComparedStatistic], alpha: float
) -> tuple[DuetVerdict, str]:
    """Return the verdict on an operation, and why it is not what the times alone say."""
    for side, name in ((samples.baseline, "baseline"), (samples.candidate, "candidate")):
        if not len(side.ok):
            return DuetVerdict.NOT_MEASURED, _NONE_OF[samples.counts].format(name)
    if not samples.baseline.ok.any():
        return DuetVerdict.NOT_MEASURED, _ALL_FAILED[samples.counts]
    more = samples.candidate.bad_share - samples.baseline.bad_share
    if more > LEAST_POINTS and _fails_more(samples, alpha):
        return DuetVerdict.FAILS_MORE, ""
    if samples.baseline.bad_share > _MOST_BAD:
        return DuetVerdict.NOT_MEASURED, _mostly_bad(samples)
    doubt = _seldom(samples) if more > LEAST_POINTS else _less_work(samples)
    # Also where the times alone are UNDECIDED: "not slower" passes as FASTER does.
    if doubt and all(comparison.is_not_slower for comparison in compared):
        return DuetVerdict.UNDECIDED, doubt
    return _of_times(compared), ""


def _mostly_bad(samples: OperationSamples) -> str:
    bad = samples.baseline.bad
    right = len(bad) - int(bad.sum())
    share = f"{100 * right / len(bad):.2g} %"
    return f"only {right:,} of {len(bad):,} ({share}) {_MOSTLY_BAD[samples.counts]}"


def _seldom(samples: OperationSamples) -> str:
    return _SELDOM["answers" if samples.candidate.wrongly else samples.counts]


def _less_work(samples: OperationSamples) -> str:
    """Say that the candidate's answers are about far fewer rows, as of an empty table."""
    old, new = samples.baseline.records_each, samples.candidate.records_each
    if new >= old * _LEAST_WORK:
        return ""
    return (
        f"an answer has {new:.3g} rows on average at the candidate and {old:.3g} at the baseline, "
        "so that it is not the same work"
    )


def _of_times(compared: Sequence[ComparedStatistic]) -> DuetVerdict:
    """Return SLOWER if any statistic is; FASTER and EQUIVALENT only if none may be slower."""
    verdicts = {comparison.verdict for comparison in compared}
    if DuetVerdict.SLOWER in verdicts:
        return DuetVerdict.SLOWER
    if not all(comparison.is_not_slower for comparison in compared):
        return DuetVerdict.UNDECIDED
    if DuetVerdict.FASTER in verdicts:
        return DuetVerdict.FASTER
    return DuetVerdict.UNDECIDED if DuetVerdict.UNDECIDED in verdicts else DuetVerdict.EQUIVALENT


def _fails_more(samples: OperationSamples, alpha: float) -> bool:
    """Say whether the candidate fails more often, by the sign test over blocks.

    Requests that fail one after the other, as in an outage, are one block and not many events.
    """
    more, fewer = failing_blocks(samples)
    if more <= fewer:
        return False
    return float(special().bdtrc(more - 1, more + fewer, 0.5)) <= alpha
