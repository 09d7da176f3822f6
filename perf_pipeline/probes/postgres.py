"""Read PostgreSQL's own figures: connections, locks, deadlocks, temporary files, cache, WAL.

Add here: a gauge of the whole server or of the measured database. Keep out: queries of the system
under test or of a benchmark, and anything that needs a superuser.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import ANSWER_WITHIN_S, CounterGrowth, ProbeError, masked

T = TypeVar("T")
SOURCE: Final = "postgres"
APPLICATION: Final = "perf_pipeline_probe"
FACTS: Final = (
    "autovacuum",
    "checkpoint_timeout",
    "effective_cache_size",
    "fsync",
    "full_page_writes",
    "jit",
    "max_connections",
    "max_wal_size",
    "random_page_cost",
    "shared_buffers",
    "shared_preload_libraries",
    "synchronous_commit",
    "track_io_timing",
    "wal_level",
    "work_mem",
)
# A role without pg_read_all_stats can't see the type of a backend; then everything that is attached
# to a database counts as a client.
_READ: Final = """
select
  (select count(*) from pg_stat_activity
   where datid is not null and application_name is distinct from '{application}'
     and coalesce(backend_type, 'client backend') = 'client backend') as connections,
  current_setting('max_connections')::int as max_connections,
  (select count(*) from pg_locks where not granted) as locks_waiting,
  d.deadlocks, d.temp_bytes, d.blks_hit, d.blks_read,
  case when not pg_is_in_recovery()
    then pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint end as wal_bytes,
  s.calls, s.total_ms
from pg_stat_database d cross join lateral ({statements}) s
where d.datname = current_database()
"""
_NO_STATEMENTS: Final = "select null::float8 as calls, null::float8 as total_ms"
# Only top-level statements, since a function's time includes that of its statements, and not this
# query itself.
_STATEMENTS: Final = """
  select sum(calls)::float8 as calls, sum(total_exec_time)::float8 as total_ms
  from {schema}.pg_stat_statements(false)
  where toplevel and dbid = d.datid and queryid is distinct from
    (select query_id from pg_stat_activity where pid = pg_backend_pid())
"""
SCHEMA_OF_STATEMENTS: Final = """
select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
"""
_FACTS: Final = """
select name, current_setting(name) as value from pg_settings where name = any(%s) order by name
"""


class ProbeConnection(psycopg.Connection[DictRow]):
    """A connection that gives up when the server keeps it open without answering.

    statement_timeout would not help, because the server enforces it.
    """

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait as psycopg does, but not forever."""
        bound_s = 1.5 * ANSWER_WITHIN_S if timeout is None else timeout
        return super().wait(gen, interval=interval, timeout=bound_s)


class PostgresProbe:
    """Read gauges of the server and counters of one database, on a separate connection.

    Counters (deadlocks, temporary files, cache hits, WAL, statement time) count from the first
    `open`, even across a restart of the server. PostgreSQL publishes a backend's counters up to 1 s
    after its transaction, some only after 10 s or when it disconnects.

    Args:
        dsn: the DSN of the measured database; it is never shown in a reading or a sentence.

    Attributes:
        capabilities: one sentence per metric that this server or role does not provide.
    """

    name = SOURCE

    def __init__(self, dsn: str) -> None:
        self.capabilities: tuple[str, ...] = ()
        self._dsn = dsn
        self._connection: ProbeConnection | None = None
        self._query = sql.Composed([])
        self._grown = {
            name: CounterGrowth() for name in ("deadlocks", "temp_bytes", "blks_hit", "blks_read")
        }
        self._grown["wal_bytes"] = CounterGrowth()
        for name in ("calls", "total_ms"):
            self._grown[name] = CounterGrowth(restarts_at_zero=False)

    def open(self) -> None:
        """Connect, and read the first values of the counters.

        Raises:
            ProbeError: no connection within ANSWER_WITHIN_S.
        """
        self._connection = connect(self._dsn)
        try:
            self._query, self.capabilities = _choose_query(self._connection)
            self._grow(self._ask())
        except psycopg.Error as error:
            raise ProbeError(sentence_of(error, self._dsn)) from None

    def read(self, at_us: int) -> list[Reading]:
        """Return all gauges, which one statement reads.

        Raises:
            ProbeError: no answer within ANSWER_WITHIN_S.
        """
        try:
            row = self._ask()
        except psycopg.Error as error:
            raise ProbeError(sentence_of(error, self._dsn)) from None
        self._grow(row)
        values = {
            "db_connections": float(row["connections"]),
            "db_connections_ratio": row["connections"] / row["max_connections"],
            "db_locks_waiting": float(row["locks_waiting"]),
            **self._since_open(row),
        }
        return [Reading(at_us, SOURCE, name, value) for name, value in values.items()]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self) -> DictRow:
        if self._connection is None:
            raise ProbeError("the PostgreSQL probe is not open")
        row: DictRow | None = self._connection.execute(self._query).fetchone()
        if row is None:
            raise ProbeError("pg_stat_database has no row for this database")
        return row

    def _grow(self, row: Mapping[str, Any]) -> None:
        for name, tally in self._grown.items():
            if row[name] is not None:
                tally.add(float(row[name]))

    def _since_open(self, row: Mapping[str, Any]) -> dict[str, float]:
        total = {name: tally.total for name, tally in self._grown.items()}
        values = {"db_deadlocks": total["deadlocks"], "db_temp_bytes": total["temp_bytes"]}
        blocks = total["blks_hit"] + total["blks_read"]
        if blocks:
            values["db_cache_hit_ratio"] = total["blks_hit"] / blocks
        if row["wal_bytes"] is not None:
            values["db_wal_bytes"] = total["wal_bytes"]
        if total["calls"]:
            values["db_statement_mean_ms"] = total["total_ms"] / total["calls"]
        return values


