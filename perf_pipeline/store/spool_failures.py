"""Count from a benchmark's spool how its operations failed: by status, or by class of error.

Add here: another fact about failures that people look for first. Keep out: verdicts on them
(judging/).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.metrics.totals import SpanFigures
from perf_pipeline.store.censoring import UNDECIDED, mark_unanswered
from perf_pipeline.store.spool_figures import spooled

_LEAST_SHARE: Final = 0.01
_MOST_TOLD: Final = 5
_WAYS: Final = f"""
with known as (
    select operation, outcome <> 'ok' as failed,
        if(error = 'status', cast(status as varchar), error) as how
    from spooled where phase = 'measured' and not ({UNDECIDED})
),
whole as (select operation, count(*) as operations from known group by operation)
select operation, how, count(*) as failures, operations
from known join whole using (operation) where failed
group by operation, how, operations order by failures desc, operation, how
"""


@dataclass(frozen=True, slots=True)
class FailureWay:
    """Say how often an operation failed in one way.

    Attributes:
        operation: its name.
        how: the HTTP status that was not expected, or the class of the error.
        failures: operations that failed so.
        operations: all measured ones of this name.
    """

    operation: str
    how: str
    failures: int
    operations: int

    @property
    def share(self) -> float:
        """Return the share of the operations that failed so."""
        return self.failures / self.operations

    def __str__(self) -> str:
        share = f"{self.share:.0%}" if self.share >= _LEAST_SHARE else f"{self.share:.2%}"
        return f"{self.how} on {self.operation}, {share.removesuffix('%')} %"


def failure_ways(folder: Path) -> list[FailureWay]:
    """Return each way in which an operation failed, the most frequent first; none if all went well.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spooled(folder, "samples") as connection:
        mark_unanswered(connection, "spooled")
        return [FailureWay(*row) for row in connection.execute(_WAYS).fetchall()]


def told_failures(folder: Path, spans: Iterable[SpanFigures]) -> Iterator[str]:
    """Tell the ways that are at least 1 % of an operation, such as `403 on auth::login, 100 %`.

    Args:
        folder: the folder of the benchmark.
        spans: its totals; where nothing failed, the samples are not read once more.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    if not any(span.failed for span in spans):
        return
    ways = [way for way in failure_ways(folder) if way.share >= _LEAST_SHARE]
    yield from map(str, ways[:_MOST_TOLD])
    if len(ways) > _MOST_TOLD:
        yield f"{len(ways) - _MOST_TOLD} more ways of failing"
