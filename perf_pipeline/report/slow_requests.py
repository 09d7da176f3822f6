"""The slowest traced requests of a run, as every report shows them.

Add here: another fact about one of them. Keep out: which requests these are (store/).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.tables import ColumnKind, Table

_COLUMNS: Final[Mapping[str, ColumnKind]] = MappingProxyType(
    {
        "benchmark": "text",
        "operation": "text",
        "time": "number",
        "after": "number",
        "status": "text",
        "trace": "url",
    }
)


@dataclass(frozen=True, slots=True)
class SlowRequest:
    """Hold a slow request that a tracing system may know.

    Attributes:
        benchmark: in which it was made.
        operation: what was asked for.
        position: from 1, the slowest, among those of its operation.
        service_ms: from its start to its last byte.
        after_s: when it began, since the benchmark did.
        status: the HTTP status, or the class of the error.
        trace_id: 32 hex digits.
        url: the page of the trace; empty where the target has no `traceUrl`.
    """

    benchmark: str
    operation: str
    position: int
    service_ms: float
    after_s: float
    status: str
    trace_id: str
    url: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """Return its cells; of the trace the page where there is one."""
        return (
            self.benchmark,
            self.operation,
            wording.quantity(self.service_ms, "ms"),
            f"{self.after_s:.1f} s",
            self.status,
            self.url or self.trace_id,
        )


def slow_table(requests: Iterable[SlowRequest]) -> Table:
    """Return a table of slow requests."""
    return Table.of(_COLUMNS, (request.row for request in requests))


def slowest_of_each(requests: Iterable[SlowRequest]) -> Iterator[SlowRequest]:
    """Yield the slowest request of each operation."""
    yield from (request for request in requests if request.position == 1)
