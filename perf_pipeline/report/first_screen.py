"""What a reader sees first: the reason for the run's outcome, and what failed or changed.

Add here: another reason for a verdict, or another kind of line. Keep out: layout (html.py), and the
sentences about troubles and changes (why.py, trend.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.outcome import UNJUDGED
from perf_pipeline.errors import ExitCode
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.quoting import first_few
from perf_pipeline.report import comparison, trend, why, wording
from perf_pipeline.report.answer import answer_of
from perf_pipeline.report.axis import panels
from perf_pipeline.report.finding_texts import name_of, regressions
from perf_pipeline.report.model import UNMEASURED, BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.own_answer import Answer
from perf_pipeline.report.pages import anchor, plot_id, trend_id

_MOST_NAMED: Final = 3
_NO_PROBLEM: Final = MappingProxyType(
    {
        BenchmarkStatus.FAILED: "it could not be completed",
        BenchmarkStatus.NOT_RUN: "it did not run",
        BenchmarkStatus.NOT_STORED: "it is not in the history",
    }
)
_CHANGED: Final = frozenset({DiffStatus.SUSPECT, DiffStatus.IMPROVED})
# Notices come after everything that decides; a slower machine is mentioned with its diffs.
_LATER: Final = frozenset({"NOTICE"})
_Drawn = dict[tuple[str, str], trend.Trend]


@dataclass(frozen=True, slots=True)
class ToldLine:
    """Hold a line of the first screen.

    Attributes:
        status: the status in one word.
        subject: what the line is about; may be empty.
        target: the id of the part of the page that shows it; empty if none does.
        sentence: what happened.
    """

    status: str
    subject: str
    target: str
    sentence: str


def asked_answer(report: RunReport) -> Answer | None:
    """Return the answer to the profile's question; None if the profile has no own question."""
    asks = report.asked is None or bool(report.asked.text)
    return answer_of(report) if asks else None


def verdict_sentence(report: RunReport) -> str:
    """Say in one sentence how the run ended and why."""
    return _REASONS.get(report.exit_code, _ended)(report)


def lines(report: RunReport) -> list[ToldLine]:
    """List what failed, what could not be judged and what changed; notices come last."""
    told = [*_troubles(report), *_changes(report)]
    return sorted(told, key=lambda line: line.status in _LATER)


def _stopped(report: RunReport) -> str:
    name = next(
        benchmark.name
        for benchmark in report.benchmarks
        if benchmark.status is BenchmarkStatus.STOPPED
    )
    failed = [verdict for _, verdict in _verdicts(report) if verdict.status is Status.FAIL]
    count = f"{wording.plural(len(failed), 'threshold')} had failed by then, and " if failed else ""
    return (
        f"The run was stopped by hand during {name}: {count}what passed until then proves nothing."
    )


def _failed(report: RunReport) -> str:
    verdicts = list(_verdicts(report))
    failed = [pair for pair in verdicts if pair[1].status is Status.FAIL]
    name, first = failed[0]
    threshold = first.threshold
    which = "" if len(failed) == 1 else "the first is that "
    why_missed = f" ({first.reason})" if first.reason else ""
    return (
        f"The run failed, because {len(failed)} of {wording.plural(len(verdicts), 'threshold')} "
        f"{'is' if len(failed) == 1 else 'are'} missed: {which}{threshold.key} of {name} "
        f"is {wording.observed(first)}, and {threshold.source} is wanted{why_missed}."
    )


def _regressed(report: RunReport) -> str:
    found = regressions(report)
    if not found:
        return _ended(report)
    name, diff = found[0].leading
    more = len(found) - 1
    others = f", and {wording.plural(more, 'other series', 'other series')} with it" if more else ""
    since = _since(_drawn(report), name, diff)
    return (
        f"The system got slower or worse: {diff.series.label} of {name} moved by "
        f"{wording.change_of(diff)} against {wording.reference_of(diff)}{since}{others}."
    )


def _not_measured(report: RunReport) -> str:
    if not report.benchmarks:
        return "Nothing was measured, because no benchmark ran."
    spoilt = [benchmark for benchmark in report.benchmarks if _doubt(benchmark)]
    if not spoilt:
        return "This run cannot show whether the system is slower: the gate is withheld."
    verb = "proves" if len(spoilt) == 1 else "prove"
    names = first_few([benchmark.name for benchmark in spoilt], _MOST_NAMED)
    return (
        f"The run neither passed nor failed, because {names} {verb} nothing: {_doubt(spoilt[0])}."
    )


def _passed(report: RunReport) -> str:
    count = sum(1 for _ in _verdicts(report))
    holds = "No threshold was judged" if not count else _all_hold(report, count)
    return f"{holds}, and {_unchanged(report)}."


def _ended(report: RunReport) -> str:
    return f"The run ended with {report.exit_code.name} (exit code {int(report.exit_code)})."


