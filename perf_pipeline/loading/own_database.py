"""Check before a load that the target's PostgreSQL accepts a profile's statements; fetch rows.

Add here: another check of the database before own statements run. Keep out: the load
(workloads/postgres/).
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from perf_pipeline.config.own_files import columns_used
from perf_pipeline.config.own_scenarios import draws_from_query
from perf_pipeline.config.pgbench.parameters import PgbenchParameters
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.sql_statements import SqlParameters
from perf_pipeline.config.sql_text import bound
from perf_pipeline.config.templated import Templated
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.loading.seeding import require_postgres
from perf_pipeline.loading.session import Session
from perf_pipeline.workloads.postgres.checking import CheckedStatement, refusals_of, rows_of_query
from perf_pipeline.workloads.postgres.own_script import given_variables
from perf_pipeline.workloads.postgres.scripts import ready_scripts, texts_to_check

MOST_ROWS: Final = 1_000_000
"""Rows of one query beyond that are left out, because each worker keeps them in memory."""


def require_statements(session: Session, benchmark: str) -> None:
    """Let the server parse all statements of a benchmark without running them.

    Raises:
        ProfileError: a statement is wrong.
        TargetUnavailableError: the database does not answer, or lacks something that a statement
            names.
    """
    if asked := list(_asked(session.profile, benchmark)):
        _require(require_postgres(session), session.profile, asked)


def require_statements_at(dsn: str, profile: Profile, benchmark: str) -> None:
    """Let any server parse all statements of a benchmark without running them.

    Raises:
        ProfileError: a statement is wrong.
        TargetUnavailableError: the database does not answer, or lacks something that a statement
            names.
    """
    if asked := list(_asked(profile, benchmark)):
        _require(dsn, profile, asked)


def _require(dsn: str, profile: Profile, asked: Sequence[CheckedStatement]) -> None:
    refusals = refusals_of(dsn, asked)
    wrong = [refusal.sentence for refusal in refusals if not refusal.is_of_the_target]
    if wrong:
        raise ProfileError(profile.name, wrong)
    if refusals:
        raise TargetUnavailableError(
            "; ".join(refusal.sentence for refusal in refusals),
            hint="create what is missing (the target's migrations), grant it, or correct the DSN",
        )


def _asked(profile: Profile, benchmark: str) -> Iterator[CheckedStatement]:
    for name, scenario in profile.benchmarks[benchmark].scenarios.items():
        place = f"benchmarks.{benchmark}.scenarios.{name}.parameters"
        parameters = scenario.parameters
        if isinstance(parameters, Templated):
            for data, data_set in parameters.data.items():
                if data_set.query is not None:
                    columns = columns_used(parameters, data)
                    yield CheckedStatement(f"{place}.data.{data}.query", data_set.query, columns)
        if isinstance(parameters, PgbenchParameters):
            yield from _of_scripts(profile, parameters)
        if isinstance(parameters, SqlParameters):
            for number, statement in enumerate(parameters.statements):
                yield CheckedStatement(
                    f"{place}.statements[{number}].sql",
                    bound(statement.sql).text,
                    tuple(statement.save.values()),
                )


def _of_scripts(profile: Profile, parameters: PgbenchParameters) -> Iterator[CheckedStatement]:
    constants = given_variables(parameters, parameters.scale or 1, profile.seed)
    try:
        scripts = ready_scripts(parameters, Path(profile.folder), constants)
    except ValueError as error:
        raise ProfileError(profile.name, [str(error)]) from error
    for script in scripts:
        for line, text in texts_to_check(script, constants):
            yield CheckedStatement(f"script {script.name}, line {line}", text)


def query_files(session: Session, benchmark: str, scenario: str) -> dict[str, Path]:
    """Return the file of each data set of a scenario that comes from a query."""
    parameters = session.profile.benchmarks[benchmark].scenarios[scenario].parameters
    data = parameters.data if isinstance(parameters, Templated) else {}
    return {
        name: session.folder / f"data-{benchmark}-{scenario}-{name}.csv"
        for name, data_set in data.items()
        if data_set.query is not None
    }


def fetch_rows(session: Session, benchmark: str) -> None:
    """Run the queries of a benchmark's data sets, and write their rows for all workers.

    Raises:
        TargetUnavailableError: the server refuses a query, or a query gives no rows or a null
            value.
    """
    for name, scenario in session.profile.benchmarks[benchmark].scenarios.items():
        parameters = scenario.parameters
        for data, path in query_files(session, benchmark, name).items():
            assert isinstance(parameters, Templated)
            query = parameters.data[data].query or ""
            place = f"data.{data} of scenario {name}"
            _fetch(session, query, columns_used(parameters, data), place, path)


def fetch_rows_of_both(sides: Sequence[Session], benchmark: str) -> None:
    """Run a benchmark's queries for data sets on the baseline, for both sides of a comparison.

    The rows are written once, where both sides look for them, so that both get the same requests.

    Raises:
        TargetUnavailableError: the server refuses a query, or a query gives no rows or a null
            value.
    """
    if draws_from_query(sides[0].profile.benchmarks[benchmark]):
        sides[0].folder.mkdir(parents=True, exist_ok=True)
        fetch_rows(sides[0], benchmark)


def _fetch(session: Session, query: str, wanted: tuple[str, ...], place: str, path: Path) -> None:
    columns, found = rows_of_query(require_postgres(session), query, MOST_ROWS)
    rows = list(found)
    if not rows:
        raise TargetUnavailableError(
            f"{place}: its query gives no rows", hint="fill the table, or correct the query"
        )
    for number, row in enumerate(rows, 1):
        for column, value in zip(columns, row, strict=True):
            if value is None and column in wanted:
                raise TargetUnavailableError(
                    f"{place}: column {column!r} of row {number} is null",
                    hint=f"add `where {column} is not null` to its query",
                )
    if len(rows) == MOST_ROWS:
        session.say(f"{place}: only the first {MOST_ROWS:,} rows of its query are used")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(["" if value is None else value for value in row] for row in rows)
