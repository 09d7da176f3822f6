"""Say why a run ended as it did: what failed and what could not be judged, without repetition.

Add here: a kind of trouble. Keep out: layout, and troubles of reading or writing a report.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.metrics.threshold import FROM_HISTOGRAM, Status, Verdict
from perf_pipeline.quoting import first_few
from perf_pipeline.report import wording
from perf_pipeline.report.finding_texts import name_of, regressions, with_others
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport, Withheld
from perf_pipeline.report.searches import found_line

Trouble = tuple[str, str, str]
"""Status, subject, sentence."""

WITHHELD: Final = str(DiffStatus.ENVIRONMENT_CHANGED)
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
    WITHHELD,
    "WARN",
    "PROBLEM",
)
_MOST_NAMED: Final = 4
_GENERATOR: Final = "the load generator was the limit"


def troubles(report: RunReport) -> list[Trouble]:
    """List what people must know besides the figures, the gravest first, no reason twice."""
    lines: list[Trouble] = []
    if not report.benchmarks:
        lines.append(("NO_DATA", "run", "no benchmark ran"))
    for benchmark in report.benchmarks:
        lines += _ending(benchmark)
        lines += _unjudged(benchmark)
        lines += _missed(benchmark)
        lines += _noted(benchmark)
    lines += [
        ("REGRESSED", name_of(cause), f"{_confirmed(cause.leading[1])}{with_others(cause)}")
        for cause in regressions(report)
    ]
    if report.withheld is not None:
        lines.append((WITHHELD, "baseline", withheld_sentence(report.withheld, report.run_id)))
    return sorted(lines, key=lambda line: _GRAVITY.index(line[0]))


def found_and_troubles(report: RunReport) -> list[Trouble]:
    """List what searches for a capacity found, and then the troubles."""
    return [*filter(None, map(found_line, report.benchmarks)), *troubles(report)]


def reasons(report: RunReport) -> list[str]:
    """Write each trouble in one line, which begins with its status."""
    return [f"{status} {subject}: {sentence}" for status, subject, sentence in troubles(report)]


def notices_and_troubles(report: RunReport) -> list[Trouble]:
    """List what must be known to understand the figures, and then the troubles."""
    notices: list[Trouble] = [("NOTICE", "", notice) for notice in report.notices]
    return [*notices, *found_and_troubles(report)]


def withheld_sentence(held: Withheld, run_id: str) -> str:
    """Say what the gate did not decide, why, and what to do about it."""
    what = f"{held.series} of {wording.plural(held.compared, 'series', 'series')}"
    lasting = f", for {held.in_a_row} runs in a row" if held.in_a_row > 1 else ""
    accept = _acceptance(held, run_id)
    head = (
        f"the gate is withheld for {what}{lasting}: {'; '.join(held.reasons)}. This run cannot "
        "show whether the system is slower"
    )
    if held.new_level:
        return (
            f"{head}. The runs since {held.new_level} agree on a new level, which is the baseline "
            "from the next run on (cause: machine). To do: nothing, if the machine stays as it is "
            "now; otherwise go back to the earlier machine"
        )
    if held.needs_decision:
        return (
            f"{head}, and this has lasted too long: somebody has to decide. To do: if the "
            f"machine stays as it is now, {accept}; otherwise go back to the earlier machine"
        )
    return (
        f"{head}. To do: run again when nothing else uses the machine; if it stays as it is now, "
        f"{accept}"
    )


def _acceptance(held: Withheld, run_id: str) -> str:
    """Say what makes the level the baseline; a run of a pull request cannot be accepted."""
    if not held.pull_request:
        run = held.since or run_id
        return f'`perf-pipeline baseline accept {run} --reason "..."` makes its level the baseline'
    return (
        f"merge pull request {held.pull_request}, and make the level of the first run of the "
        'branch after it the baseline, by `perf-pipeline baseline accept RUN --reason "..."` with '
        "the id of that run"
    )


def moved(diff: Diff) -> str:
    """Write a diff in one sentence: the change, its interval and what it was compared with."""
    change = wording.change_of(diff)
    if diff.pinned is not None:
        seen = wording.quantity(diff.value, wording.diff_unit(diff))
        return f"{seen}, {change} against the {wording.reference_of(diff)}"
    median, runs = wording.reference_of(diff), wording.plural(diff.noise.n, "run")
    return f"{change} ({wording.interval_of(diff)}) against a median of {median} in {runs}"


def _confirmed(diff: Diff) -> str:
    """Write how far a series moved, and which runs say so."""
    return moved(diff) if diff.together is None else f"{moved(diff)}; {diff.reason}"


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


def _ending(benchmark: BenchmarkReport) -> Iterator[Trouble]:
    if benchmark.status is BenchmarkStatus.COMPLETED:
        yield from (("PROBLEM", benchmark.name, problem) for problem in benchmark.problems)
        return
    if benchmark.status is BenchmarkStatus.NOT_STORED:
        yield (
            str(benchmark.status),
            benchmark.name,
            "; ".join(benchmark.problems) or "it is not in the history",
        )
        return
    when = (
        f"after {wording.seconds(benchmark.wall_s)}" if benchmark.wall_s else "nothing was measured"
    )
    yield (
        str(benchmark.status),
        benchmark.name,
        "; ".join((when, *dict.fromkeys(benchmark.problems))),
    )


def _unjudged(benchmark: BenchmarkReport) -> Iterator[Trouble]:
    """Say what was not judged, and why, unless another line says so already."""
    invalid = [verdict for verdict in benchmark.verdicts if verdict.status is Status.INVALID]
    if not benchmark.valid or invalid:
        reasons = benchmark.invalid_reasons or tuple(
            verdict.reason for verdict in invalid if verdict.reason
        )
        scope = f" ({_scope(invalid, benchmark)} not judged)" if invalid else ""
        yield "INVALID", benchmark.name, f"{merged(reasons) or _GENERATOR}{scope}"
    if benchmark.status in {BenchmarkStatus.NOT_RUN, BenchmarkStatus.NOT_STORED}:
        return
    absent = [verdict for verdict in benchmark.verdicts if verdict.status is Status.NO_DATA]
    told = {*benchmark.problems, "; ".join(benchmark.problems)}
    for reason in dict.fromkeys(verdict.reason for verdict in absent):
        scope = _scope([verdict for verdict in absent if verdict.reason == reason], benchmark)
        known = not reason or reason in told
        yield "NO_DATA", benchmark.name, scope if known else f"{scope}: {reason}"


def _scope(verdicts: Sequence[Verdict], benchmark: BenchmarkReport) -> str:
    """Name the thresholds, or count them where that is shorter."""
    count = len(verdicts)
    if count > 1 and count == len(benchmark.verdicts):
        return f"all {count} thresholds"
    names = [f"{verdict.threshold.key} {verdict.threshold.source}" for verdict in verdicts]
    return ", ".join(names) if count <= 2 else f"{count} of {len(benchmark.verdicts)} thresholds"


def _missed(benchmark: BenchmarkReport) -> Iterator[Trouble]:
    for status in (Status.FAIL, Status.WARN):
        missed = [verdict for verdict in benchmark.verdicts if verdict.status is status]
        if missed:
            told = [_told(verdict) for verdict in missed]
            yield str(status), benchmark.name, first_few(told, _MOST_NAMED, "; ")


def _noted(benchmark: BenchmarkReport) -> Iterator[Trouble]:
    """Say what must be known about a PASS; that a histogram gave it is no trouble by itself."""
    noted = [
        verdict
        for verdict in benchmark.verdicts
        if verdict.status is Status.PASS and verdict.reason
    ]
    for reason in dict.fromkeys(verdict.reason for verdict in noted):
        if not reason.startswith(FROM_HISTOGRAM) or ";" in reason:
            scope = _scope([verdict for verdict in noted if verdict.reason == reason], benchmark)
            yield "PROBLEM", benchmark.name, f"{scope}: {reason}"


def _told(verdict: Verdict) -> str:
    threshold = verdict.threshold
    reason = f" ({verdict.reason})" if verdict.reason else ""
    return f"{threshold.key} is {wording.observed(verdict)}, wanted {threshold.source}{reason}"
