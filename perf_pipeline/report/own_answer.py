"""An answer, and how the question of a profile gets one: from the thresholds that it names.

Add here: another thing that keeps a profile's question open. Keep out: 1,000,000 messages a day
(answer.py), and layout.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from perf_pipeline.analysis.outcome import UNJUDGED
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.quoting import first_few
from perf_pipeline.report.finding_texts import name_of, regressions
from perf_pipeline.report.model import UNMEASURED, Asked, BenchmarkReport, RunReport
from perf_pipeline.report.wording import plural

MILLION: Final = "1,000,000 messages a day"
_YES_OR_NO: Final = MappingProxyType({"PASS": "yes", "FAIL": "no"})
_MOST_NAMED: Final = 3
_Named = tuple[str, Verdict]


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the question.

    Attributes:
        status: PASS, FAIL, or NOT_SHOWN when the evidence is missing, broken or incomplete.
        reason: the figures, or what prevents an answer; the end of a sentence.
        question: what was asked, or claimed.
    """

    status: Literal["PASS", "FAIL", "NOT_SHOWN"]
    reason: str
    question: str = MILLION

    def __str__(self) -> str:
        """Write question, answer and reason in one line; a question gets yes or no."""
        is_question = self.question.endswith("?")
        between = " " if is_question else ": "
        if self.status == "NOT_SHOWN":
            return f"{self.question}{between}not shown, because {self.reason}"
        word = _YES_OR_NO[self.status] if is_question else self.status
        return f"{self.question}{between}{word}, {self.reason}"


def own_answer(report: RunReport, asked: Asked) -> Answer:
    """Answer from the thresholds that the question names; from all of them where it names none.

    A confirmed regression is an answer, too, if all thresholds are asked for.
    """
    question = asked.text or f"profile {report.profile}"
    named = list(_named(report, asked))
    failed = [judged for judged in named if judged[1].status is Status.FAIL]
    slower = [] if asked.thresholds else _regressed(report)
    if failed or slower:
        return Answer("FAIL", "; ".join([*_failed(failed, named), *slower]), question)
    if missing := list(_missing(report, asked, named)):
        return Answer("NOT_SHOWN", "; ".join(missing), question)
    warned = [verdict for _, verdict in named if verdict.status is Status.WARN]
    missed = sum(not verdict.keeps_bound for verdict in warned)
    aims = f", and {plural(missed, 'aim')} of them missed" if missed else ""
    doubted = f", {len(warned) - missed} of them with a doubt" if len(warned) > missed else ""
    return Answer("PASS", f"{_all(len(named))}{doubted}{aims}", question)


def _named(report: RunReport, asked: Asked) -> Iterator[_Named]:
    for benchmark in report.benchmarks:
        for verdict in benchmark.verdicts:
            if not asked.thresholds or (benchmark.name, verdict.threshold.key) in asked.thresholds:
                yield benchmark.name, verdict


def _missing(report: RunReport, asked: Asked, named: Sequence[_Named]) -> Iterator[str]:
    there = {(benchmark, verdict.threshold.key) for benchmark, verdict in named}
    ran = {benchmark.name for benchmark in report.benchmarks}
    for benchmark in dict.fromkeys(name for name, _ in asked.thresholds if name not in ran):
        yield f"{benchmark} was not part of this run"
    lost = [key for name, key in asked.thresholds if name in ran and (name, key) not in there]
    if lost:
        yield f"this run has no verdict on {', '.join(lost)}"
    unjudged = [judged for judged in named if judged[1].status in UNJUDGED]
    if unjudged:
        yield f"{plural(len(unjudged), 'threshold')} could not be judged ({_list(unjudged)})"
    unmeasured = [
        benchmark.name
        for benchmark in report.benchmarks
        if not asked.thresholds and (benchmark.status in UNMEASURED or not benchmark.valid)
    ]
    if unmeasured and not unjudged:
        yield f"{', '.join(unmeasured)} could not be measured"
    limited = [benchmark.name for benchmark in report.benchmarks if _is_limited(benchmark)]
    if asked.thresholds and limited and not unjudged:
        yield f"{', '.join(limited)} is INVALID, and half a run proves nothing"
    if not (named or asked.thresholds or unmeasured):
        yield "no threshold was judged"


def _is_limited(benchmark: BenchmarkReport) -> bool:
    spoilt = any(verdict.status is Status.INVALID for verdict in benchmark.verdicts)
    return spoilt or not benchmark.valid


def _failed(failed: Sequence[_Named], named: Sequence[_Named]) -> Iterator[str]:
    if failed:
        yield f"{len(failed)} of {plural(len(named), 'threshold')} failed ({_list(failed)})"


def _regressed(report: RunReport) -> list[str]:
    names = [name_of(cause) for cause in regressions(report)]
    return [f"{first_few(names, _MOST_NAMED)} regressed"] if names else []


def _all(count: int) -> str:
    return "the only threshold holds" if count == 1 else f"all {count} thresholds hold"


def _list(named: Sequence[_Named]) -> str:
    told = [
        f"{benchmark} {verdict.threshold.key} {verdict.threshold.source}"
        for benchmark, verdict in named
    ]
    return first_few(told, _MOST_NAMED)
