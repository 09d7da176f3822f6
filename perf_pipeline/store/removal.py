"""Remove whole runs from the history, and say what the runs that stay were compared with.

Decisions about baselines are no rows of a run: who decided what stays readable.
Add here: another question about what may go. Keep out: which runs go (judging/pruning.py).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from perf_pipeline.metrics.catalog import TELLS_OF_FAILURES
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.order import NEWEST_FIRST
from perf_pipeline.store.sample_tables import delete_samples

if TYPE_CHECKING:
    from perf_pipeline.store.history import History

_RUNS: Final = f"""
select run_id, profile, triggered_by, began_at, coalesce(planned, [])
from runs order by {NEWEST_FIRST}
"""
# As store/series.py: a load that failed teaches nothing. Of a benchmark that is not valid as a
# whole some series may still be, so that it is not counted, and not passed over either.
_LOADS: Final = f"""
select run_id, profile, environment_id, benchmark, load_hash,
    case when coalesce(revision['pull_request'], '') = '' then coalesce(revision['branch'], '') end,
    valid and status = 'complete' and not exists (
        from verdicts as broken where broken.run_id = runs.run_id
            and broken.benchmark = benchmarks.benchmark and broken.status = 'FAIL'
            and list_contains(?::varchar[], broken.metric))
from benchmarks join runs using (run_id) order by {NEWEST_FIRST}, benchmark
"""
_COMPARED_WITH: Final = """
select distinct unnest(baseline_run_ids) from lineage where list_contains(?::varchar[], run_id)
"""
_TABLES: Final = """
select distinct table_name from duckdb_columns()
where database_name = current_database() and column_name = 'run_id'
    and table_name not in ('baselines', 'removed_runs')
    and table_name in (
        select table_name from duckdb_tables() where database_name = current_database())
"""
_DELETE: Final = "delete from {table} where list_contains(?::varchar[], run_id)"
_REMEMBER: Final = """
insert or replace into removed_runs (run_id, removed_at) select unnest(?::varchar[]), ?
"""
_REMOVED: Final = "select run_id from removed_runs"
_FORGET_MACHINES: Final = """
delete from environments where environment_id not in (select environment_id from runs)
"""


@dataclass(frozen=True, slots=True)
class KnownRun:
    """Name a run.

    Attributes:
        run_id: its id.
        profile: its name.
        trigger: who started it.
        began_at: UTC; a label.
        planned: the benchmarks that it was to run.
    """

    run_id: str
    profile: str
    trigger: str
    began_at: datetime
    planned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredLoad:
    """Name a stored benchmark of a run, and what it is compared with.

    Attributes:
        run_id: the id of the run.
        profile: its name.
        environment_id: the environment id of machine and stack.
        benchmark: its name.
        load_hash: the load hash of what it was to do.
        branch: the branch of its code, empty where it is not known; None for a pull request, which
            is in nobody's baseline.
        counts: it completed and is valid, so that a baseline takes it.
    """

    run_id: str
    profile: str
    environment_id: str
    benchmark: str
    load_hash: str
    branch: str | None
    counts: bool

    @property
    def like(self) -> tuple[str, ...]:
        """Return what two of them share that are compared."""
        line = self.branch or ""
        return self.profile, self.environment_id, self.benchmark, self.load_hash, line


def known_runs_in_order(history: "History") -> list[KnownRun]:
    """List all runs, newest first, by the order in which they were made."""
    rows = history.connection.execute(_RUNS).fetchall()
    return [
        KnownRun(run_id, profile, trigger, began_at.replace(tzinfo=UTC), tuple(planned))
        for run_id, profile, trigger, began_at, planned in rows
    ]


def stored_loads(history: "History") -> list[StoredLoad]:
    """List what is stored of all runs, that of the newest run first."""
    history.proof.require_table("benchmarks")
    rows = history.connection.execute(_LOADS, [list(TELLS_OF_FAILURES)]).fetchall()
    return [StoredLoad(*row) for row in rows]


def compared_with(history: "History", run_ids: Collection[str]) -> set[str]:
    """Return the runs of all baselines that some runs were compared with."""
    rows = history.connection.execute(_COMPARED_WITH, [list(run_ids)]).fetchall()
    return {run_id for (run_id,) in rows}


def remove_runs(history: "History", run_ids: Collection[str]) -> None:
    """Delete every row of some runs, and of machines that no run is left of, in one transaction."""
    connection = history.connection
    tables = [table for (table,) in connection.execute(_TABLES).fetchall()]
    history.asked.forget()
    with transaction(connection):
        chosen = {"runs": list(run_ids)}
        delete_samples(connection, "list_contains($runs::varchar[], run_id)", chosen)
        for table in tables:
            connection.execute(_DELETE.format(table=table), [list(run_ids)])
        connection.execute(_FORGET_MACHINES)
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(_REMEMBER, [list(run_ids), now])


def removed_runs(history: "History") -> set[str]:
    """Return the ids of the runs that were removed here."""
    return {run_id for (run_id,) in history.connection.execute(_REMOVED).fetchall()}
