"""Deliveries that a query of the target's author shows in its PostgreSQL.

Add here: another column that the query may have. Keep out: the reference system's own table
(deliveries.py), and load.
"""

from collections.abc import Collection
from typing import Any, Final

import psycopg
from psycopg import sql

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.completion import Completion
from perf_pipeline.workloads.postgres.bounded import bounded_connection
from perf_pipeline.workloads.postgres.errors import address, unavailable

_APPLICATION: Final = "perf_pipeline deliveries"
_IDS: Final = "%(ids)s"
_TIMESTAMPTZ: Final = 1184  # its type's OID, which never changes (pg_type.dat)
_WANTED: Final = ("id", "completed_at")
_ROWS: Final = """
select found.id::text, case when isfinite(found.completed_at)
    then (extract(epoch from found.completed_at) * 1000000)::bigint end
from (
{query}
) as found
"""
_NONE: Final = "select * from (\n{query}\n) as found limit 0"


class SqlDeliveries:
    """Read the deliveries with the profile's query, in a transaction that writes nothing.

    Args:
        dsn: the DSN of the target's database.
        query: gives `id` and `completed_at`.
        benchmark: for sentences.
    """

    def __init__(self, dsn: str, query: str, benchmark: str) -> None:
        self.oddities: list[str] = []
        self._dsn = dsn
        self._query = query.strip().rstrip(";")
        self._place = f"benchmarks.{benchmark}.deliveries.sql"

    def require(self) -> None:
        """See whether the query runs and has the columns.

        Raises:
            TargetUnavailableError: it does not, or the database does not answer.
        """
        try:
            columns = self._run(_NONE, ())[1]
        except (
            psycopg.ProgrammingError,
            psycopg.DataError,
            psycopg.errors.ReadOnlySqlTransaction,
        ) as error:
            raise TargetUnavailableError(
                f"{self._place} can't be run by PostgreSQL at {address(self._dsn)}: "
                f"{error.diag.message_primary or str(error).strip()}",
                hint="write a query with the columns id and completed_at",
            ) from None
        except psycopg.Error as error:
            raise unavailable(self._dsn, error) from None
        names = [name for name, _ in columns]
        if missing := [name for name in _WANTED if names.count(name) != 1]:
            raise TargetUnavailableError(
                f"{self._place} gives the columns {', '.join(names) or 'none'}; it needs "
                f"{' and '.join(missing)} once",
                hint="name them with `as id` and `as completed_at`",
            )
        if dict(columns)["completed_at"] != _TIMESTAMPTZ:
            raise TargetUnavailableError(
                f"{self._place} gives a completed_at without a time zone, so it is unknown "
                "which moment it means",
                hint="write completed_at at time zone 'UTC' as completed_at, or to_timestamp(…)",
            )

    def begin(self) -> None:
        """Do nothing: what was completed stays in the database."""

    def read(self, message_ids: Collection[str]) -> list[Completion]:
        """Give every row of the query; one without a time is not completed.

        Raises:
            TargetUnavailableError: the database does not answer, or refuses the query now.
        """
        try:
            rows, _ = self._run(_ROWS, message_ids)
        except psycopg.Error as error:
            raise unavailable(self._dsn, error) from None
        return [
            Completion(message_id, at_us)
            for message_id, at_us in rows
            if message_id is not None and at_us is not None
        ]

    def end(self) -> None:
        """Do nothing: each question had a connection of its own."""

    def _run(
        self, frame: str, ids: Collection[str]
    ) -> tuple[list[tuple[Any, ...]], list[tuple[str, int]]]:
        """Give the rows, and name and type of each column."""
        query = sql.SQL(frame).format(query=sql.SQL(self._query))  # the author's own SQL
        values = {"ids": list(ids)} if _IDS in self._query else None
        with bounded_connection(self._dsn, _APPLICATION, autocommit=False) as connection:
            connection.read_only = True
            cursor = connection.execute(query, values)
            columns = [(column.name, column.type_code) for column in cursor.description or ()]
            return cursor.fetchall(), columns
