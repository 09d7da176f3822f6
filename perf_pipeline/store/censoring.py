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
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.store.sample_tables import drop_empty_kinds

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
_ANY: Final = f"select 1 from sample_kinds where {OF_KEY} and {UNDECIDED} and {{phase}} limit 1"
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
# Of each kind of interrupted samples a second one, for those that waited for longer.
_TWINS: Final = f"""
create or replace temp table twins as
select kind, (select max(kind) from sample_kinds) + row_number() over (order by kind) as twin,
    limit_us
from sample_kinds join (
    select unnest($scenarios::varchar[]) as scenario, unnest($operations::varchar[]) as operation,
        unnest($limits::bigint[]) as limit_us
) as waits using (scenario, operation)
where {OF_KEY} and {UNDECIDED} and phase <> 'drain'
"""
_INSERT_TWINS: Final = f"""
insert into sample_kinds (run_id, benchmark, kind, scenario, protocol, operation, phase, outcome,
    status, error)
select run_id, benchmark, twin, scenario, protocol, operation, phase, outcome, status, $unanswered
from (from sample_kinds where {OF_KEY}) join twins using (kind)
"""
_MARK_TWINS: Final = f"""
update sample_rows set kind = twin from twins
where {OF_KEY} and sample_rows.kind = twins.kind and ended_us - started_us > limit_us
"""


def mark_stored(connection: duckdb.DuckDBPyConnection, key: RunKey) -> None:
    """Mark these operations of a stored benchmark; nothing happens if none was interrupted."""
    if not _has_any(connection, key, "true"):
        return
    names = {"table": "samples", "where": OF_KEY, "undecided": UNDECIDED}
    waits = connection.execute(_WAITS.format(answered=_ANSWERED, **names), key.parameters)
    limits = _limits(waits.fetchall())
    unanswered = {"unanswered": limits.pop("unanswered")}
    connection.execute(_TWINS, {**key.parameters, **limits})
    connection.execute(_INSERT_TWINS, {**key.parameters, **unanswered})
    connection.execute(_MARK_TWINS, key.parameters)
    drop_empty_kinds(connection, key)


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
        parameters: the parameters of `where`.
    """
    names = {"table": table, "where": where, "undecided": UNDECIDED}
    waits = connection.execute(
        _WAITS.format(answered=_ANSWERED, **names), parameters or {}
    ).fetchall()
    if waits:
        connection.execute(_MARK.format(**names), {**(parameters or {}), **_limits(waits)})


def has_undecided(connection: duckdb.DuckDBPyConnection, key: RunKey) -> bool:
    """Tell whether a benchmark has interrupted operations that nobody can call failed."""
    return _has_any(connection, key, "phase = 'measured'")


def _has_any(connection: duckdb.DuckDBPyConnection, key: RunKey, phase: str) -> bool:
    found = connection.execute(_ANY.format(phase=phase), key.parameters).fetchone()
    return found is not None


def _limits(waits: Sequence[tuple[str, str, int, int, int]]) -> dict[str, object]:
    return {
        "unanswered": UNANSWERED,
        "scenarios": [scenario for scenario, *_ in waits],
        "operations": [operation for _, operation, *_ in waits],
        "limits": [longest_wait_us(*counts) for _, _, *counts in waits],
    }
