"""Find where PostgreSQL spends its time under load: what its sessions wait for, and statements.

Sessions are sampled ten times a second, as by Oracle's ASH and pg_wait_sampling: a state that is
seen in some share of the samples took that share of the sessions' time. Statements come from
pg_stat_statements, with calls and exact times, or else from the same samples.

Add here: another fact that sessions show about themselves. Keep out: gauges (postgres.py), and what
the costs mean (analysis/costs.py).
"""

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

import psycopg
from psycopg import sql

from perf_pipeline.metrics.cost import Cost
from perf_pipeline.probes.postgres import (
    APPLICATION,
    SCHEMA_OF_STATEMENTS,
    ProbeConnection,
    connect,
    sentence_of,
)
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.secrecy.known import KNOWN

DATABASE: Final = "database"
WAIT: Final = "wait"
STATEMENT: Final = "statement"
ON_CPU: Final = "CPU"
_PERIOD_S: Final = 0.1
_MOST_KEPT: Final = 20
_LONGEST_NAME: Final = 200
_END_S: Final = 5.0
# A session that waits for its client does not count as working. The role of the DSN sees the state
# of its own sessions; sessions of others have no visible state, and are skipped.
_LOOK: Final = """
select coalesce(wait_event_type || ': ' || wait_event, %(on_cpu)s) as wait, query
from pg_stat_activity
where datname = current_database() and state = 'active' and application_name <> %(ours)s
    and coalesce(backend_type, 'client backend') in ('client backend', 'parallel worker')
"""
_COUNTS: Final = """
select queryid, sum(calls)::bigint as calls, sum(total_exec_time)::float8 as total_ms
from {schema}.pg_stat_statements(false)
where toplevel and queryid is not null
    and dbid = (select oid from pg_database where datname = current_database())
group by queryid
"""
_TEXTS: Final = """
select queryid, min(query) as query from {schema}.pg_stat_statements(true)
where queryid = any(%s) group by queryid
"""
_OURS: Final = ("pg_stat_activity", "pg_stat_statements", "pg_stat_database")
_VALUE_OR_COMMENT: Final = re.compile(
    r"(?P<comment>/\*.*?\*/|--[^\n]*)"
    r"|'(?:[^']|'')*'"  # a text
    r"|\$\d+"  # a parameter
    r"|(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?\b",  # a number
    re.IGNORECASE | re.DOTALL,
)
_REPEATED: Final = re.compile(r"\?(?:\s*,\s*\?)+")
_ROWS: Final = re.compile(r"\(\?(?:, \.\.\.)?\)(?:\s*,\s*\(\?(?:, \.\.\.)?\))+")


def without_values(query: str) -> str:
    """Write a statement on one line, with ? in place of values, so that equal ones look equal.

    >>> without_values("select *  from users where id in (1, 2,3) and name = 'O''Hara' -- why")
    'select * from users where id in (?, ...) and name = ?'
    >>> without_values("insert into t (a, b2) values ($1, $2), ($3, $4)")
    'insert into t (a, b2) values (?, ...), ...'
    """
    marked = _VALUE_OR_COMMENT.sub(lambda found: " " if found["comment"] else "?", query)
    line = " ".join(marked.split())
    plain = _ROWS.sub("(?, ...), ...", _REPEATED.sub("?, ...", line))
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 4]} ..."


