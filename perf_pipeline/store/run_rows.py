"""Read the rows of runs: what each was and was to do, newest first.

Add here: another question to runs alone. Keep out: their benchmarks (queries.py), and the order of
runs (order.py).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import duckdb

from perf_pipeline.errors import RequestError
from perf_pipeline.quoting import first_few, shown
from perf_pipeline.spelling import closest
from perf_pipeline.store.order import MEASURED, NEWEST_FIRST
from perf_pipeline.store.records import RunRecord

LATEST: Final = "latest"
"""Means the run that was made last."""
_RUNS: Final = """
select run_id, profile, profile_json, config_hash, seed, target, triggered_by, code_version,
    began_at, facts, notices, planned, problems, revision,
    machine, run_tags
from runs join environments using (environment_id)
"""
_NEWEST_RUNS: Final = f"{_RUNS} order by {NEWEST_FIRST} limit ?"
_NEWEST_TAGGED: Final = f"""{_RUNS}
where not exists (
    from (select unnest($names::varchar[]) as name, unnest($values::varchar[]) as wanted)
    where run_tags[name] is distinct from wanted)
order by {NEWEST_FIRST} limit $limit
"""
_NEWEST_MEASURED: Final = f"{_RUNS} where {MEASURED} order by {NEWEST_FIRST} limit ?"
_MOST_NAMED: Final = 5
_SHORTEST_COMMIT: Final = 7
_LAST_WITH: Final = f"""
select run_id from runs
where triggered_by <> $but and (
    list_contains(planned, $benchmark)
    or exists (from benchmarks as done where done.run_id = runs.run_id and benchmark = $benchmark))
order by {NEWEST_FIRST} limit 1
"""
# Re-runs are made of the same as the run that they confirm.
_MADE_OF: Final = f"""
select run_id from runs
where triggered_by <> $but and (
    revision['version'] = $text
    or (length($text) >= {_SHORTEST_COMMIT} and starts_with(revision['commit'], $text)))
order by {MEASURED} desc, {NEWEST_FIRST} limit 1
"""
_RUN_IDS: Final = "select run_id from runs"
_REVISIONS: Final = "select run_id, revision from runs where cardinality(revision) > 0"
_ONE_RUN: Final = f"{_RUNS} where run_id = ?"


def newest_runs(
    connection: duckdb.DuckDBPyConnection, limit: int, *, measured: bool = False
) -> list[RunRecord]:
    """List the newest runs, newest first, by the order in which they were made."""
    statement = _NEWEST_MEASURED if measured else _NEWEST_RUNS
    return [_run(row) for row in connection.execute(statement, [limit]).fetchall()]


def newest_tagged(
    connection: duckdb.DuckDBPyConnection, limit: int, tags: Mapping[str, str]
) -> list[RunRecord]:
    """List the newest runs that have all of these tags, newest first."""
    given = {"names": list(tags), "values": list(tags.values()), "limit": limit}
    return [_run(row) for row in connection.execute(_NEWEST_TAGGED, given).fetchall()]


def last_run_with(connection: duckdb.DuckDBPyConnection, benchmark: str, *, but: str) -> str | None:
    """Return the newest run that was to do a benchmark, or did, and was not started by `but`."""
    given = {"benchmark": benchmark, "but": but}
    row = connection.execute(_LAST_WITH, given).fetchone()
    return row[0] if row else None


def last_run_of(connection: duckdb.DuckDBPyConnection, text: str, *, but: str) -> str | None:
    """Return the newest run of a version or commit of the target, not started by `but`."""
    row = connection.execute(_MADE_OF, {"text": text, "but": but}).fetchone()
    return row[0] if row else None


def revisions(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Return what was measured by each run that knows it, by the run's id."""
    return {run_id: dict(facts) for run_id, facts in connection.execute(_REVISIONS).fetchall()}


def known_runs(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return the ids of all runs."""
    return frozenset(run_id for (run_id,) in connection.execute(_RUN_IDS).fetchall())


def one_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> RunRecord:
    """Return one run.

    Raises:
        RequestError: the history does not have it.
    """
    run = known_run(connection, run_id)
    if run is None:
        raise not_here(connection, run_id)
    return run


def not_here(connection: duckdb.DuckDBPyConnection, run_id: str) -> RequestError:
    """Return the error of a run that is not in the history; it names those that may be meant."""
    return RequestError(
        f"run {shown(run_id)} is not in the history", hint=_known_ids(connection, run_id)
    )


def known_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> RunRecord | None:
    """Return one run; None when the history does not have it."""
    row = connection.execute(_ONE_RUN, [run_id]).fetchone()
    return None if row is None else _run(row)


def _known_ids(connection: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """Name the runs whose ids begin like this one, or the newest."""
    longer = sorted(
        (known for known in known_runs(connection) if run_id and known.startswith(run_id)),
        reverse=True,
    )
    if longer:
        named = first_few(longer, _MOST_NAMED)
        return f"write the whole id; these ids begin like it: {named}"
    newest = [run.run_id for run in newest_runs(connection, _MOST_NAMED)]
    close = closest(run_id, [LATEST, *newest]) if newest else None
    guess = f"did you mean {close}? " if close else ""
    return f"{guess}the newest runs are: {', '.join(newest) or 'none'}"


def iso_utc(moment: datetime | None) -> str:
    """Write a stored timestamp as ISO 8601 in UTC; empty for none."""
    return moment.replace(tzinfo=UTC).isoformat() if moment else ""


def _run(row: tuple[Any, ...]) -> RunRecord:
    texts, (began_at, facts, notices, planned, problems, *told) = row[:8], row[8:]
    run_id, profile, profile_json, config_hash, seed, target, trigger, code_version = texts
    return RunRecord(
        run_id,
        profile,
        profile_json,
        config_hash,
        seed,
        target,
        trigger,
        code_version,
        iso_utc(began_at),
        dict(facts),
        tuple(notices),
        None if planned is None else tuple(planned),
        tuple(problems or ()),
        *(dict(table or {}) for table in told),
    )
