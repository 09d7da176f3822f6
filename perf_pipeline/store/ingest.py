"""Move one benchmark of a spooled run into the history, in one transaction.

Add here: a table that is filled from the spool. Keep out: figures that are worked out from these
tables (statistics.py).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.errors import SpoolDamagedError
from perf_pipeline.store.access import told_plainly
from perf_pipeline.store.begun_run import utc_timestamp, write_run
from perf_pipeline.store.censoring import mark_stored
from perf_pipeline.store.check_rows import write_checks
from perf_pipeline.store.engines import is_large, use_all_threads
from perf_pipeline.store.former import (
    former_benchmark,
    lost_rows,
    readable_samples,
    stored_rows,
    uncounted,
)
from perf_pipeline.store.names import fold_names, wanted_names
from perf_pipeline.store.proof import is_sealed, seal
from perf_pipeline.store.records import OF_KEY, BenchmarkOutcome, Ingested, RunKey
from perf_pipeline.store.sample_tables import SAMPLE_TABLES, delete_samples, load_samples
from perf_pipeline.store.spool_csv import SpoolFiles, spool_files
from perf_pipeline.store.spool_kinds import KINDS
from perf_pipeline.store.spool_manifest import OUTCOME_FILE, check_spool
from perf_pipeline.store.spool_records import read_outcome, read_spooled_run

KEYED_TABLES: Final = (
    "benchmarks", "scenarios", "sample_rows", "sample_kinds", "iterations", "checks", "readings",
    "figures", "reported_figures", "ledger", "summaries", "histograms", "verdicts", "diffs",
    "lineage", "slow_traces", "costs", "faults", "capacity_windows", "growth", "scaling_points",
)  # fmt: skip
_INSERT_BENCHMARK: Final = """
insert into benchmarks (run_id, benchmark, status, began_at, wall_s, measured_s, valid,
    invalid_reasons, health, load_hash, problems, torn_lines, raw_kept, ingested_at, damage)
values (?, ?, ?, ?, ?, ?, ?, ?::varchar[], map(?::varchar[], ?::double[]), ?, ?::varchar[], ?,
    true, ?, ?::varchar[])
"""
_ADD_PROBLEMS: Final = """
update benchmarks set problems = list_concat(problems, ?::varchar[])
where run_id = ? and benchmark = ?
"""
_INSERT_SCENARIO: Final = """
insert into scenarios (run_id, benchmark, scenario, iterations, dropped_iterations,
    interrupted_iterations, intended_iterations, measured_from_us, measured_until_us,
    invalid_reasons, incomplete_iterations)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?::varchar[], ?)
"""
# Nobody counted the starts of a benchmark that was cut off; its rows tell what ran. Iterations were
# not always written down, and then samples stand for them, also for those under way.
_DERIVE_SCENARIOS: Final = f"""
insert into scenarios (run_id, benchmark, scenario, iterations, measured_from_us, measured_until_us)
select $run_id, $benchmark, scenario, coalesce(ended, begun), from_us, until_us
from (
    select scenario, count(distinct (vu, iteration)) as begun, min(intended_us) as from_us,
        max(ended_us) as until_us
    from samples where {OF_KEY} and phase = 'measured'
    group by scenario
) left join (
    select scenario, count(*) filter (where outcome <> 'interrupted') as ended
    from iterations where {OF_KEY} and phase = 'measured'
    group by scenario
) using (scenario)
"""
_DERIVE_SECONDS: Final = f"""
update benchmarks set wall_s = spans.wall_us / 1e6, measured_s = spans.measured_us / 1e6
from (
    select max(ended_us) as wall_us,
        max(ended_us) filter (where phase = 'measured')
        - min(intended_us) filter (where phase = 'measured') as measured_us
    from samples where {OF_KEY}
) as spans
where {OF_KEY}
"""


def ingest_benchmark(
    connection: duckdb.DuckDBPyConnection, spool_run: Path, benchmark: str
) -> Ingested:
    """Store a spooled benchmark; it replaces what the history has of it, unless that is better.

    A damaged benchmark is stored as invalid, with its damage as the reason.

    Raises:
        SpoolDamagedError: the folder is missing, or a file in it is of another version.
    """
    folder = _folder_of(spool_run, benchmark)
    if is_large(folder):
        use_all_threads(connection)
    run = read_spooled_run(spool_run)
    key = RunKey(run.record.run_id, benchmark)
    check = check_spool(folder, run_is_sealed=run.is_sealed)
    outcome = None if OUTCOME_FILE in check.left_out else read_outcome(folder)
    with ExitStack() as stack, transaction(connection), told_plainly(folder):
        found = {
            kind: stack.enter_context(spool_files(folder, kind, check.left_out)) for kind in KINDS
        }
        former = former_benchmark(connection, key)
        damage = dict.fromkeys([*check.damage, *lost_rows(found.values())])
        readable = readable_samples(found["samples"])
        if former is not None and (why := former.is_better_than(outcome, damage, readable)):
            return former.kept(why)
        unfilled = _unfilled(found)
        _delete(connection, key, unfilled if former is None else ())
        write_run(connection, run.record)
        torn_lines = sum(load_rows(connection, key, kind, files) for kind, files in found.items())
        mark_stored(connection, key)
        damage |= dict.fromkeys(uncounted(connection, key, outcome))
        _write_benchmark(connection, key, outcome, torn_lines, tuple(damage))
        write_checks(connection, key, outcome)
        folded = fold_names(connection, key, wanted_names(run.record.profile_json, benchmark))
        if folded:
            connection.execute(_ADD_PROBLEMS, [folded, key.run_id, key.benchmark])
        seal(connection, [key], KEYED_TABLES, empty=unfilled)
        return Ingested(
            *stored_rows(connection, key),
            torn_lines,
            damage=tuple(damage),
            is_proven=check.is_proven,
            notices=tuple(folded),
        )


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what is done inside, or nothing of it."""
    connection.begin()
    try:
        yield
    except BaseException:
        # A connection that the error killed has nothing to roll back; the first error is the one
        # to tell.
        with suppress(duckdb.Error):
            connection.rollback()
        raise
    connection.commit()