class PostgresCosts:
    """Watch a database's sessions and statements from `start` to `stop`; it can start again.

    It never ends a load: anything it can't read becomes a sentence in `problems`.

    Args:
        dsn: the DSN of the measured database; it is never shown in a cost or a sentence.

    Attributes:
        problems: one sentence for each thing that could not be read.
    """

    def __init__(self, dsn: str) -> None:
        self.problems: list[str] = []
        self._dsn = dsn
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._waits: defaultdict[str, float] = defaultdict(float)
        self._seen: defaultdict[str, float] = defaultdict(float)
        self._exact: defaultdict[str, float] = defaultdict(float)
        self._calls: Counter[str] = Counter()

    def start(self) -> None:
        """Start sampling; do nothing if it has already started."""
        if self._thread is None:
            self._over = threading.Event()
            self._thread = threading.Thread(
                target=self._watch, args=(self._over,), name="costs", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop sampling; do nothing if it has not started."""
        if self._thread is not None:
            self._over.set()
            self._thread.join(_END_S)
            if self._thread.is_alive():
                self.problems.append("what the database's time went into is not known to the end")
            self._thread = None

    def costs(self) -> list[Cost]:
        """Return the costs: at most 20 of each kind, the largest first."""
        return [
            Cost(DATABASE, kind, KNOWN.mask(name), seconds, calls[name])
            for kind, found, calls in (
                (WAIT, self._waits, Counter[str]()),
                (STATEMENT, self._exact or self._seen, self._calls),
            )
            for name, seconds in sorted(found.items(), key=lambda pair: -pair[1])[:_MOST_KEPT]
        ]

    def _watch(self, over: threading.Event) -> None:
        try:
            with connect(self._dsn) as connection:
                self._look_until(over, connection)
        except ProbeError as error:
            self.problems.append(_unknown(error.sentence))
        except psycopg.Error as error:
            self.problems.append(_unknown(sentence_of(error, self._dsn)))

    def _look_until(self, over: threading.Event, connection: ProbeConnection) -> None:
        statements = _Statements(connection)
        last_s = time.monotonic()
        while not over.wait(_PERIOD_S):
            rows = connection.execute(_LOOK, {"on_cpu": ON_CPU, "ours": APPLICATION}).fetchall()
            now_s = time.monotonic()
            for row in rows:
                self._waits[str(row["wait"])] += now_s - last_s
                self._seen[without_values(str(row["query"]))] += now_s - last_s
            last_s = now_s
        for name, calls, seconds in statements.grown():
            self._calls[name] += calls
            self._exact[name] += seconds


class _Statements:
    """Tell how much the counters of pg_stat_statements grew; nothing if it can't be read."""

    def __init__(self, connection: ProbeConnection) -> None:
        self._connection = connection
        row = connection.execute(SCHEMA_OF_STATEMENTS).fetchone()
        self._schema = sql.Identifier(row["schema"]) if row else None
        self._before = self._counts()

    def grown(self) -> Iterator[tuple[str, int, float]]:
        """Yield statement, calls, and seconds since the beginning."""
        grown = {
            query: (calls - before[0], total_ms - before[1])
            for query, (calls, total_ms) in self._counts().items()
            # A count gets smaller if the statement was evicted and came back.
            for before in [self._before.get(query, (0, 0.0))]
            if calls > before[0]
        }
        for query, text in self._texts(list(grown)):
            calls, total_ms = grown[query]
            if not any(name in text for name in _OURS):
                yield without_values(text), calls, total_ms / 1e3

    def _counts(self) -> dict[int, tuple[int, float]]:
        if self._schema is None:
            return {}
        statement = sql.SQL(_COUNTS).format(schema=self._schema)
        try:
            rows = self._connection.execute(statement).fetchall()
        except (psycopg.ProgrammingError, psycopg.errors.ObjectNotInPrerequisiteState):
            self._schema = None  # it is installed but not loaded, or we may not read its view
            return {}
        return {row["queryid"]: (row["calls"], row["total_ms"]) for row in rows}

    def _texts(self, queries: list[int]) -> Iterator[tuple[int, str]]:
        if self._schema is None or not queries:
            return
        statement = sql.SQL(_TEXTS).format(schema=self._schema)
        for row in self._connection.execute(statement, [queries]).fetchall():
            yield row["queryid"], str(row["query"])


def _unknown(why: str) -> str:
    return f"what the database's time went into is not known: {why}"
