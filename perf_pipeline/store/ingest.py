"""Move one benchmark of a spooled run into the history, in one transaction.

Add here: a table that is filled from the spool. Keep out: figures that are worked out from these
tables (statistics.py).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.store.records import (
    BenchmarkOutcome,
    Ingested,
    RunKey,
    RunRecord,
)
from perf_pipeline.store.spool_csv import KINDS, SpoolFiles, spool_files
from perf_pipeline.store.spool_records import read_outcome, read_run

KEYED_TABLES: Final = (
    "benchmarks",
    "scenarios",
    "samples",
    "iterations",
    "checks",
    "readings",
    "figures",
    "ledger",
    "summaries",
    "histograms",
    "verdicts",
    "diffs",
    "lineage",
)
_UPSERT_ENVIRONMENT: Final = """
insert into environments (environment_id, facts)
values (?, map(?::varchar[], ?::varchar[])) on conflict do nothing
"""
_UPSERT_RUN: Final = """
insert or replace into runs (run_id, profile, profile_json, config_hash, seed, target,
    triggered_by, code_version, began_at, environment_id, notices)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::varchar[])
"""
_INSERT_BENCHMARK: Final = """
insert into benchmarks (run_id, benchmark, status, began_at, wall_s, measured_s, valid,
    invalid_reasons, health, load_hash, problems, torn_lines, raw_kept, ingested_at)
values (?, ?, ?, ?, ?, ?, ?, ?::varchar[], map(?::varchar[], ?::double[]), ?, ?::varchar[], ?,
    true, ?)
"""
_INSERT_SCENARIO: Final = """
insert into scenarios (run_id, benchmark, scenario, iterations, dropped_iterations,
    interrupted_iterations, intended_iterations, measured_from_us, measured_until_us,
    invalid_reasons)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?::varchar[])
"""
# Nobody counted the starts of a benchmark that was cut off; its rows tell what ran. Iterations were
# not always written down, and then samples stand for them, also for those under way.
_DERIVE_SCENARIOS: Final = """
insert into scenarios (run_id, benchmark, scenario, iterations, measured_from_us, measured_until_us)
select $run_id, $benchmark, scenario, coalesce(ended, begun), from_us, until_us
from (
    select scenario, count(distinct (vu, iteration)) as begun, min(intended_us) as from_us,
        max(ended_us) as until_us
    from samples where run_id = $run_id and benchmark = $benchmark and phase = 'measured'
    group by scenario
) left join (
    select scenario, count(*) filter (where outcome <> 'interrupted') as ended
    from iterations where run_id = $run_id and benchmark = $benchmark and phase = 'measured'
    group by scenario
) using (scenario)
"""
_DERIVE_SECONDS: Final = """
update benchmarks set wall_s = spans.wall_us / 1e6, measured_s = spans.measured_us / 1e6
from (
    select max(ended_us) as wall_us,
        max(ended_us) filter (where phase = 'measured')
        - min(intended_us) filter (where phase = 'measured') as measured_us
    from samples where run_id = $run_id and benchmark = $benchmark
) as spans
where run_id = $run_id and benchmark = $benchmark
"""
# Masks first grouped, then unfolded: a million samples have a handful of distinct masks.
_INSERT_CHECKS: Final = """
with masks as (
    select scenario, operation, checks_passed, checks_failed, count(*) as times
    from samples
    where run_id = $run_id and benchmark = $benchmark and phase = 'measured'
        and (checks_passed <> 0 or checks_failed <> 0)
    group by scenario, operation, checks_passed, checks_failed
),
bits as (
    select scenario, operation, bit,
        sum(times * ((checks_passed >> bit) & 1)) as passes,
        sum(times * ((checks_failed >> bit) & 1)) as fails
    from masks, (select unnest(range(63)) as bit)
    where ((checks_passed | checks_failed) >> bit) & 1 = 1
    group by scenario, operation, bit
),
names as (
    select unnest($operations::varchar[]) as operation, unnest($bits::bigint[]) as bit,
        unnest($names::varchar[]) as check_name
)
insert into checks (run_id, benchmark, scenario, operation, check_name, passes, fails)
select $run_id, $benchmark, scenario, operation, coalesce(check_name, 'check ' || bit) as label,
    sum(passes), sum(fails)
