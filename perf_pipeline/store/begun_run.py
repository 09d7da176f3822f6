"""Write the rows of a run itself: what it is, its plan, and its environment.

Add here: another thing that is known before any load. Keep out: what was measured (ingest.py).
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import duckdb

from perf_pipeline.store.order import place_of
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.run_rows import iso_utc, known_run

_LARGEST: Final = 2**63 - 1
_HAS_ENVIRONMENT: Final = "select exists (from environments where environment_id = ?)"
_INSERT_ENVIRONMENT: Final = """
insert into environments (environment_id, facts) values (?, map(?::varchar[], ?::varchar[]))
"""
_ENVIRONMENT_OF: Final = "select environment_id from runs where run_id = ?"
# Not `insert or replace`, here and elsewhere: DuckDB plans it three times as long as both of these.
_DELETE_RUN: Final = "delete from runs where run_id = ?"
_INSERT_RUN: Final = """
insert into runs (run_id, profile, profile_json, config_hash, seed, target,
    triggered_by, code_version, began_at, environment_id, notices, planned, problems, made_as,
    revision, machine, run_tags)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::varchar[], ?::varchar[], ?::varchar[], ?,
    map(?::varchar[], ?::varchar[]), map(?::varchar[], ?::varchar[]),
    map(?::varchar[], ?::varchar[]))
"""


def write_run(
    connection: duckdb.DuckDBPyConnection, run: RunRecord, *, begins_now: bool = False
) -> None:
    """Store what a run is and was to do; a run that is known keeps its number in the order.

    A run that is already stored with the same facts is not written again.
    """
    if not begins_now and _is_stored(connection, run):
        return
    began_at = utc_timestamp(run.began_at)
    place = place_of(connection, run.run_id, began_at, begins_now=begins_now)
    _write_environment(connection, run)
    connection.execute(_DELETE_RUN, [run.run_id])
    connection.execute(
        _INSERT_RUN,
        [
            run.run_id,
            run.profile,
            run.profile_json,
            run.config_hash,
            _stored_seed(run),
            run.target,
            run.trigger,
            run.code_version,
            began_at,
            run.environment_id,
            [*run.notices, *_odd_seed(run)],
            None if run.planned is None else list(run.planned),
            list(run.problems),
            place,
            list(run.revision),
            [*run.revision.values()],
            list(run.machine),
            [*run.machine.values()],
            list(run.tags),
            [*run.tags.values()],
        ],
    )


def _write_environment(connection: duckdb.DuckDBPyConnection, run: RunRecord) -> None:
    ((is_known,),) = connection.execute(_HAS_ENVIRONMENT, [run.environment_id]).fetchall()
    if not is_known:
        facts = run.environment
        connection.execute(
            _INSERT_ENVIRONMENT, [run.environment_id, list(facts), [*facts.values()]]
        )


def _is_stored(connection: duckdb.DuckDBPyConnection, run: RunRecord) -> bool:
    if known_run(connection, run.run_id) != _as_stored(run):
        return False
    # Not a field of what is known: an earlier version may have made it otherwise of these facts.
    row = connection.execute(_ENVIRONMENT_OF, [run.run_id]).fetchone()
    return row == (run.environment_id,)


def _as_stored(run: RunRecord) -> RunRecord:
    return replace(
        run,
        seed=_stored_seed(run),
        began_at=iso_utc(utc_timestamp(run.began_at)),
        notices=(*run.notices, *_odd_seed(run)),
        planned=None if run.planned is None else tuple(run.planned),
        problems=tuple(run.problems),
    )


def _stored_seed(run: RunRecord) -> int:
    return max(-_LARGEST, min(run.seed, _LARGEST))


def _odd_seed(run: RunRecord) -> list[str]:
    """Say that a seed, which had no bounds once, is larger than the history's integers."""
    if abs(run.seed) <= _LARGEST:
        return []
    return [f"the seed {str(run.seed)[:40]} is stored as {_LARGEST}; the profile has it whole"]


def utc_timestamp(text: str) -> datetime | None:
    """Read ISO 8601 into the naive UTC timestamp that the tables hold; None for no text."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)