def server_facts(dsn: str) -> dict[str, str]:
    """Return the server's version and the settings that matter for a measurement.

    Raises:
        ProbeError: the server does not answer.
    """
    connection = connect(dsn)
    try:
        rows = connection.execute(_FACTS, (list(FACTS),)).fetchall()
        version = str(connection.info.parameter_status("server_version"))
    except psycopg.Error as error:
        raise ProbeError(sentence_of(error, dsn)) from None
    finally:
        connection.close()
    return {"version": version, **{str(row["name"]): str(row["value"]) for row in rows}}


def connect(dsn: str) -> ProbeConnection:
    """Connect for a probe, with limits on how long everything may take.

    Raises:
        ProbeError: no connection within ANSWER_WITHIN_S, or the DSN can't be read.
    """
    try:
        # Statements are not prepared, since a pooler may give each one to another server process.
        # With SQL_ASCII psycopg would silently return bytes instead of texts.
        connection = ProbeConnection.connect(
            dsn,
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=None,
            connect_timeout=int(ANSWER_WITHIN_S),
            application_name=APPLICATION,
            client_encoding="UTF8",
        )
        connection.execute(f"set statement_timeout = {int(1_000 * ANSWER_WITHIN_S)}")
    except psycopg.ProgrammingError:
        # The error's text quotes the DSN.
        raise ProbeError(
            "the PostgreSQL DSN can't be read; write postgresql://host:port/database, with "
            "user:password@ in front of the host if the server asks for a password"
        ) from None
    except psycopg.Error as error:
        raise ProbeError(sentence_of(error, dsn)) from None
    return connection


def _choose_query(connection: ProbeConnection) -> tuple[sql.Composed, tuple[str, ...]]:
    """Return the statement that this server and role can answer, and what it lacks."""
    application = sql.SQL(APPLICATION)
    plain = sql.SQL(_READ).format(application=application, statements=sql.SQL(_NO_STATEMENTS))
    row = connection.execute(SCHEMA_OF_STATEMENTS).fetchone()
    if row is None:
        return plain, (_without_statements("the extension is not installed in this database"),)
    statements = sql.SQL(_STATEMENTS).format(schema=sql.Identifier(row["schema"]))
    full = sql.SQL(_READ).format(application=application, statements=statements)
    try:
        connection.execute(full)
    except (psycopg.ProgrammingError, psycopg.errors.ObjectNotInPrerequisiteState) as error:
        return plain, (_without_statements(masked(str(error), ())),)
    return full, ()


def _without_statements(why: str) -> str:
    return f"db_statement_mean_ms is not measured: pg_stat_statements: {why}"


def sentence_of(error: psycopg.Error, dsn: str) -> str:
    """Say that the server does not answer, and why, without showing secrets."""
    facts = conninfo_to_dict(dsn)
    secrets = (str(facts[key]) for key in ("password", "sslpassword") if facts.get(key))
    text = masked(str(error), secrets) or type(error).__name__
    return f"PostgreSQL does not answer: {text}"
