"""A new database for a test, dropped at its end.

Add here: nothing. Keep out: tables; each test's own, or those of workload_bench.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo


@contextmanager
def own_database(dsn: str, kind: str, encoding: str = "") -> Iterator[str]:
    """Give the DSN of a new database on a server, which is there until the block ends.

    Args:
        dsn: of any database on the server.
        kind: what its name begins with.
        encoding: of its texts, with locale C; without one, both are the server's own.
    """
    name = f"{kind}_{uuid4().hex}"
    quoted = sql.Identifier(name)
    made = sql.SQL("create database {}").format(quoted)
    if encoding:
        made += sql.SQL(" encoding {} locale 'C' template template0").format(encoding)
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute(made)
        try:
            yield make_conninfo(dsn, dbname=name)
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(quoted))
