"""The answer at the top of every report: yes, no, or "not shown" with the reason.

The question is the default one (does it carry a million messages a day?) or that of a profile
(own_answer.py).

A yes needs complete evidence: the one-day simulation completed, the generator was not the limit,
every threshold holds, and it is known that no message was lost. Add here: another piece of
evidence. Keep out: layout.
"""

import math
from collections.abc import Iterator

from perf_pipeline.analysis.outcome import UNJUDGED
from perf_pipeline.benchmarks.record import TARGET_PER_DAY
from perf_pipeline.benchmarks.registry import DAY
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.headline import verdict_of
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.own_answer import Answer, own_answer
from perf_pipeline.report.wording import number, plural, quantity, seconds, words


def answer_of(report: RunReport) -> Answer:
    """Answer what the profile asks: its own question, or 1,000,000 messages a day."""
    return million_a_day(report) if report.asked is None else own_answer(report, report.asked)


def million_a_day(report: RunReport) -> Answer:
    """Answer from the one-day simulation of this run."""
    day = next((benchmark for benchmark in report.benchmarks if benchmark.name == DAY.name), None)
    if day is None:
        return Answer("NOT_SHOWN", f"{DAY.name} was not part of this run")
    if not day.valid:
        return Answer("NOT_SHOWN", f"the load generator was the limit of {DAY.name}")
    against = list(_against(day))
    if against:
        return Answer("FAIL", "; ".join(against))
    missing = list(_missing(day))
    if missing:
        return Answer("NOT_SHOWN", "; ".join(missing))
    elsewhere = [benchmark for benchmark in report.benchmarks if _proves_nothing(benchmark)]
    if elsewhere:
        told = ", ".join(
            f"{benchmark.name} is {words(verdict_of(benchmark))}" for benchmark in elsewhere
        )
        return Answer("NOT_SHOWN", f"{told}, and half a run proves nothing ({_for(day)})")
    return Answer("PASS", _for(day))


def _proves_nothing(benchmark: BenchmarkReport) -> bool:
    ended = benchmark.status in {BenchmarkStatus.COMPLETED, BenchmarkStatus.ABORTED}
    return (
        not benchmark.valid
        or not ended
        or any(verdict.status in UNJUDGED for verdict in benchmark.verdicts)
    )


def _against(day: BenchmarkReport) -> Iterator[str]:
    failed = [verdict.threshold for verdict in day.verdicts if verdict.status is Status.FAIL]
    if failed:
        names = ", ".join(f"{threshold.key} {threshold.source}" for threshold in failed)
        yield f"{plural(len(failed), 'threshold')} of {day.name} failed ({names})"
    per_day = figure(day, "messages_per_day")
    if per_day is not None and per_day < TARGET_PER_DAY:
        yield f"the sustained rate stands for {number(per_day)} messages a day"
    lost = figure(day, "messages_lost")
    if lost:
        yield f"{plural(round(lost), 'message')} got lost"
    headroom = figure(day, "headroom_ratio")
    if headroom is not None and headroom < 1:
        yield f"the best rate that held is {quantity(headroom, 'times')} the target"


def _missing(day: BenchmarkReport) -> Iterator[str]:
    if day.status is BenchmarkStatus.NOT_RUN:
        yield f"{day.name} did not run"
        return
    if day.status is not BenchmarkStatus.COMPLETED:
        yield f"{day.name} was {day.status} after {seconds(day.wall_s)}"
    unmeasured = sum(verdict.status in UNJUDGED for verdict in day.verdicts)
    if unmeasured:
        yield f"{plural(unmeasured, 'threshold')} of {day.name} could not be judged"
    if figure(day, "messages_per_day") is None:
        yield "the sustained rate is not known"
    if figure(day, "messages_lost") is None:
        yield "it is not known whether messages were lost"
    elif figure(day, "headroom_ratio") is None:
        yield "no phase held its rate without failures and dropped iterations"


def _for(day: BenchmarkReport) -> str:
    per_day, headroom = figure(day, "messages_per_day"), figure(day, "headroom_ratio")
    expected = figure(day, "messages_expected")
    none_of = f"none of {plural(round(expected), 'message')}" if expected else "none"
    return (
        f"{day.name} sustained {quantity(per_day, 'messages')} a day "
        f"(scaled up from {seconds(day.measured_s)} of measuring), lost {none_of}, "
        f"and its fastest phase held {quantity(headroom, 'times')} the target"
    )


def figure(benchmark: BenchmarkReport, metric: str) -> float | None:
    """Return a gauge's value: the least favourable one of all scenarios; None without any."""
    values = [summary.last for summary in benchmark.summaries if summary.metric == metric]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return (max if metric == "messages_lost" else min)(finite, default=None)
