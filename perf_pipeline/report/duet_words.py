"""The texts of a comparison of two sides that all forms of its report show.

Add here: a row or a sentence that every form has. Keep out: layout.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.duet_blocks import BlockStatistic
from perf_pipeline.analysis.duet_record import SIDES, DuetLoadRecord, DuetRecord
from perf_pipeline.analysis.duet_verdict import (
    WORSE,
    ComparedStatistic,
    DuetVerdict,
    OperationVerdict,
)
from perf_pipeline.report import wording

HEADINGS: Final = (
    *("operation", "statistic", "baseline", "candidate"),
    *("change", "interval", "margin", "verdict"),
)
_SENTENCES: Final = MappingProxyType(
    {
        DuetVerdict.FASTER: "the candidate is faster than the baseline",
        DuetVerdict.SLOWER: "the candidate is slower than the baseline",
        DuetVerdict.EQUIVALENT: "the candidate is as fast as the baseline, within the margin",
        DuetVerdict.UNDECIDED: "the time was too short to tell which side is faster",
        DuetVerdict.FAILS_MORE: "more requests to the candidate fail, so times are not compared",
        DuetVerdict.NOT_MEASURED: "the sides could not be compared",
    }
)


_FAILED: Final = MappingProxyType(
    {"requests": "failed requests", "messages": "messages that were not delivered"}
)
_COUNTED: Final = "; the times of these answers are compared, too, as if they were right"
_LOSES_MORE: Final = (
    "more messages of the candidate were not delivered, so their times are not compared"
)
_BLURRED: Final = (
    "pauses of the generator blur both sides, so a difference may be hidden; only a "
    "slower candidate would still be reported"
)


@dataclass(frozen=True, slots=True)
class DuetRow:
    """Hold the texts for one statistic of an operation.

    Attributes:
        benchmark: the name of the benchmark.
        cells: one text for each heading.
        compared: the numbers behind the texts.
        operation: the operation.
    """

    benchmark: str
    cells: tuple[str, ...]
    compared: ComparedStatistic
    operation: OperationVerdict


def rows_of(record: DuetRecord) -> Iterator[DuetRow]:
    """Return a row for each statistic of each operation, in order."""
    for load in record.loads:
        for operation in load.finding.operations:
            for compared in operation.compared:
                yield DuetRow(load.benchmark, _cells(operation, compared), compared, operation)


def answer_of(record: DuetRecord) -> str:
    """Return the answer in one sentence."""
    if record.stopped:
        return "stopped by the user, so nothing was judged"
    gravest = [
        operation
        for load in record.loads
        for operation in load.finding.operations
        if operation.verdict is record.verdict
    ]
    if record.verdict is DuetVerdict.UNDECIDED and record.is_not_slower:
        return "the candidate is not slower than the baseline, and it may be faster"
    if record.verdict is DuetVerdict.UNDECIDED and any(operation.reason for operation in gravest):
        return "it is unknown which side is faster, for the reasons that are given"
    counted = {operation.counts for operation in gravest}
    if record.verdict is DuetVerdict.FAILS_MORE and counted == {"messages"}:
        return _LOSES_MORE
    return _SENTENCES[record.verdict]


def outcome_of(record: DuetRecord) -> str:
    """Return the last line: verdict, answer, exit code."""
    return f"{record.told_verdict}: {answer_of(record)} (exit code {int(record.exit_code)})"


def facts_of(record: DuetRecord) -> Iterator[tuple[str, str]]:
    """Return facts about the comparison, as names and texts."""
    for name, side, facts in zip(SIDES, record.sides, record.revisions, strict=True):
        known = ", ".join(f"{key} {value}" for key, value in facts.items())
        yield name, f"{side} ({known})" if known else side
    yield "profile", record.profile
    yield (
        "measured",
        f"{wording.seconds(record.measured_s)} of at most {wording.seconds(record.limit_s)}",
    )
    yield "order", f"in turns, seed {record.seed}"


def sentences_of(record: DuetRecord) -> Iterator[str]:
    """Return what else a reader must know, in one sentence each."""
    for load in record.loads:
        yield from (f"{load.benchmark}: {told}" for told in _of_load(load))
    if (missing := record.planned - len(record.loads)) and not record.stopped:
        yield f"{wording.plural(missing, 'load')} of {record.planned} did not begin"


def _of_load(load: DuetLoadRecord) -> Iterator[str]:
    yield from load.limits
    yield from load.pauses
    if load.pauses and load.finding.verdict not in WORSE:
        yield _BLURRED
    if any(load.dropped):
        old, new = load.dropped
        yield f"starts without a free VU: baseline {old:,}, candidate {new:,}"
    for operation in load.finding.operations:
        yield from (f"{operation.operation}: {told}" for told in _of_operation(operation))
    yield from load.problems


def _of_operation(operation: OperationVerdict) -> Iterator[str]:
    if any(operation.failed):
        yield f"{_FAILED[operation.counts]}: {_shares(operation, operation.failed)}"
    if any(operation.wrong):
        counted = "" if _is_void(operation) else _COUNTED
        yield f"answers that failed a check: {_shares(operation, operation.wrong)}{counted}"
    if operation.reason:
        yield operation.reason
    if operation.verdict is DuetVerdict.UNDECIDED and not operation.reason:
        yield _what_it_takes(operation)


def _shares(operation: OperationVerdict, numbers: tuple[int, int]) -> str:
    return ", ".join(
        f"{name} {number:,} of {requests:,} ({_percent(number / max(1, requests))})"
        for name, number, requests in zip(SIDES, numbers, operation.requests, strict=True)
    )


def _what_it_takes(operation: OperationVerdict) -> str:
    open_ones = [c for c in operation.compared if c.verdict is DuetVerdict.UNDECIDED]
    names = ", ".join(compared.statistic for compared in open_ones)
    needed_s = operation.seconds_needed
    if math.isinf(needed_s):
        return (
            f"{names} not decided after {wording.seconds(operation.length_s)}, and even an hour "
            "would not be enough; use a higher rate, a quieter machine or a wider --margin"
        )
    return (
        f"{names} not decided after {wording.seconds(operation.length_s)}; at this noise it takes "
        f"about {wording.seconds(needed_s)} of measuring (--within), or a higher rate"
    )


def _cells(operation: OperationVerdict, compared: ComparedStatistic) -> tuple[str, ...]:
    ratio = compared.ratio
    unit = "per s" if compared.statistic is BlockStatistic.THROUGHPUT else "ms"
    change = interval = "-"
    if ratio is not None:
        change = _change(ratio.estimate)
        if ratio.has_interval:
            interval = f"{_change(ratio.low)} to {_change(ratio.high)}"
    return (
        operation.operation,
        str(compared.statistic),
        wording.quantity(compared.baseline, unit),
        wording.quantity(compared.candidate, unit),
        change,
        interval,
        f"±{_percent(compared.margin)}",
        _verdict_of(operation, compared),
    )


def _verdict_of(operation: OperationVerdict, compared: ComparedStatistic) -> str:
    """Return the verdict on a statistic, or on the operation if times mean nothing."""
    return str(operation.verdict if _is_void(operation) else compared.verdict)


def _is_void(operation: OperationVerdict) -> bool:
    is_open = operation.verdict is DuetVerdict.UNDECIDED and bool(operation.reason)
    return is_open or operation.verdict in {DuetVerdict.FAILS_MORE, DuetVerdict.NOT_MEASURED}


def _change(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f} %"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
