"""Keep comparisons of two sides in the history, with the verdict on each statistic.

Add here: a question that is asked of stored comparisons. Keep out: judging (analysis/duet.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from perf_pipeline.analysis.duet_record import SIDES, DuetLoadRecord, DuetRecord
from perf_pipeline.analysis.duet_verdict import ComparedStatistic, OperationVerdict
from perf_pipeline.store.history import History
from perf_pipeline.store.ingest import transaction

_COLUMNS: Final = (
    *("run_id", "benchmark", "step", "operation", "statistic"),
    *("baseline_value", "candidate_value", "ratio", "low", "high", "blocks", "margin"),
    *("verdict", "operation_verdict", "reason"),
    *("baseline_requests", "candidate_requests", "baseline_failed", "candidate_failed"),
)
_DELETE: Final = (
    "delete from duet_verdicts where run_id = ?",
    "delete from duets where run_id = ?",
)
_DUET: Final = """
insert into duets (
    run_id, began_at, profile, seed, baseline, candidate, verdict, exit_code, margin, alpha,
    limit_s, measured_s
) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_VERDICT: Final = (
    f"insert into duet_verdicts ({', '.join(_COLUMNS)}) values ({', '.join('?' * len(_COLUMNS))})"
)


def write_duet(history: History, record: DuetRecord) -> None:
    """Store a comparison in one transaction, in place of what was stored under its id."""
    began_at = datetime.fromisoformat(record.began_at).astimezone(UTC).replace(tzinfo=None)
    with transaction(history.connection):
        for statement in _DELETE:
            history.connection.execute(statement, [record.run_id])
        history.connection.execute(
            _DUET,
            [
                record.run_id,
                began_at,
                record.profile,
                record.seed,
                *record.sides,
                record.told_verdict,
                int(record.exit_code),
                record.rules.margin,
                record.rules.alpha,
                record.limit_s,
                record.measured_s,
            ],
        )
        if rows := list(_rows(record)):
            history.connection.executemany(_VERDICT, rows)


def _rows(record: DuetRecord) -> Iterator[list[object]]:
    for load in record.loads:
        for operation in load.finding.operations:
            for compared in operation.compared:
                yield [record.run_id, *_row(load, operation, compared)]


def _row(
    load: DuetLoadRecord, operation: OperationVerdict, compared: ComparedStatistic
) -> Iterator[object]:
    yield from (load.benchmark, load.step, operation.operation, str(compared.statistic))
    yield from (compared.baseline, compared.candidate)
    ratio = compared.ratio
    if ratio is None:
        yield from (None, None, None, 0)
    else:
        ends = (ratio.low, ratio.high) if ratio.has_interval else (None, None)
        yield from (ratio.estimate, *ends, ratio.blocks)
    yield from (compared.margin, str(compared.verdict), str(operation.verdict), _reason(operation))
    yield from (*operation.requests, *operation.failed)


def _reason(operation: OperationVerdict) -> str:
    """Return why the verdict is what it is, with the wrong answers, which have no column."""
    if not any(operation.wrong):
        return operation.reason
    shares = (
        f"{wrong:,} of {requests:,} of the {side}"
        for side, wrong, requests in zip(SIDES, operation.wrong, operation.requests, strict=True)
    )
    told = f"answers that failed a check: {', '.join(shares)}"
    return f"{operation.reason}; {told}" if operation.reason else told