from bits left join names using (operation, bit)
group by scenario, operation, label
"""


def ingest_benchmark(
    connection: duckdb.DuckDBPyConnection, spool_run: Path, benchmark: str
) -> Ingested:
    """Store a spooled benchmark; what the history had of it before is replaced.

    Raises:
        PerfPipelineError: the folder is missing, or a file in it is of another version.
    """
    folder = spool_run / benchmark
    if not folder.is_dir():
        raise PerfPipelineError(
            f"{folder} does not exist; there is nothing to ingest",
            hint=f"benchmarks of this run: {_folders(spool_run)}",
        )
    run, outcome = read_run(spool_run), read_outcome(folder)
    key = RunKey(run.run_id, benchmark)
    with ExitStack() as stack, transaction(connection):
        found = {kind: stack.enter_context(spool_files(folder, kind)) for kind in KINDS}
        _delete(connection, key)
        _write_run(connection, run)
        torn_lines = sum(_load(connection, key, kind, each) for kind, each in found.items())
        _write_benchmark(connection, key, outcome, torn_lines)
        _write_checks(connection, key, outcome)
        return Ingested(
            samples=_count(connection, key, "samples"),
            readings=_count(connection, key, "readings"),
            ledger=_count(connection, key, "ledger"),
            torn_lines=torn_lines,
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


def utc_timestamp(text: str) -> datetime | None:
    """Read ISO 8601 into the naive UTC timestamp that the tables hold; None for no text."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)


def _folders(spool_run: Path) -> str:
    if not spool_run.is_dir():
        return f"none ({spool_run} does not exist)"
    return ", ".join(sorted(each.name for each in spool_run.iterdir() if each.is_dir())) or "none"


def _delete(connection: duckdb.DuckDBPyConnection, key: RunKey) -> None:
    for table in KEYED_TABLES:
        connection.execute(
            f"delete from {table} where run_id = ? and benchmark = ?", [key.run_id, key.benchmark]
        )


def _write_run(connection: duckdb.DuckDBPyConnection, run: RunRecord) -> None:
    facts = run.environment
    connection.execute(_UPSERT_ENVIRONMENT, [run.environment_id, list(facts), [*facts.values()]])
    connection.execute(
        _UPSERT_RUN,
        [
            run.run_id,
            run.profile,
            run.profile_json,
            run.config_hash,
            run.seed,
            run.target,
            run.trigger,
            run.code_version,
            utc_timestamp(run.began_at),
            run.environment_id,
            list(run.notices),
        ],
    )


def _load(connection: duckdb.DuckDBPyConnection, key: RunKey, table: str, found: SpoolFiles) -> int:
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
) -> None:
    cut_off = BenchmarkOutcome(
        key.benchmark, "aborted", "", 0.0, 0.0, valid=False, invalid_reasons=["it was cut off"]
    )
    each = outcome or cut_off
    connection.execute(
        _INSERT_BENCHMARK,
        [
            key.run_id,
            key.benchmark,
            each.status,
            utc_timestamp(each.began_at),
            each.wall_s,
            each.measured_s,
            each.valid,
            list(each.invalid_reasons),
            list(each.health),
            list(each.health.values()),
            each.load_hash,
            list(each.problems),
            torn_lines,
            datetime.now(UTC).replace(tzinfo=None),
        ],
    )
    if outcome is None:
        identity = {"run_id": key.run_id, "benchmark": key.benchmark}
        connection.execute(_DERIVE_SCENARIOS, identity)
        connection.execute(_DERIVE_SECONDS, identity)
    else:
        _write_scenarios(connection, key, outcome)


def _write_scenarios(
    connection: duckdb.DuckDBPyConnection, key: RunKey, outcome: BenchmarkOutcome
) -> None:
    for counts in outcome.scenarios:
        connection.execute(
            _INSERT_SCENARIO,
            [key.run_id, key.benchmark, *astuple(counts)[:-1], list(counts.invalid_reasons)],
        )


def _write_checks(
    connection: duckdb.DuckDBPyConnection, key: RunKey, outcome: BenchmarkOutcome | None
) -> None:
    checks = outcome.checks if outcome else {}
    rows = [
        (operation, bit, name)
        for operation, names in checks.items()
        for bit, name in enumerate(names)
    ]
    operations, bits, names = zip(*rows, strict=True) if rows else ((), (), ())
    connection.execute(
        _INSERT_CHECKS,
        {
            "run_id": key.run_id,
            "benchmark": key.benchmark,
            "operations": list(operations),
            "bits": list(bits),
            "names": list(names),
        },
    )


def _count(connection: duckdb.DuckDBPyConnection, key: RunKey, table: str) -> int:
    row = connection.execute(
        f"select count(*) from {table} where run_id = ? and benchmark = ?",
        [key.run_id, key.benchmark],
    ).fetchone()
    return int(row[0]) if row else 0
