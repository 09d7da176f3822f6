"""The PostgreSQL probe sees what was done on purpose, on a real server."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from select import select
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.probes.postgres import FACTS, PostgresProbe, server_facts
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline_tests.support.loads.own_database import own_database

# PostgreSQL publishes a backend's counters up to 10 s after its transaction.
PUBLISHED_WITHIN_S = 15.0


@contextmanager
def opened(dsn: str) -> Iterator[PostgresProbe]:
    probe = PostgresProbe(dsn)
    probe.open()
    try:
        yield probe
    finally:
        probe.close()


def look(probe: PostgresProbe) -> dict[str, float]:
    return {reading.name: reading.value for reading in probe.read(0)}


def until(probe: PostgresProbe, name: str, is_seen: Callable[[float], bool]) -> float:
    deadline = time.monotonic() + PUBLISHED_WITHIN_S
    # A ratio of nothing is not there yet.
    while not is_seen(value := look(probe).get(name, 0.0)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return value


@pytest.fixture
def table(postgres_dsn: str) -> Iterator[sql.Identifier]:
    name = sql.Identifier(f"probe_{uuid4().hex}")
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("create table {} (id int primary key, n int)").format(name))
        connection.execute(sql.SQL("insert into {} values (1, 0), (2, 0)").format(name))
    yield name
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop table {}").format(name))


def scalar(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_connections_that_were_opened_on_purpose_are_counted(postgres_dsn: str) -> None:
    with opened(postgres_dsn) as probe:
        before = look(probe)["db_connections"]
        with ExitStack() as stack:
            for _ in range(7):
                connection = stack.enter_context(psycopg.connect(postgres_dsn))
            maximum = int(scalar(connection, "show max_connections"))
            now = look(probe)

    assert now["db_connections"] == before + 7
    assert now["db_connections_ratio"] == pytest.approx((before + 7) / maximum)


def test_a_transaction_that_waits_for_another_is_a_waiting_lock(
    postgres_dsn: str, table: sql.Identifier
) -> None:
    update = sql.SQL("update {} set n = n + 1 where id = 1").format(table)
    with (
        opened(postgres_dsn) as probe,
        psycopg.connect(postgres_dsn) as holder,
        psycopg.connect(postgres_dsn) as waiter,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute(update)
        before = look(probe)["db_locks_waiting"]
        blocked = pool.submit(waiter.execute, update)
        seen = until(probe, "db_locks_waiting", lambda value: value > before)
        holder.rollback()
        blocked.result()
        after = look(probe)["db_locks_waiting"]

    assert (before, seen, after) == (0, 1, 0)


def test_a_deadlock_made_on_purpose_counts_one(postgres_dsn: str, table: sql.Identifier) -> None:
    update = sql.SQL("update {} set n = n + 1 where id = %s").format(table)
    failures: list[str] = []
    meeting = threading.Barrier(2)

    def cross(first: int, second: int) -> None:
        with psycopg.connect(postgres_dsn) as connection:
            connection.execute(update, (first,))
            meeting.wait()
            try:
                connection.execute(update, (second,))
            except psycopg.errors.DeadlockDetected as error:
                failures.append(str(error.sqlstate))
                connection.rollback()

    with opened(postgres_dsn) as probe:
        assert look(probe)["db_deadlocks"] == 0
        with ThreadPoolExecutor(2) as pool:
            for pair in [(1, 2), (2, 1)]:
                pool.submit(cross, *pair)
        seen = until(probe, "db_deadlocks", lambda value: value > 0)

    assert failures == ["40P01"]
    assert seen == 1


def test_a_sort_with_little_memory_shows_as_temporary_bytes(postgres_dsn: str) -> None:
    with opened(postgres_dsn) as probe:
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute("set work_mem = '64kB'")
            plan = scalar(
                connection,
                "explain (analyze, format json) "
                "select md5(g::text) from generate_series(1, 50000) g order by 1",
            )
        sort = plan[0]["Plan"]
        seen = until(probe, "db_temp_bytes", lambda value: value > 0)

    assert sort["Sort Space Type"] == "Disk"
    assert seen >= sort["Sort Space Used"] * 1024


def test_written_rows_show_in_the_write_ahead_log_and_the_cache_ratio(
    postgres_dsn: str, table: sql.Identifier
) -> None:
    position = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
    insert = sql.SQL("insert into {} select g, g from generate_series(10, 20000) g").format(table)
    with (
        opened(postgres_dsn) as probe,
        psycopg.connect(postgres_dsn, autocommit=True) as connection,
    ):
        before = scalar(connection, position)
        connection.execute(insert)
        written = scalar(connection, position) - before
        connection.close()
        ratio = until(probe, "db_cache_hit_ratio", lambda value: value > 0)
        seen = look(probe)["db_wal_bytes"]

    assert seen >= written > 19_991 * 30
    assert 0.5 < ratio <= 1


def test_counters_go_on_after_the_probe_connected_again(
    postgres_dsn: str, table: sql.Identifier
) -> None:
    insert = sql.SQL("insert into {} select g, g from generate_series(10, 5000) g").format(table)
    with opened(postgres_dsn) as probe:
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute(insert)
        before = look(probe)["db_wal_bytes"]
        probe.close()
        probe.open()
        after = look(probe)["db_wal_bytes"]

    assert after >= before > 0


def test_every_reading_is_about_postgres_and_in_the_catalog(postgres_dsn: str) -> None:
    with opened(postgres_dsn) as probe:
        readings = probe.read(42)

    assert {(reading.at_us, reading.source) for reading in readings} == {(42, "postgres")}
    assert all(reading.name in CATALOG for reading in readings)


def test_statement_times_are_measured_or_their_absence_is_told(postgres_dsn: str) -> None:
    with opened(postgres_dsn) as probe:
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            for _ in range(5):
                connection.execute("select pg_sleep(0.05)")
        seen = look(probe)

    if probe.capabilities:
        assert "db_statement_mean_ms" not in seen
        assert probe.capabilities[0].startswith("db_statement_mean_ms is not measured: ")
    else:
        # Five calls of 50 ms, diluted by what others (connection set-up) ran meanwhile.
        assert 5 < seen["db_statement_mean_ms"] < 100


def test_the_facts_of_the_server_hold_no_secret(postgres_dsn: str) -> None:
    facts = server_facts(postgres_dsn)
    with psycopg.connect(postgres_dsn) as connection:
        maximum = scalar(connection, "show max_connections")

    assert facts["max_connections"] == maximum
    assert set(facts) == {"version", *FACTS}
    assert str(conninfo_to_dict(postgres_dsn)["password"]) not in str(facts)


def test_a_wrong_password_is_a_sentence_without_it(postgres_dsn: str) -> None:
    probe = PostgresProbe(make_conninfo(postgres_dsn, password="hunter2"))

    with pytest.raises(ProbeError, match="PostgreSQL does not answer") as caught:
        probe.open()
    probe.close()

    assert "hunter2" not in str(caught.value)
    assert "password authentication failed" in str(caught.value)


def test_a_dsn_that_cannot_be_read_is_not_quoted() -> None:
    probe = PostgresProbe("postgresql//user:hunter2@db")

    with pytest.raises(ProbeError) as caught:
        probe.open()

    assert str(caught.value) == (
        "the PostgreSQL DSN can't be read; write postgresql://host:port/database, with "
        "user:password@ in front of the host if the server asks for a password"
    )


def test_a_server_that_is_down_is_a_sentence() -> None:
    probe = PostgresProbe("postgresql://birthday@127.0.0.1:1/birthday")

    with pytest.raises(ProbeError, match="port 1 failed: Connection refused"):
        probe.open()


class Relay:
    """Forward one TCP connection until told to fall silent, as a stopped server does."""

    def __init__(self, host: str, port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._target = (host, port)
        self.port = self._server.getsockname()[1]
        self.is_silent = False
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join()
        self._server.close()

    def _forward(self) -> None:
        client, _ = self._server.accept()
        with client, socket.create_connection(self._target) as server:
            while True:
                for source in select([client, server], [], [])[0]:
                    chunk = source.recv(65_536)
                    if not chunk:
                        return
                    if not self.is_silent:
                        (server if source is client else client).sendall(chunk)


def test_a_server_that_falls_silent_is_given_up_in_time(postgres_dsn: str) -> None:
    facts = conninfo_to_dict(postgres_dsn)
    with (
        closing(Relay(str(facts["host"]), int(str(facts["port"])))) as relay,
        opened(make_conninfo(postgres_dsn, port=relay.port)) as probe,
    ):
        assert look(probe)["db_locks_waiting"] == 0
        relay.is_silent = True
        began = time.monotonic()
        with pytest.raises(ProbeError, match="PostgreSQL does not answer: .*timeout expired"):
            probe.read(0)
        took_s = time.monotonic() - began

    assert 2 <= took_s < 10


def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        probe = PostgresProbe(f"postgresql://user:hunter2@127.0.0.1:{port}/birthday")
        began = time.monotonic()
        with pytest.raises(ProbeError, match="PostgreSQL does not answer") as caught:
            probe.open()
        took_s = time.monotonic() - began

    assert 1 <= took_s < 10
    assert "hunter2" not in str(caught.value)


def test_a_database_without_an_encoding_is_read_as_any_other(postgres_dsn: str) -> None:
    with own_database(postgres_dsn, "probe", "SQL_ASCII") as dsn:
        with opened(dsn) as probe:
            assert "db_connections" in look(probe)
        assert server_facts(dsn)["fsync"] in {"on", "off"}
