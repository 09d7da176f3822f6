"""The slowest requests of each operation that somebody can look up in a tracing system.

Their ids follow from what a sample holds (metrics/trace_ids.py), so that nothing is written while
the load runs; they are worked out while the samples are there, and kept when these go.
Add here: another fact about a slow request. Keep out: links to them (report/).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from math import ceil
from typing import Any, Final

from perf_pipeline.metrics.trace_ids import is_sampled, trace_id
from perf_pipeline.store.history import History
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.store.tables import replace_rows

MOST_OF_AN_OPERATION: Final = 10
_MOST_LOOKED_AT: Final = 100_000
_SLOWEST: Final = f"""
select operation, scenario, vu, iteration, started_us, (ended_us - started_us) / 1e3, status, error
from samples
where {OF_KEY} and phase = 'measured' and protocol = 'http' and outcome <> 'interrupted'
    and list_contains($scenarios::varchar[], scenario)
qualify row_number() over (
    partition by operation order by ended_us - started_us desc, started_us, vu) <= $most
order by operation, ended_us - started_us desc, started_us, vu
"""


@dataclass(frozen=True, slots=True)
class TracedRequest:
    """Hold a slow request.

    Attributes:
        operation: what was asked for.
        position: from 1, the slowest, among those of its operation.
        scenario: that made it.
        trace_id: 32 hex digits.
        started_us: since the benchmark began.
        service_ms: from its start to its last byte.
        status: the HTTP status; 0 without an answer.
        error: class of the error; empty when it went well.
    """

    operation: str
    position: int
    scenario: str
    trace_id: str
    started_us: int
    service_ms: float
    status: int
    error: str


_COLUMNS: Final = ", ".join(field.name for field in fields(TracedRequest))
_SELECT: Final = f"""
select benchmark, {_COLUMNS} from slow_traces where run_id = ?
order by benchmark, operation, position
"""


def keep_slow_traces(history: History, key: RunKey, ratios: Mapping[str, float]) -> None:
    """Work out the slowest sampled requests of a benchmark, and store them.

    Args:
        history: open, with the benchmark's samples.
        key: which benchmark.
        ratios: of each scenario that sends `traceparent`, the share of sampled traces; nothing is
            done without any.
    """
    if not ratios:
        return
    most = min(_MOST_LOOKED_AT, ceil(10 * MOST_OF_AN_OPERATION / min(ratios.values())))
    given = {**key.parameters, "scenarios": list(ratios), "most": most}
    slowest = history.connection.execute(_SLOWEST, given).fetchall()
    rows = [
        (key.run_id, key.benchmark, *astuple(traced)) for traced in _sampled(key, slowest, ratios)
    ]
    columns = f"run_id, benchmark, {_COLUMNS}"
    replace_rows(history.connection, [key], "slow_traces", columns, rows)


def slow_traces(history: History, run_id: str) -> list[tuple[str, TracedRequest]]:
    """List the slowest sampled requests of a run as (benchmark, request), the slowest first."""
    history.proof.require_rows([run_id], "slow_traces")
    rows = history.connection.execute(_SELECT, [run_id]).fetchall()
    return [(benchmark, TracedRequest(*row)) for benchmark, *row in rows]


def _sampled(
    key: RunKey, slowest: list[tuple[Any, ...]], ratios: Mapping[str, float]
) -> Iterator[TracedRequest]:
    places: Counter[str] = Counter()
    for operation, scenario, vu, iteration, *rest in slowest:
        trace = trace_id(key.in_ids, scenario, vu, iteration)
        if places[operation] < MOST_OF_AN_OPERATION and is_sampled(trace, ratios[scenario]):
            places[operation] += 1
            yield TracedRequest(operation, places[operation], scenario, trace, *rest)
