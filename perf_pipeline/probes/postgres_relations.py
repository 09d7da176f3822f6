"""Read the largest tables of a database: the size of table and indexes, dead rows, bytes per row.

Sizes are those of the files. The numbers of rows are estimates that PostgreSQL keeps for autovacuum
(pg_stat_user_tables) and publishes up to a second after a transaction. To measure bloat exactly
(pgstattuple), every page would have to be read, which would load the database that is measured.

Add here: another figure of a table. Keep out: gauges of the server (postgres.py), and anything that
reads whole tables.
"""

from collections.abc import Collection
from typing import Final

import psycopg

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.postgres import ProbeConnection, connect, sentence_of
from perf_pipeline.probes.probe import ProbeError

MOST_TABLES: Final = 10
_LEAST_ROWS: Final = 1_000
_LARGEST: Final = """
select relid from pg_stat_user_tables
order by (schemaname || '.' || relname = any(%s)) desc, pg_total_relation_size(relid) desc, relid
limit %s
"""
_NAMES: Final = """
select schemaname || '.' || relname as name from pg_stat_user_tables
order by pg_total_relation_size(relid) desc, relid
"""
# A dropped table has no row, and just before that its size is null.
_READ: Final = """
select schemaname || '.' || relname as name, pg_table_size(relid) as table_bytes,
    pg_indexes_size(relid) as index_bytes, n_dead_tup as dead, n_live_tup as live
from pg_stat_user_tables where relid = any(%s)
"""


def tables_of(dsn: str) -> list[str]:
    """Return all tables except system tables, as `schema.table`, the largest first.

    Raises:
        ProbeError: the database does not answer.
    """
    connection = connect(dsn)
    try:
        return [str(row["name"]) for row in connection.execute(_NAMES).fetchall()]
    except psycopg.Error as error:
        raise ProbeError(sentence_of(error, dsn)) from None
    finally:
        connection.close()


class RelationsProbe:
    """Read the ten tables that were largest at the beginning; the source is `schema.table`.

    Args:
        dsn: the DSN of the measured database; it is never shown in a reading or a sentence.
        named: tables, as `schema.table`, that are read whatever their size.
    """

    name = "relations"

    def __init__(self, dsn: str, named: Collection[str] = ()) -> None:
        self._dsn = dsn
        self._named = sorted(set(named))
        self._connection: ProbeConnection | None = None
        self._tables: list[int] = []

    def open(self) -> None:
        """Connect, and choose the tables, which stay the same when it connects again.

        Raises:
            ProbeError: no connection within ANSWER_WITHIN_S, or no answer.
        """
        self._connection = connect(self._dsn)
        try:
            if not self._tables:
                most = MOST_TABLES + len(self._named)
                rows = self._connection.execute(_LARGEST, [self._named, most]).fetchall()
                self._tables = [row["relid"] for row in rows]
        except psycopg.Error as error:
            raise ProbeError(sentence_of(error, self._dsn)) from None

    def read(self, at_us: int) -> list[Reading]:
        """Return the current readings; a table that is gone has none.

        Raises:
            ProbeError: no answer within ANSWER_WITHIN_S.
        """
        if self._connection is None:
            raise ProbeError("the probe of PostgreSQL's tables is not open")
        try:
            rows = self._connection.execute(_READ, [self._tables]).fetchall()
        except psycopg.Error as error:
            raise ProbeError(sentence_of(error, self._dsn)) from None
        readings: list[Reading] = []
        for row in rows:
            values = {
                "db_table_bytes": row["table_bytes"],
                "db_index_bytes": row["index_bytes"],
                "db_dead_rows": row["dead"],
            }
            if row["live"] >= _LEAST_ROWS and row["table_bytes"] is not None:
                whole = row["table_bytes"] + row["index_bytes"]
                values["db_bytes_per_row"] = whole / row["live"]
            readings += [
                Reading(at_us, row["name"], name, float(value))
                for name, value in values.items()
                if value is not None
            ]
        return readings

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
