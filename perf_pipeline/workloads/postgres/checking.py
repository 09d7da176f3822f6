"""Let the server parse a profile's statements before any load; none of them is run.

Add here: another thing that only the server knows of a statement. Keep out: where statements stand
in a profile (loading/own_database.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import pq

from perf_pipeline.workloads.postgres.bounded import bounded_connection
from perf_pipeline.workloads.postgres.errors import refused
from perf_pipeline.workloads.postgres.exchange import GOOD

_APPLICATION: Final = "perf_pipeline check"
_MOST_SHOWN: Final = 80
# The target lacks a table, schema, function or type, or the role lacks a privilege.
_OF_THE_TARGET: Final = frozenset({"42P01", "3F000", "42883", "42704", "42501"})


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """Hold a statement that the server parses.

    Attributes:
        place: where it is in the profile.
        text: the text of the statement, its values as `$1`, `$2` ...
        columns: that its answer must have.
    """

    place: str
    text: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say why a statement can't be run.

    Attributes:
        sentence: begins with its place.
        is_of_the_target: the target has not what it names, or its role may not; else the statement
            is wrong.
    """

    sentence: str
    is_of_the_target: bool


def refusals_of(dsn: str, statements: Sequence[CheckedStatement]) -> list[Refusal]:
    """Have each statement parsed, and give those that the server refuses.

    Raises:
        TargetUnavailableError: the server can't be asked.
    """
    try:
        with bounded_connection(dsn, _APPLICATION) as connection:
            return [found for statement in statements for found in _refusals(connection, statement)]
    except psycopg.Error as error:
        raise refused(dsn, error) from None


def _refusals(connection: psycopg.Connection, asked: CheckedStatement) -> Iterator[Refusal]:
    server, name = connection.pgconn, b""
    result = server.prepare(name, asked.text.encode())
    if result.status not in GOOD:
        yield _refusal(asked, psycopg.errors.error_from_result(result))
        return
    described = server.describe_prepared(name)
    there = [(described.fname(at) or b"").decode() for at in range(described.nfields)]
    for column in asked.columns:
        if column not in there:
            yield Refusal(
                f"{asked.place}: has no column {column!r}; its columns are "
                f"{', '.join(there) or 'none'}",
                is_of_the_target=False,
            )


def _refusal(asked: CheckedStatement, error: psycopg.Error) -> Refusal:
    said = error.diag.message_primary or str(error)
    hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
    where = _line_of(asked.text, error.diag.statement_position)
    return Refusal(
        f"{asked.place}: PostgreSQL says {said}{hint}{where}",
        is_of_the_target=error.sqlstate in _OF_THE_TARGET,
    )


def _line_of(text: str, position: str | None) -> str:
    r"""Show the line that an error is in; positions count characters from 1.

    >>> _line_of("select 1\nform t", "10")
    ', in line 2: form t'
    """
    if not position or not position.isdecimal():
        return ""
    before = text[: int(position) - 1]
    number = before.count("\n") + 1
    line = text.split("\n")[number - 1].strip()
    shown = line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}..."
    return f", in line {number}: {shown}"


def rows_of_query(
    dsn: str, query: str, most_rows: int
) -> tuple[tuple[str, ...], Iterable[tuple[str | None, ...]]]:
    """Run a query once and give its columns, and its rows as PostgreSQL's texts.

    Raises:
        TargetUnavailableError: the server refuses it.
    """
    try:
        with bounded_connection(dsn, _APPLICATION) as connection:
            connection.execute("begin read only")
            result = connection.pgconn.exec_params(query.encode(), None)
            if result.status not in GOOD:
                raise psycopg.errors.error_from_result(result)
            columns = tuple((result.fname(at) or b"").decode() for at in range(result.nfields))
            rows = [_row(result, row) for row in range(min(result.ntuples, most_rows))]
            return columns, rows
    except psycopg.Error as error:
        raise refused(dsn, error) from None


def _row(result: pq.abc.PGresult, row: int) -> tuple[str | None, ...]:
    values = (result.get_value(row, column) for column in range(result.nfields))
    return tuple(None if value is None else value.decode() for value in values)
