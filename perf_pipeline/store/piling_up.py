"""Read what piles up while a load runs: operations in flight, uncompleted messages, lag.

Add here: another queue that the rows of a load show. Keep out: whether it grows (analysis/).
"""

from typing import Final

import duckdb

from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.units import US_PER_MS, US_PER_S

EVERY_US: Final = 250 * US_PER_MS
_MOMENTS: Final = "select unnest(range($from_us, $until_us + 1, $every_us)) as at_us"
# An iteration is in flight from the moment that the plan wanted it to start.
_IN_FLIGHT: Final = f"""
select at_us, (
    select count(*) from iterations
    where {OF_KEY} and intended_us <= at_us and ended_us > at_us
)
from ({_MOMENTS}) order by at_us
"""
_UNDELIVERED: Final = f"""
with messages as (
    select message_id, min(at_us) filter (where event = 'intended') as begun_us,
        min(at_us) filter (where event = 'completed') as done_us
    from ledger where {OF_KEY} group by message_id
)
select at_us, (
    select count(*) from messages
    where begun_us <= at_us and (done_us is null or done_us > at_us)
)
from ({_MOMENTS}) where exists (from messages where begun_us is not null) order by at_us
"""
_LAG: Final = f"""
select source, at_us, value from readings
where {OF_KEY} and name = 'consumer_lag' and source not like '%/%' and isfinite(value)
    and at_us between $from_us and $until_us
order by source, at_us
"""

Points = list[tuple[float, float]]


def in_flight(
    connection: duckdb.DuckDBPyConnection, key: RunKey, from_us: int, until_us: int
) -> Points:
    """Return (s, iterations in flight) every 250 ms of a part of a load."""
    return _counted(connection, _IN_FLIGHT, key, from_us, until_us)


def undelivered(
    connection: duckdb.DuckDBPyConnection, key: RunKey, from_us: int, until_us: int
) -> Points:
    """Return (s, messages promised and not completed), as `in_flight`; empty without a ledger."""
    return _counted(connection, _UNDELIVERED, key, from_us, until_us)


def lags(
    connection: duckdb.DuckDBPyConnection, key: RunKey, from_us: int, until_us: int
) -> dict[str, Points]:
    """Return (s, messages) of each consumer group whose lag was read."""
    found: dict[str, Points] = {}
    bounds = {"from_us": from_us, "until_us": until_us}
    for source, at_us, value in connection.execute(_LAG, {**key.parameters, **bounds}).fetchall():
        found.setdefault(source, []).append((at_us / US_PER_S, value))
    return found


def _counted(
    connection: duckdb.DuckDBPyConnection, statement: str, key: RunKey, from_us: int, until_us: int
) -> Points:
    bounds = {"from_us": from_us, "until_us": until_us, "every_us": EVERY_US}
    rows = connection.execute(statement, {**key.parameters, **bounds}).fetchall()
    return [(at_us / US_PER_S, float(count)) for at_us, count in rows]
