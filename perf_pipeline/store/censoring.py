"""Mark the interrupted operations that had waited longer than the answered ones explain.

A sample keeps its outcome, `interrupted`; only its error class is derived: `unanswered` makes it
a failure, an empty one leaves it undecided. Answered means ok, or an answer that was not wanted.
Samples of older versions lie in the drain phase and are left as they are.

Add here: another reason to call an interrupted operation failed. Keep out: the rule itself
(metrics/censoring.py) and how the undecided ones enter figures (metric_sql.py).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from perf_pipeline.metrics.censoring import UNANSWERED, longest_wait_us
from perf_pipeline.store.records import RunKey

UNDECIDED: Final = "outcome = 'interrupted' and error = ''"
"""Which samples neither went well nor failed, as far as anybody saw."""

# An operation without any answer goes by those of its scenario: the first report of a shop may be
# slower than its pages, but not by what a hang takes.
_WAITS: Final = """
with named as (
    select scenario, operation, count(*) filter (where {answered}) as answered,
        max(ended_us - started_us) filter (where {answered}) as longest_us,
        count(*) filter (where {undecided}) as interrupted
    from {table} where {where} group by scenario, operation
),
whole as (
    select scenario, sum(answered) as answered, max(longest_us) as longest_us
    from named group by scenario
)
select scenario, operation, if(named.answered > 0, named.answered, whole.answered),
    coalesce(named.longest_us, whole.longest_us, 0), interrupted
from named join whole using (scenario) where interrupted > 0
"""
_ANY: Final = (
    "select 1 from samples where run_id = ? and benchmark = ? and phase = 'measured' "
    f"and {UNDECIDED} limit 1"
)
_ANSWERED: Final = "outcome = 'ok' or (outcome = 'failed' and status > 0)"
_MARK: Final = """
update {table} set error = $unanswered
from (
    select unnest($scenarios::varchar[]) as scenario, unnest($operations::varchar[]) as operation,
        unnest($limits::bigint[]) as limit_us
) as waits
where {where} and {undecided} and phase <> 'drain' and {table}.scenario = waits.scenario
    and {table}.operation = waits.operation and ended_us - started_us > limit_us
"""


def mark_unanswered(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    where: str = "true",
    parameters: Mapping[str, str] | None = None,
) -> None:
    """Mark these operations in a table of samples; nothing happens if none was interrupted.

    Args:
        connection: to the table.
        table: with the columns of `Sample`.
        where: which rows are of one benchmark.
        parameters: of `where`.
    """
    names = {"table": table, "where": where, "undecided": UNDECIDED}
    waits = connection.execute(
        _WAITS.format(answered=_ANSWERED, **names), parameters or {}
    ).fetchall()
    if waits:
        connection.execute(_MARK.format(**names), {**(parameters or {}), **_limits(waits)})


def has_undecided(connection: duckdb.DuckDBPyConnection, key: RunKey) -> bool:
    """Tell whether a benchmark has interrupted operations that nobody can call failed."""
    return connection.execute(_ANY, [key.run_id, key.benchmark]).fetchone() is not None


def _limits(waits: Sequence[tuple[str, str, int, int, int]]) -> dict[str, object]:
    return {
        "unanswered": UNANSWERED,
        "scenarios": [scenario for scenario, *_ in waits],
        "operations": [operation for _, operation, *_ in waits],
        "limits": [longest_wait_us(*counts) for _, _, *counts in waits],
    }
