"""Make statements of a PostgreSQL: its largest tables by their keys, and what takes most time.

Only reading statements are taken over, and each is parsed by the server before it is written.
Add here: another kind of statement. Keep out: writing files (project_files.py).
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from perf_pipeline.config.hosts import is_this_machine
from perf_pipeline.config.postgres_address import read_dsn
from perf_pipeline.errors import RequestError, TargetUnavailableError
from perf_pipeline.new_project.draft import Draft, DraftBenchmark, DraftStatement
from perf_pipeline.new_project.loads import FirstLoad
from perf_pipeline.new_project.names import operation_name
from perf_pipeline.new_project.secret_names import SecretVariables, variable_prefix
from perf_pipeline.secrecy.addresses import secrets_in
from perf_pipeline.secrecy.known import KNOWN

_TABLES: Final[LiteralString] = """
select c.relname, format('%I.%I', n.nspname, c.relname), a.attname,
       array(select array[attname::text, quote_ident(attname)] from pg_attribute
             where attrelid = c.oid and attnum > 0 and not attisdropped),
       c.relkind = 'r' and pg_relation_size(c.oid) = 0
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_index i on i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
where c.relkind in ('r', 'p') and not c.relispartition
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and has_table_privilege(c.oid, 'select')
order by pg_total_relation_size(c.oid) desc, n.nspname, c.relname
"""
_WHERE_TOP_IS: Final[LiteralString] = """
select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relname = 'pg_stat_statements' and has_table_privilege(c.oid, 'select')
"""
_TOP: Final[LiteralString] = """
select s.query from {} s join pg_database d on d.oid = s.dbid
where d.datname = current_database() and s.query ~* '^\\s*(select|insert|update|delete|with)\\y'
order by s.total_exec_time desc limit 200
"""
_MOST_TABLES: Final = 5
_MOST_STATEMENTS: Final = 10
_MOST_ROWS: Final = 1_000
_LONGEST_STATEMENT: Final = 2_000
_TIMEOUT_S: Final = 10
_CATALOG: Final = re.compile(r"\bpg_|\binformation_schema\b", re.IGNORECASE)
_MAY_CHANGE: Final = re.compile(
    r"\b(for\s+(no\s+key\s+)?(update|share|key)|into|nextval|setval)\b", re.IGNORECASE
)
_READS: Final = re.compile(r"\s*select\b.*\bfrom\b", re.IGNORECASE | re.DOTALL)
_COMPARED: Final = re.compile(r'(?:"?\w+"?\.)?"?(\w+)"?\s*(?:=|<=|>=|<|>)\s*\$(\d+)(?!\d)')
_BOUNDS: Final = re.compile(r"\b(limit|offset)\s+\$(\d+)(?!\d)", re.IGNORECASE)
_ROWS: Final = {"limit": 10, "offset": 0}
_PARAMETER: Final = re.compile(r"\$\d+")
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class SeenTable:
    """Hold a table.

    Attributes:
        name: without its schema.
        place: schema and name as a statement has them.
        key: the one column of its key; None for none.
        columns: name of each, and how a statement has it.
    """

    name: str
    place: str
    key: str | None
    columns: Mapping[str, str]

    def rows_of(self, column: str) -> str:
        """Give the query whose rows are values of a column."""
        value = self.columns[column]
        # The server quoted the names, and the statement is written, not run.
        return f"select {value} from {self.place} where {value} is not null limit {_MOST_ROWS}"  # noqa: S608


@dataclass(slots=True)
class ReadDatabase:
    """Collect the statements of a database.

    Attributes:
        connection: read-only.
        statements: in order.
        data: sets of values, by name, as a profile has them.
        left_out: what could not be taken over, one sentence each.
    """

    connection: "psycopg.Connection[tuple[Any, ...]]"
    statements: list[DraftStatement] = field(default_factory=list)
    data: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Take over what takes most time, and the largest tables by their keys."""
        found = self._rows(_TABLES)
        tables = [_table(*row) for *row, is_empty in found if not is_empty]
        empty = [row[0] for row in found if row[-1]]
        self.left_out += [f"table {name}: it is empty" for name in empty[:_MOST_TABLES]]
        for query in self._top():
            self._add_query(query, tables)
        for table in tables[:_MOST_TABLES]:
            self._add_table(table)

    def _top(self) -> list[str]:
        try:
            found = self._rows(_WHERE_TOP_IS)
            view = sql.Identifier(found[0][0] if found else "public", "pg_stat_statements")
            queries = [str(row[0]) for row in self._rows(sql.SQL(_TOP).format(view))]
        except psycopg.Error as error:  # it is not installed, or not preloaded
            said = str(error).partition("\n")[0]
            self.left_out.append(f"the statements that take most time: the server says: {said}")
            return []
        ours = [query for query in queries if not _CATALOG.search(query)]
        return ours[:_MOST_STATEMENTS]

    def _rows(self, query: LiteralString | sql.Composed) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def _add_query(self, query: str, tables: Sequence[SeenTable]) -> None:
        shown = " ".join(query.split())[:100]
        if not _READS.match(query) or _MAY_CHANGE.search(query):
            self.left_out.append(f"{shown}: it may change data")
            return
        if len(query) > _LONGEST_STATEMENT or "${" in query:
            self.left_out.append(f"{shown}: it is too long, or has a ${{ in it")
            return
        text, data = self._filled(query, tables)
        if _PARAMETER.search(text):
            self.left_out.append(f"{shown}: nobody knows values for all of its parameters")
            return
        self._add(f"top {len(self.statements) + 1}", text, data)

    def _filled(
        self, query: str, tables: Sequence[SeenTable]
    ) -> tuple[str, dict[str, dict[str, str]]]:
        """Give values to parameters that are compared with a column, or bound the rows."""
        text = _BOUNDS.sub(lambda found: f"{found[1]} {_ROWS[found[1].lower()]}", query)
        named = [table for table in tables if re.search(rf"\b{re.escape(table.name)}\b", query)]
        data: dict[str, dict[str, str]] = {}

        def value(found: re.Match[str]) -> str:
            for table in named:
                if found[1] in table.columns:
                    name, rows = self._data_set(table, found[1])
                    data[name] = rows
                    return f"{found[0][: found[0].rindex('$')]}${{data.{name}.{found[1]}}}"
            return found[0]

        return _COMPARED.sub(value, text), data

    def _data_set(self, table: SeenTable, column: str) -> tuple[str, dict[str, str]]:
        """Name the values of a column, apart from those of a table of that name elsewhere."""
        rows = table.rows_of(column)
        plain = re.sub(r"\W+", "_", f"{table.name}_{column}", flags=re.ASCII).strip("_")
        begin = plain if plain and not plain[0].isdigit() else f"t_{plain}"
        names = (begin, *(f"{begin}_{number}" for number in range(2, len(self._names) + 3)))
        free = (name for name in names if self._names.setdefault(name, rows) == rows)
        return next(free), {"query": rows}

    def _add_table(self, table: SeenTable) -> None:
        if table.key is None:
            self.left_out.append(f"table {table.name}: it has no key of one column")
            return
        name, data = self._data_set(table, table.key)
        found = f"{table.columns[table.key]} = ${{data.{name}.{table.key}}}"
        text = f"select * from {table.place} where {found}"  # noqa: S608 - as above
        self._add(f"{table.name} by {table.key}", text, {name: data})

    def _add(self, name: str, text: str, data: dict[str, dict[str, str]]) -> None:
        if why := self._refused(text):
            self.left_out.append(f"{' '.join(text.split())[:100]}: {why}")
            return
        taken = [statement.name for statement in self.statements]
        self.statements.append(DraftStatement(operation_name(name, taken), text))
        self.data |= data

    def _refused(self, text: str) -> str:
        """Let the server parse a statement, and run nothing."""
        numbers = iter(range(1, 1_000))
        bound = _VARIABLE.sub(lambda _: f"${next(numbers)}", text)
        try:
            self.connection.execute(sql.SQL("prepare perf_init as {}").format(_raw(bound)))
            self.connection.execute("deallocate perf_init")
        except psycopg.Error as error:
            return f"the server says: {str(error).partition(chr(10))[0]}"
        return ""


