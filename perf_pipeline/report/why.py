"""Why a run ended as it did: what failed, what could not be judged, each reason said once.

Add here: a kind of trouble. Keep out: layout, and troubles of reading or writing a report.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.metrics.threshold import FROM_HISTOGRAM, Status, Verdict
from perf_pipeline.report import wording
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport

Trouble = tuple[str, str, str]
"""Status, subject, sentence."""

# What decides over the exit code comes first, in the order in which it decides.
_GRAVITY: Final = (
    "STOPPED",
    "ABORTED",
    "FAIL",
    "REGRESSED",
    "FAILED",
    "INVALID",
    "NOT_RUN",
    "NOT_STORED",
    "NO_DATA",
    "WARN",
    "PROBLEM",
)
_MOST_NAMED: Final = 4
_GENERATOR: Final = "the load generator was the limit"


def troubles(report: RunReport) -> list[Trouble]:
    """List what people must know besides figures, the gravest first; a reason is told once."""
    lines: list[Trouble] = []
    if not report.benchmarks:
        lines.append(("NO_DATA", "run", "no benchmark ran"))
    for one in report.benchmarks:
        lines += _ending(one)
        lines += _unjudged(one)
        lines += _missed(one)
        lines += _noted(one)
    lines += [
        ("REGRESSED", f"{name} {diff.series.label}", moved(diff))
        for name, diff in report.diffs
        if diff.status is DiffStatus.REGRESSED
    ]
    return sorted(lines, key=lambda line: _GRAVITY.index(line[0]))


def moved(diff: Diff) -> str:
    """Write a diff in one sentence: the change, its interval and what it was compared with."""
    change = wording.change_of(diff)
    if diff.pinned is not None:
        seen = wording.quantity(diff.value, wording.diff_unit(diff))
        return f"{seen}, {change} against the {wording.reference_of(diff)}"
    median, runs = wording.reference_of(diff), wording.plural(diff.noise.n, "run")
    return f"{change} ({wording.interval_of(diff)}) against a median of {median} in {runs}"


def merged(reasons: Iterable[str]) -> str:
    """Join reasons; a remedy (what follows the last semicolon) that they share is said once.

    >>> merged(["worker 0 stood still; use more", "worker 1 stood still; use more"])
    'worker 0 stood still, worker 1 stood still; use more'
    """
    by_remedy: dict[str, list[str]] = {}
    for reason in dict.fromkeys(reasons):
        head, _, remedy = reason.rpartition("; ")
        by_remedy.setdefault(remedy if head else "", []).append(head or remedy)
    return "; ".join(
        "; ".join(part for part in (", ".join(heads), remedy) if part)
        for remedy, heads in by_remedy.items()
    )


def _ending(one: BenchmarkReport) -> Iterator[Trouble]:
    if one.status is BenchmarkStatus.COMPLETED:
        yield from (("PROBLEM", one.name, problem) for problem in one.problems)
        return
    if one.status is BenchmarkStatus.NOT_STORED:
        yield str(one.status), one.name, "; ".join(one.problems) or "it is not in the history"
        return
    when = f"after {wording.seconds(one.wall_s)}" if one.wall_s else "nothing was measured"
    yield str(one.status), one.name, "; ".join((when, *dict.fromkeys(one.problems)))


def _unjudged(one: BenchmarkReport) -> Iterator[Trouble]:
    """Tell what was not judged, and why where no other line says so already."""
    invalid = [each for each in one.verdicts if each.status is Status.INVALID]
    if not one.valid or invalid:
        reasons = one.invalid_reasons or tuple(each.reason for each in invalid if each.reason)
        scope = f" ({_scope(invalid, one)} not judged)" if invalid else ""
        yield "INVALID", one.name, f"{merged(reasons) or _GENERATOR}{scope}"
    if one.status in {BenchmarkStatus.NOT_RUN, BenchmarkStatus.NOT_STORED}:
        return
    absent = [each for each in one.verdicts if each.status is Status.NO_DATA]
    told = {*one.problems, "; ".join(one.problems)}
    for reason in dict.fromkeys(each.reason for each in absent):
        scope = _scope([each for each in absent if each.reason == reason], one)
        known = not reason or reason in told
        yield "NO_DATA", one.name, scope if known else f"{scope}: {reason}"


def _scope(verdicts: Sequence[Verdict], one: BenchmarkReport) -> str:
    """Name the thresholds, or count them where that is shorter."""
    count = len(verdicts)
    if count > 1 and count == len(one.verdicts):
        return f"all {count} thresholds"
    names = [f"{each.threshold.key} {each.threshold.source}" for each in verdicts]
    return ", ".join(names) if count <= 2 else f"{count} of {len(one.verdicts)} thresholds"


def _missed(one: BenchmarkReport) -> Iterator[Trouble]:
    for status in (Status.FAIL, Status.WARN):
        missed = [each for each in one.verdicts if each.status is status]
        if missed:
            told = [_told(each) for each in missed[:_MOST_NAMED]]
            rest = len(missed) - len(told)
            yield str(status), one.name, "; ".join([*told, *([f"{rest} more"] if rest else [])])


def _noted(one: BenchmarkReport) -> Iterator[Trouble]:
    """Tell what stands beside a PASS; the accuracy of a histogram alone is no trouble."""
    noted = [each for each in one.verdicts if each.status is Status.PASS and each.reason]
    for reason in dict.fromkeys(each.reason for each in noted):
        if not reason.startswith(FROM_HISTOGRAM) or ";" in reason:
            scope = _scope([each for each in noted if each.reason == reason], one)
            yield "PROBLEM", one.name, f"{scope}: {reason}"


def _told(verdict: Verdict) -> str:
    threshold = verdict.threshold
    seen = wording.observed(verdict.observed, threshold)
    reason = f" ({verdict.reason})" if verdict.reason else ""
    return f"{threshold.key} is {seen}, wanted {threshold.source}{reason}"
