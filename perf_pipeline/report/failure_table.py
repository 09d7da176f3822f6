"""A table of failed operations: the kind, how often, when first and last, an example.

Add here: another fact of a failure. Keep out: finding failures (store/failures.py).
"""

from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.model import BenchmarkReport, Failure
from perf_pipeline.report.tables import Table

_MOST_ROWS: Final = 100


def failure_table(benchmark: BenchmarkReport) -> Table:
    """Return a row for each kind of failure, the most frequent first; no rows if none failed.

    If there are more than `_MOST_ROWS` kinds, the others are counted together.
    """
    rest = benchmark.failures[_MOST_ROWS:]
    more = sum(failure.count for failure in rest)
    last = [(f"{len(rest):,} more kinds, {more:,} failures together",)] if rest else []
    rows = map(_row, benchmark.failures[:_MOST_ROWS])
    return Table.of(
        {
            "failure": "metric",
            "where": "metric",
            "count": "number",
            "first at": "number",
            "last at": "number",
            "first example": "prose",
        },
        (*rows, *last),
    )


def _row(failure: Failure) -> tuple[str, ...]:
    return (
        failure.kind,
        failure.where,
        f"{failure.count:,}",
        _at(failure.first_s),
        _at(failure.last_s),
        _example(failure),
    )


def _at(second: float | None) -> str:
    return wording.ABSENT if second is None else f"{second:,.1f} s"


def _example(failure: Failure) -> str:
    if failure.vu is None or failure.iteration is None:
        return wording.ABSENT
    return f"iteration {failure.iteration:,} of VU {failure.vu:,}"
