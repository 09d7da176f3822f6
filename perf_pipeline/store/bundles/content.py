"""Make one digest of what a run measured: it is equal on every machine and for every version.

Verdicts and comparisons are left out, because a run can be judged again; so are raw samples, which
are dropped with time. Columns are named, so that a later one changes no digest.
Add here: nothing; another column would make every run of every team another one. Keep out: seals,
which DuckDB's version decides (proof.py).
"""

import json
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import duckdb

if TYPE_CHECKING:
    from perf_pipeline.store.history import History

_AT_ONCE: Final = 100
_OF_RUNS: Final = "where run_id in (select unnest($runs::varchar[]))"
# Each with the order of its rows.
_MEASURED: Final = (
    f"""select run_id, profile, config_hash, seed, target, triggered_by, began_at::varchar,
    environment_id, planned from runs {_OF_RUNS} order by run_id""",
    f"""select run_id, benchmark, status, began_at::varchar, wall_s, measured_s, valid,
    invalid_reasons, load_hash, damage from benchmarks {_OF_RUNS} order by run_id, benchmark""",
    f"""select run_id, benchmark, scenario, iterations, dropped_iterations,
    interrupted_iterations, intended_iterations, measured_from_us, measured_until_us
    from scenarios {_OF_RUNS} order by run_id, benchmark, scenario""",
    f"""select run_id, benchmark, scenario, operation, check_name, passes, fails
    from checks {_OF_RUNS} order by run_id, benchmark, scenario, operation, check_name""",
    f"""select run_id, benchmark, position, name, value, scenario, operation
    from figures {_OF_RUNS} order by run_id, benchmark, position, name""",
    f"""select run_id, benchmark, metric, tags, count, rate, minimum, average, median, p90, p95,
    p99, p99_9, maximum, last
    from summaries {_OF_RUNS} order by run_id, benchmark, metric, tags""",
)
_SEALS: Final = """
select run_id, sum(digests.digest) as seals from digests join runs using (run_id)
where table_name in ('scenarios', 'checks', 'figures', 'summaries') group by run_id
"""
_KNOWN: Final = f"""
select run_id, content from run_contents join ({_SEALS}) using (run_id, seals)
"""
_REMEMBER: Final = f"""
insert or replace into run_contents (run_id, content, seals)
select run_id, content, seals
from (select unnest($runs::varchar[]) as run_id, unnest($contents::varchar[]) as content)
join ({_SEALS}) using (run_id)
"""
_SAMPLED: Final = "select distinct run_id from sample_kinds"
_STORED: Final = "select distinct run_id from benchmarks"


def contents_of(connection: duckdb.DuckDBPyConnection, run_ids: Collection[str]) -> dict[str, str]:
    """Work out the digests of what some runs measured, as 64 hex digits."""
    found: dict[str, str] = {}
    for some in _batches(sorted(run_ids)):
        hashes = {run_id: sha256() for run_id in some}
        for number, statement in enumerate(_MEASURED):
            for run_id, *row in connection.execute(statement, {"runs": some}).fetchall():
                hashes[run_id].update(f"{number}{json.dumps(row)}\n".encode())
        found |= {run_id: digest.hexdigest() for run_id, digest in hashes.items()}
    return found


def known_contents(history: "History") -> dict[str, str]:
    """Return the digests of all runs of which something is stored.

    They are remembered until the run is stored again.
    """
    connection = history.connection
    stored = {run_id for (run_id,) in connection.execute(_STORED).fetchall()}
    known = dict(connection.execute(_KNOWN).fetchall())
    found = {run_id: content for run_id, content in known.items() if run_id in stored}
    new = contents_of(connection, stored - found.keys())
    if new:
        remember_contents(connection, new)
    return found | new


def runs_with_samples(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the runs whose raw samples are still here."""
    return {run_id for (run_id,) in connection.execute(_SAMPLED).fetchall()}


def remember_contents(connection: duckdb.DuckDBPyConnection, contents: dict[str, str]) -> None:
    """Remember digests, so that they are not worked out again."""
    given = {"runs": list(contents), "contents": list(contents.values())}
    connection.execute(_REMEMBER, given)


def _batches(run_ids: Iterable[str]) -> Iterator[list[str]]:
    waiting = list(run_ids)
    for begin in range(0, len(waiting), _AT_ONCE):
        yield waiting[begin : begin + _AT_ONCE]