_REASONS: Final = MappingProxyType[ExitCode, Callable[[RunReport], str]](
    {
        ExitCode.OK: _passed,
        ExitCode.STOPPED: _stopped,
        ExitCode.THRESHOLD_FAILED: _failed,
        ExitCode.REGRESSED: _regressed,
        ExitCode.NOT_MEASURED: _not_measured,
    }
)


def _verdicts(report: RunReport) -> Iterator[tuple[str, Verdict]]:
    for benchmark in report.benchmarks:
        for verdict in benchmark.verdicts:
            yield benchmark.name, verdict


def _all_hold(report: RunReport, count: int) -> str:
    warned = [verdict for _, verdict in _verdicts(report) if verdict.status is Status.WARN]
    missed = sum(not verdict.keeps_bound for verdict in warned)
    told = [_are(missed, "aim", "missed"), _are(len(warned) - missed, "threshold", "in doubt")]
    if warned:
        return f"No threshold failed, although {' and '.join(filter(None, told))}"
    return "The only threshold holds" if count == 1 else f"All {count} thresholds hold"


def _are(count: int, noun: str, what: str) -> str:
    """Say of so many that they are something; nothing of none."""
    return f"{wording.plural(count, noun)} {'is' if count == 1 else 'are'} {what}" if count else ""


def _unchanged(report: RunReport) -> str:
    if report.withheld is not None:
        return "whether anything is slower than before is not known, because the gate is withheld"
    diffs = [diff for _, diff in report.diffs if diff.pinned is None]
    judged = sum(diff.status in {DiffStatus.OK, *_CHANGED} for diff in diffs)
    suspect = sum(diff.status is DiffStatus.SUSPECT for diff in diffs)
    if not judged:
        return "there are too few earlier runs to compare with"
    if suspect:
        return f"{suspect} of {judged} compared series are suspect, which the next run decides"
    compared = wording.plural(judged, "compared series", "compared series")
    return f"none of {compared} is out of line with earlier runs"


def _doubt(benchmark: BenchmarkReport) -> str:
    """Say why a benchmark's figures prove nothing; empty if they do prove something."""
    if not benchmark.valid:
        return next(iter(benchmark.invalid_reasons), "the load generator was the limit")
    if benchmark.status in UNMEASURED:
        return next(iter(benchmark.problems), _NO_PROBLEM[benchmark.status])
    unjudged = [verdict for verdict in benchmark.verdicts if verdict.status in UNJUDGED]
    if not unjudged:
        return ""
    reasons = [verdict.reason for verdict in unjudged if verdict.reason]
    return next(iter(reasons), f"nothing was measured for {unjudged[0].threshold.key}")


def _troubles(report: RunReport) -> Iterator[ToldLine]:
    causes = {name_of(cause): cause.leading for cause in regressions(report)}
    drawn = _drawn(report)
    benchmarks = {benchmark.name: benchmark for benchmark in report.benchmarks}
    for status, subject, sentence in why.notices_and_troubles(report):
        if status == str(DiffStatus.REGRESSED) and subject in causes:
            name, diff = causes[subject]
            since = _since(drawn, name, diff)
            yield ToldLine(status, subject, _place(drawn, name, diff), f"{sentence}{since}")
            continue
        target = _shown_at(benchmarks[subject], status) if subject in benchmarks else ""
        yield ToldLine(status, subject, target, sentence)


def _shown_at(benchmark: BenchmarkReport, status: str) -> str:
    """Return the id of the plot for the first threshold with a status, or else of the section."""
    keys = [verdict.threshold.key for verdict in benchmark.verdicts if verdict.status == status]
    drawn = [panel for panel in panels(benchmark.series) if panel.is_telling]
    places = (
        plot_id(benchmark.name, panel.title)
        for key in keys
        for panel in drawn
        if any(key in line.keys for line in panel.lines)
    )
    return next(places, anchor(benchmark.name))


def _changes(report: RunReport) -> Iterator[ToldLine]:
    """Yield the series that moved in this run without failing it, each with its drawing."""
    drawn = _drawn(report)
    for name, diff in comparison.shown_first(report):
        if diff.status in _CHANGED:
            text = f"{why.moved(diff)}{_since(drawn, name, diff)}"
            subject = f"{name} {diff.series.label}"
            yield ToldLine(str(diff.status), subject, _place(drawn, name, diff), text)


def _drawn(report: RunReport) -> _Drawn:
    return {
        (drawn.benchmark, drawn.series.label): drawn for drawn in report.trends if drawn.is_telling
    }


def _place(drawn: _Drawn, benchmark: str, diff: Diff) -> str:
    label = diff.series.label
    return trend_id(benchmark, label) if (benchmark, label) in drawn else anchor(benchmark)


def _since(drawn: _Drawn, benchmark: str, diff: Diff) -> str:
    """Say since which run a series has its level, if a change of it is dated."""
    found = drawn.get((benchmark, diff.series.label))
    if found is None or not found.changes:
        return ""
    run = found.runs[found.changes[-1].index]
    named = f"{run.version}, run {run.run_id}" if run.version else f"run {run.run_id}"
    return f", since {named} of {run.began_at[:10]}"