def draft_of_database(name: str, dsn: str, load: FirstLoad) -> Draft:
    """Read a database, and give what only reads it.

    Raises:
        RequestError: the DSN can't be read.
        TargetUnavailableError: the server does not answer, or refuses.
    """
    KNOWN.add_address(dsn)
    try:
        address = read_dsn(dsn, os.environ, ())
    except ValueError as error:
        raise RequestError(f"the DSN of --postgres {error}") from None
    read = _read(address.text)
    secrets = SecretVariables(variable_prefix(name))
    variable = secrets.named("postgres_dsn", "the DSN of the PostgreSQL that is loaded")
    hosts = [place.host for place in address.places if not is_this_machine(place.host)]
    allowed = {"allowed": list(dict.fromkeys(hosts))} if hosts else {}
    return Draft(
        name=name,
        origin="the tables and statements of its PostgreSQL",
        question=load.question(),
        target={"postgresDsnEnv": variable, **allowed},
        benchmarks=(_benchmark(read, load),) if read.statements else (),
        secrets=secrets.found,
        left_out=tuple(read.left_out),
    )


def _read(dsn: str) -> ReadDatabase:
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=_TIMEOUT_S) as connection:
            connection.execute("set default_transaction_read_only = on")
            connection.execute("set statement_timeout = '10s'")
            database = ReadDatabase(connection)
            database.read()
            return database
    except psycopg.Error as error:
        KNOWN.add(*secrets_in(dsn))
        raise TargetUnavailableError(
            f"PostgreSQL did not answer as it should: {' '.join(str(error).split())}",
            hint="correct the DSN of --postgres, or start the server; nothing was written",
        ) from None


def _benchmark(read: ReadDatabase, load: FirstLoad) -> DraftBenchmark:
    used = " ".join(statement.sql for statement in read.statements)
    data = {name: rows for name, rows in read.data.items() if f"${{data.{name}." in used}
    return DraftBenchmark(
        name="queries",
        scenario="readers",
        exec="sql",
        load=load.executor(),
        parameters={"data": data} if data else {},
        statements=tuple(read.statements),
        thresholds={"db_query_failed": ["rate<0.01"], "db_query_duration": ["p(95)<100"]},
        description="Ask the database what takes most time, and rows by their keys.",
        remarks=(
            "Only reading statements; a function that one calls may still write, so look first.",
        ),
    )


def _table(name: str, place: str, key: str | None, columns: Sequence[tuple[str, str]]) -> SeenTable:
    return SeenTable(name, place, key, dict(columns))


def _raw(text: str) -> sql.SQL:
    """Take a statement as it is: the server parses it, and runs nothing of it."""
    return sql.SQL(text)
