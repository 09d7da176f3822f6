"""Summarize the comparison with the baseline: which series moved, and what is known about others.

Add here: another summary of all diffs. Keep out: layout and statistics (analysis/).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.causes import Cause, NamedDiff
from perf_pipeline.analysis.family import families_judged
from perf_pipeline.analysis.power import suspects_by_chance
from perf_pipeline.report import headline, trend
from perf_pipeline.report.finding_texts import name_of, regressions
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.why import Trouble, moved
from perf_pipeline.report.wording import (
    ABSENT,
    HALF_NOISE,
    change_of,
    number,
    plural,
    reference_of,
    remedy_of,
    words,
)

_MOVED: Final = frozenset(
    {
        DiffStatus.REGRESSED,
        DiffStatus.SUSPECT,
        DiffStatus.IMPROVED,
        DiffStatus.ENVIRONMENT_CHANGED,
    }
)
_JUDGED: Final = _MOVED | {DiffStatus.OK}
_TOGETHER: Final = "most figures moved together: the environment changed"
_MOST_REASONS: Final = 2


def shown_first(report: RunReport) -> list[NamedDiff]:
    """List the series that get a row: those that moved, and the leading p95 of each benchmark.

    A finding is represented by its leading series; the others are listed below it
    (`below_findings`).
    """
    below = {id(diff) for cause in report.causes for _, diff in cause.others}
    leading = {
        (benchmark.name, diff.series.label)
        for benchmark in report.benchmarks
        if (diff := headline.p95_diff(report, benchmark)) is not None
    }
    return [
        (name, diff)
        for name, diff in report.diffs
        if diff.pinned is None
        and (
            (diff.status in _MOVED and id(diff) not in below)
            or (diff.status is DiffStatus.OK and (name, diff.series.label) in leading)
        )
    ]


def below_findings(report: RunReport) -> list[NamedDiff]:
    """List the series that belong to a finding and do not lead it."""
    return [pair for cause in report.causes for pair in cause.others]


def dated(report: RunReport) -> list[Trouble]:
    """List the dated changes of level, with each finding only once.

    Changes of the series below a finding are left out. If looking back dates a change in a series
    that is a regression, it is not called harmless, because this run fails by it. Findings against
    a release or a fixed figure say nothing about the history, in which levels are dated.
    """
    found = [cause for cause in report.causes if cause.leading[1].pinned is None]
    below = {(name, diff.series.label) for cause in found for name, diff in cause.others}
    worse = [cause.leading for cause in found if cause.status is DiffStatus.REGRESSED]
    regressed = {(name, diff.series.label) for name, diff in worse}
    told = []
    for drawn in report.trends:
        name = (drawn.benchmark, drawn.series.label)
        if name not in below:
            told.append(trend.beside_regression(drawn) if name in regressed else drawn)
    return trend.lines(told)


def remarks(report: RunReport) -> list[Trouble]:
    """List a sentence for each pinned figure, and counts of the series without a row."""
    against_history = [pair for pair in report.diffs if pair[1].pinned is None]
    lines: list[Trouble] = [
        (str(diff.status), f"{name} {diff.series.label}", moved(diff))
        for name, diff in report.diffs
        if diff.pinned is not None and diff.effect is not None
    ]
    in_line = sum(diff.status is DiffStatus.OK for _, diff in against_history)
    if in_line:
        lines.append(("OK", "baseline", f"{plural(in_line, 'series', 'series')} within the noise"))
    lines += _machine(against_history)
    lines += _learning(against_history)
    lines += _not_compared(against_history)
    return lines + _by_chance(against_history) + _half_noise(against_history)


def _machine(pairs: Sequence[NamedDiff]) -> list[Trouble]:
    """Say where the load machine itself was not as fast as usual, in one line per benchmark."""
    told = by_calibration(pairs, "than usual")
    return [("NOTE", f"machine during {name}", sentence) for name, sentence in told.items()]


def by_calibration(pairs: Iterable[NamedDiff], than: str) -> dict[str, str]:
    """Say by how much the load machine itself was slower, for each benchmark in which it was.

    Args:
        pairs: the comparisons.
        than: what the machine is compared with.
    """
    factors: dict[str, list[float]] = {}
    for name, diff in pairs:
        if diff.machine_factor is not None:
            factors.setdefault(name, []).append(diff.machine_factor)
    return {
        name: f"the load machine itself was {_slower(known)} {than}, by its calibration; this is "
        f"taken out of {plural(len(known), 'series', 'series')} before they are judged"
        for name, known in factors.items()
    }


def _slower(factors: Sequence[float]) -> str:
    lowest, highest = (f"{100 * abs(factor - 1):.0f}" for factor in (min(factors), max(factors)))
    if min(factors) < 1 < max(factors):
        return f"{lowest} % faster to {highest} % slower"
    way = "slower" if max(factors) > 1 else "faster"
    amounts = dict.fromkeys(sorted((lowest, highest), key=int))
    return f"{' to '.join(amounts)} % {way}"


def _by_chance(pairs: Sequence[NamedDiff]) -> list[Trouble]:
    """Say how many comparisons were made, and how many false suspects to expect among them."""
    policies = [diff.policy for _, diff in pairs if diff.status in _JUDGED and diff.policy]
    if not policies:
        return []
    judged = plural(len(policies), "series", "series")
    asked = families_judged(pairs)
    expected = suspects_by_chance(asked, policies[0])
    sentence = (
        f"{judged} judged, as {plural(asked, 'question')}; by chance alone about "
        f"{number(expected, 2)} of these are SUSPECT in a run, so that REGRESSED takes more than "
        "half of several runs"
    )
    return [("NOTE", "baseline", sentence)]


def _half_noise(pairs: Sequence[NamedDiff]) -> list[Trouble]:
    """Say how to see smaller changes, if a series would profit from less noise."""
    if not any(HALF_NOISE in remedy_of(diff) for _, diff in pairs):
        return []
    how = (
        "to see smaller changes, send four times the requests (a longer run) or use a quieter "
        f"machine; either gives {HALF_NOISE}"
    )
    return [("NOTE", "would detect", how)]


def _learning(pairs: Sequence[NamedDiff]) -> list[Trouble]:
    reasons = Counter(diff.reason for _, diff in pairs if diff.status is DiffStatus.LEARNING)
    told = reasons.most_common(_MOST_REASONS)
    lines = [
        ("LEARNING", "baseline", f"{reason} ({count} of {len(pairs)} series)")
        for reason, count in told
    ]
    rest = reasons.total() - sum(count for _, count in told)
    return [*lines, ("LEARNING", "baseline", f"{rest} more series")] if rest else lines


def _not_compared(pairs: Iterable[NamedDiff]) -> list[Trouble]:
    groups = Counter(
        (diff.status, name)
        for name, diff in pairs
        if diff.status in {DiffStatus.INVALID, DiffStatus.NO_DATA}
    )
    return [
        (str(status), "baseline", f"{plural(count, 'series', 'series')} of {name} not compared")
        for (status, name), count in groups.items()
    ]


def regression(report: RunReport) -> str:
    """Say whether anything got slower: yes, no, or unknown with the reason."""
    found = [_with_count(cause) for cause in regressions(report)]
    if found:
        return f"yes: {', '.join(found)}"
    if not report.diffs:
        return "not known, nothing was compared"
    statuses = Counter(diff.status for _, diff in report.diffs if diff.pinned is None)
    if statuses[DiffStatus.ENVIRONMENT_CHANGED]:
        held = report.withheld
        return f"withheld, {'; '.join(held.reasons) if held is not None else _TOGETHER}"
    judged = sum(statuses[status] for status in _JUDGED)
    pinned = "; no pinned figure is missed" if _pinned_holds(report) else ""
    if not judged:
        return f"not known yet, {_without_history(statuses)}{pinned}"
    rest = statuses.total() - judged
    text = f"no ({judged} series judged{f', {rest} not' if rest else ''}){pinned}"
    suspect = statuses[DiffStatus.SUSPECT]
    return f"{text}; {suspect} SUSPECT, the next run decides" if suspect else text


def _with_count(cause: Cause) -> str:
    more = cause.also_regressed
    others = f" and {plural(more, 'more series', 'more series')} with it" if more else ""
    return f"{name_of(cause)}{others}"


def _without_history(statuses: Counter[DiffStatus]) -> str:
    listed = ", ".join(f"{count} {words(status)}" for status, count in statuses.most_common())
    return f"no series has enough history ({listed})" if listed else "there is no history"


def _pinned_holds(report: RunReport) -> bool:
    pinned = [diff.status for _, diff in report.diffs if diff.pinned is not None]
    return bool(pinned) and set(pinned) <= {DiffStatus.OK, DiffStatus.IMPROVED}


def against(diff: Diff | None) -> str:
    """Say how a leading figure compares with its baseline, or why it can't be compared."""
    if diff is None:
        return ABSENT
    status = words(diff.status)
    if diff.status is DiffStatus.LEARNING and not diff.noise.n:
        return "no history yet"
    if diff.effect is not None and diff.status in _JUDGED:
        return f"{change_of(diff)} vs {reference_of(diff)}, {status}"
    return f"{status}, {diff.reason}" if diff.reason else status
