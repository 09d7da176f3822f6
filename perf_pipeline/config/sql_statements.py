"""Configure a user's own SQL statements: a single one, or several in a transaction.

Add here: a key of a statement, with its meaning in docs/scenarios.md. Keep out: rules that span
several statements (sql_rules.py), and running them (workloads/postgres/).
"""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from perf_pipeline.config.data_sets import DataSet
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.http_steps import Name, PositiveDuration, VariableName, operation_of
from perf_pipeline.config.ranges import DurationRange
from perf_pipeline.config.templated import Made
from perf_pipeline.units import US_PER_S, format_duration

BEGIN: Final = "begin"
COMMIT: Final = "commit"
ROLLBACK: Final = "rollback"
MOST_RETRIES: Final = 1_000
_MOST_ROWS: Final = 2**63 - 1
_LONGEST: Final = 40  # the characters of two such numbers


def _read_rows(value: object) -> tuple[int, int]:
    if isinstance(value, tuple) and len(value) == 2:
        return value
    low, dots, high = (str(value) if not isinstance(value, bool) else "").partition("..")
    low, high = low.strip(), high.strip()
    if not (low + high).isdecimal() or not low or len(low + high) > _LONGEST:
        raise ValueError(
            f"{value!r} is not a number of rows; write one like 1, or a range like '1..10' or '1..'"
        )
    most = (int(high) if high else _MOST_ROWS) if dots else int(low)
    if int(low) > most:
        raise ValueError(f"{value!r} has the larger number first; write the smaller one first")
    if max(int(low), most) > _MOST_ROWS:
        raise ValueError(f"{value!r} is more rows than any answer has; write a smaller number")
    return int(low), most


def _write_rows(value: tuple[int, int]) -> int | str:
    low, high = value
    if low == high:
        return low
    return f"{low}.." if high == _MOST_ROWS else f"{low}..{high}"


RowRange = Annotated[
    tuple[int, int], BeforeValidator(_read_rows), PlainSerializer(_write_rows, when_used="json")
]


def _has_statements(given: tuple["SqlStatement", ...]) -> tuple["SqlStatement", ...]:
    if not given:
        raise ValueError("there are no statements; write at least one")
    return given


class SqlExpect(Frozen):
    """Describe the expected answer to a statement; each key is a separate check.

    Attributes:
        rows: how many rows the statement returns or changes, like `1`, `"1..10"` or `"1.."`; any
            other number also fails the statement.
        duration_us: the answer must be complete in less time than this; more than 0s.
    """

    rows: RowRange | None = None
    duration_us: PositiveDuration | None = Field(default=None, alias="duration")


class SqlStatement(Frozen):
    """Describe one statement; its text may hold variables like `${vu}`, whose values are bound.

    Attributes:
        name: the name of the operation in every report; that of the transaction precedes it.
        sql: the statement.
        expect: the expected answer.
        save: variable -> column of the first row; each is a check. If there is no row or no value,
            the iteration ends, because later statements need it.
        think_time_us: pause after the statement; of a range, drawn uniformly.
        timeout_us: replaces the scenario's timeout; more than 0s.
    """

    name: Name
    sql: str
    expect: SqlExpect = SqlExpect()
    save: dict[VariableName, str] = Field(default_factory=dict)
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    timeout_us: PositiveDuration | None = Field(default=None, alias="timeout")

    @property
    def checks(self) -> tuple[str, ...]:
        """Return the names of its checks in order: rows, duration, saved values."""
        expect = self.expect
        rows = "" if expect.rows is None else f"rows are {_write_rows(expect.rows)}"
        return (
            *((rows,) if rows else ()),
            *((f"duration < {format_duration(expect.duration_us)}",) if expect.duration_us else ()),
            *(f"saved {name}" for name in self.save),
        )


class SqlParameters(Frozen):
    """List the statements of one iteration; each VU has its own connection to PostgreSQL.

    Attributes:
        statements: the statements in order; at least one.
        transaction: the name of the transaction that the statements form, from begin to commit;
            without it each statement is its own transaction, and no `begin` is sent.
        isolation: the isolation level of the transaction; by default the server's.
        retries: how often a transaction (or a statement that is one) is tried again, with the same
            values, after a serialization failure or a deadlock; only the last failure counts.
        prepared: prepare each statement once on each connection; with `false` it is parsed each
            time, which a connection pooler such as PgBouncer may need.
        timeout_us: the longest time of a statement; then it is cancelled on the server.
        think_time_us: pause after each iteration; of a range, drawn uniformly.
        data: test data by name, for `${data.NAME.COLUMN}`.
    """

    statements: Annotated[tuple[SqlStatement, ...], AfterValidator(_has_statements)] = Field(
        strict=False
    )
    transaction: Name | None = None
    isolation: Literal["read committed", "repeatable read", "serializable"] | None = None
    retries: int = Field(default=0, ge=0, le=MOST_RETRIES)
    prepared: bool = True
    timeout_us: Duration = Field(default=10 * US_PER_S, alias="timeout", gt=0)
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    data: dict[VariableName, DataSet] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _isolation_has_a_transaction(self) -> Self:
        if self.isolation is not None and self.transaction is None:
            raise ValueError(
                'has isolation but no transaction; write transaction = "its name" beside it'
            )
        return self

    @property
    def operations(self) -> tuple[Made, ...]:
        """Return the statements with their checks; a transaction adds its ends, and itself."""
        of_statements = tuple(
            Made(
                f"statements[{number}]",
                operation_of(statement.name, self.transaction),
                statement.checks,
            )
            for number, statement in enumerate(self.statements)
        )
        if self.transaction is None:
            return of_statements
        controls = (BEGIN, COMMIT, ROLLBACK)
        return (
            *of_statements,
            *(
                Made("transaction", operation_of(control, self.transaction), ())
                for control in controls
            ),
            Made("transaction", self.transaction, ()),
        )

    @property
    def templates(self) -> tuple[object, ...]:
        """Return the texts of the statements."""
        return tuple(statement.sql for statement in self.statements)

    @property
    def header_templates(self) -> tuple[object, ...]:
        """Return nothing, because SQL has no headers."""
        return ()