def _folder_of(spool_run: Path, benchmark: str) -> Path:
    folder = spool_run / benchmark
    if not folder.is_dir():
        raise SpoolDamagedError(
            f"{folder} does not exist; there is nothing to ingest",
            hint=f"benchmarks of this run: {_folders(spool_run)}",
        )
    return folder


def _folders(spool_run: Path) -> str:
    if not spool_run.is_dir():
        return f"none ({spool_run} does not exist)"
    return (
        ", ".join(sorted(entry.name for entry in spool_run.iterdir() if entry.is_dir())) or "none"
    )


def _delete(connection: duckdb.DuckDBPyConnection, key: RunKey, but: Collection[str]) -> None:
    left = () if is_sealed(connection, key) else but
    if not {*SAMPLE_TABLES} <= {*left}:
        delete_samples(connection, OF_KEY, key.parameters)
    for table in (table for table in KEYED_TABLES if table not in {*left, *SAMPLE_TABLES}):
        connection.execute(
            f"delete from {table} where run_id = ? and benchmark = ?", [key.run_id, key.benchmark]
        )


def load_rows(
    connection: duckdb.DuckDBPyConnection, key: RunKey, table: str, found: SpoolFiles
) -> int:
    """Add the rows of spool files to their table; return the number of lines that can't be read."""
    if not (found.paths or found.binary):  # of most kinds a benchmark has none
        return found.torn_lines
    if table == "samples":
        return load_samples(connection, key, found)
    names = ", ".join(found.kind.columns)
    extra_column, extra_value = ("", "")
    if table == "figures":
        extra_column, extra_value = ", position", ", row_number() over ()"
    statement = (
        f"insert into {table} (run_id, benchmark, {names}{extra_column}) "
        f"select ?, ?, {names}{extra_value} from {{rows}}"
    )
    return found.load(connection, statement, [key.run_id, key.benchmark])


def _write_benchmark(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    outcome: BenchmarkOutcome | None,
    torn_lines: int,
    damage: Sequence[str],
) -> None:
    cut_off = BenchmarkOutcome(
        key.benchmark, "aborted", "", 0.0, 0.0, valid=False, invalid_reasons=["it was cut off"]
    )
    told = outcome or cut_off
    reasons = [*told.invalid_reasons, *(f"its spool is damaged: {loss}" for loss in damage)]
    connection.execute(
        _INSERT_BENCHMARK,
        [
            key.run_id,
            key.benchmark,
            told.status,
            utc_timestamp(told.began_at),
            told.wall_s,
            told.measured_s,
            told.valid and not damage,
            reasons,
            list(told.health),
            list(told.health.values()),
            told.load_hash,
            list(told.problems),
            torn_lines,
            datetime.now(UTC).replace(tzinfo=None),
            list(damage),
        ],
    )
    if outcome is None:
        connection.execute(_DERIVE_SCENARIOS, key.parameters)
        connection.execute(_DERIVE_SECONDS, key.parameters)
    else:
        _write_scenarios(connection, key, outcome)


def _write_scenarios(
    connection: duckdb.DuckDBPyConnection, key: RunKey, outcome: BenchmarkOutcome
) -> None:
    for counts in outcome.scenarios:
        row = astuple(replace(counts, invalid_reasons=list(counts.invalid_reasons)))
        connection.execute(_INSERT_SCENARIO, [key.run_id, key.benchmark, *row])


def _unfilled(found: Mapping[str, SpoolFiles]) -> set[str]:
    """Name the tables of which an ingest writes no row: of other kinds, or worked out later."""
    filled = {kind for kind, files in found.items() if files.paths or files.binary}
    if "samples" in filled:
        filled |= {*SAMPLE_TABLES}
    return {*KEYED_TABLES} - filled - {"benchmarks", "scenarios", "checks"}
