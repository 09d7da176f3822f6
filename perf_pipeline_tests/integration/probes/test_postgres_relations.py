"""Sizes of tables and indexes are those that PostgreSQL tells, and bloat shows in them."""

import time
from collections.abc import Iterator

import psycopg
import pytest

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.probes.postgres_relations import MOST_TABLES, RelationsProbe, tables_of
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline_tests.support.loads.own_database import own_database

PUBLISHED_WITHIN_S = 15.0
TABLE = "public.accounts"


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> Iterator[str]:
    with own_database(postgres_dsn, "test_relations") as own:
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute("create table accounts (id int primary key, n int)")
            connection.execute("alter table accounts set (autovacuum_enabled = false)")
            connection.execute("insert into accounts select n, 0 from generate_series(1, 2000) n")
            for number in range(MOST_TABLES + 1):
                connection.execute(f"create table small_{number} (id int)")
        yield own


def looked(probe: RelationsProbe) -> dict[tuple[str, str], float]:
    return {(reading.source, reading.name): reading.value for reading in probe.read(0)}


def test_dead_rows_are_bloat_and_not_rows(dsn: str) -> None:
    probe = RelationsProbe(dsn)
    probe.open()
    with psycopg.connect(dsn, autocommit=True) as connection:
        _until(probe, ("public.accounts", "db_bytes_per_row"), 1.0)
        before = looked(probe)
        [told] = connection.execute(
            "select pg_table_size('accounts'), pg_indexes_size('accounts')"
        ).fetchall()
        for _ in range(3):
            connection.execute("update accounts set n = n + 1")
        after = _until(probe, (TABLE, "db_dead_rows"), 5_500.0)
    probe.close()

    assert (before[TABLE, "db_table_bytes"], before[TABLE, "db_index_bytes"]) == told
    assert before[TABLE, "db_bytes_per_row"] == sum(told) / 2_000
    # Each of 2,000 rows left three dead ones behind, so that the table is more than twice as large;
    # an update removes some of the dead rows of its page (heap-only tuples).
    assert 5_500 <= after[TABLE, "db_dead_rows"] <= 6_000
    assert after[TABLE, "db_bytes_per_row"] > 2 * before[TABLE, "db_bytes_per_row"]
    sources = {source for source, _ in after}
    assert len(sources) == MOST_TABLES
    assert ("public.small_0", "db_bytes_per_row") not in after
    assert {name for _, name in after} <= CATALOG.keys()


def test_a_table_that_somebody_named_is_read_however_small_it_is(dsn: str) -> None:
    smallest = tables_of(dsn)[-1]  # of 12, of which the ten largest are read
    probe = RelationsProbe(dsn, [smallest, "public.no_such_table"])
    probe.open()

    found = {source for source, _ in looked(probe)}
    probe.close()

    assert {TABLE, smallest} <= found
    assert "public.no_such_table" not in found


def test_a_server_that_is_gone_is_a_sentence() -> None:
    probe = RelationsProbe("postgresql://127.0.0.1:1/nothing")

    with pytest.raises(ProbeError, match="PostgreSQL does not answer"):
        probe.open()
    probe.close()


def _until(
    probe: RelationsProbe, wanted: tuple[str, str], least: float
) -> dict[tuple[str, str], float]:
    """Read until PostgreSQL has published what was done, up to 10 s afterwards."""
    deadline = time.monotonic() + PUBLISHED_WITHIN_S
    while (found := looked(probe)).get(wanted, 0.0) < least and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
