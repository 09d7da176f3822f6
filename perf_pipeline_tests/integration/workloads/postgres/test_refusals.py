"""What the database workloads refuse before any load, in words and without passwords."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq
from psycopg.conninfo import make_conninfo

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.postgres import given_postgres
from perf_pipeline.workloads.postgres.users import SelectUsers, UpdateUsers
from perf_pipeline_tests.support.loads.workload_bench import opened, scratch_database


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Give a database of its own with the reference system's tables."""
    with scratch_database(postgres_dsn, "test_refusals") as own:
        yield own


def test_too_few_connections_are_told_before_the_load(dsn: str) -> None:
    async def body() -> None:
        limited = make_conninfo(dsn, user="one_connection", password="hunter2")
        with pytest.raises(TargetUnavailableError, match="too many connections") as caught:
            async with opened(SelectUsers(), {}, secrets={"postgres_dsn": limited}, vus=3):
                pass
        assert "hunter2" not in str(caught.value)

    role = "create role one_connection login password 'hunter2' connection limit 1"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("drop role if exists one_connection")
        connection.execute(role.encode())
        connection.execute("grant select on users to one_connection")
    try:
        asyncio.run(body())
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("drop owned by one_connection")
            connection.execute("drop role one_connection")


def test_a_statement_that_does_not_fit_the_tables_is_told_before_the_load(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("drop table users cascade")

    async def body() -> None:
        with pytest.raises(TargetUnavailableError, match="has no table `users`"):
            async with opened(SelectUsers(), {}, secrets={"postgres_dsn": dsn}):
                pass

    asyncio.run(body())


def test_a_worker_without_ids_is_told_before_the_load(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("1\n", encoding="utf-8")

    async def body() -> None:
        with pytest.raises(TargetUnavailableError, match=r"ids.txt has 1 ids, too few for 2 work"):
            async with opened(
                UpdateUsers(),
                {"ids_file": str(path)},
                secrets={"postgres_dsn": ""},
                worker=1,
                workers=2,
            ):
                pass

    asyncio.run(body())


def test_psycopg_without_its_c_parts_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pq, "__impl__", "python")

    async def body() -> None:
        with pytest.raises(TargetUnavailableError, match="without its C parts"):
            async with opened(SelectUsers(), {}, secrets={"postgres_dsn": dsn}):
                pass

    asyncio.run(body())


def test_a_server_without_tls_that_is_asked_for_it_is_told_with_what_to_change(dsn: str) -> None:
    with pytest.raises(TargetUnavailableError, match="does not support SSL") as caught:
        given_postgres(make_conninfo(dsn, sslmode="require")).describe()

    assert "the server does not speak TLS; leave sslmode out of the DSN" in caught.value.hint


def test_tls_that_begins_at_once_is_told_apart_from_a_server_that_is_down() -> None:
    # RFC 8446, 5.1: a TLS record of an alert, where PostgreSQL would answer S or N.
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_alert, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        with pytest.raises(TargetUnavailableError, match="SSL negotiation") as caught:
            given_postgres(f"host=127.0.0.1 port={port} user=u dbname=d").describe()

    assert "sslnegotiation=direct" in caught.value.hint


def _alert(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(64)
                connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
