"""A locked table keeps everybody out until the lock goes; a flushed Redis has no keys."""

import time

import psycopg
import pytest
import redis

from perf_pipeline.errors import StackError
from perf_pipeline.stack.postgres_lock import HeldLock
from perf_pipeline.stack.redis import flush


@pytest.fixture
def table(postgres_dsn: str) -> str:
    name = "faults_of_a_lock"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} (n int)")
    return name


def reads(dsn: str, table: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set lock_timeout = '200ms'")
        try:
            connection.execute(f"select count(*) from {table}")
        except psycopg.errors.LockNotAvailable:
            return False
    return True


def test_a_locked_table_can_be_read_by_nobody_until_the_lock_goes(
    postgres_dsn: str, table: str
) -> None:
    assert reads(postgres_dsn, table)

    lock = HeldLock(postgres_dsn, table, 10.0, lambda: False)

    assert not reads(postgres_dsn, table)
    lock.release()
    assert reads(postgres_dsn, table)
    HeldLock(postgres_dsn, f"public.{table}", 10.0, lambda: False).release()


def test_a_lock_that_cannot_be_had_is_told(postgres_dsn: str, table: str) -> None:
    with psycopg.connect(postgres_dsn) as other:
        other.execute(f"lock table {table} in access share mode")
        began_s = time.monotonic()

        with pytest.raises(StackError, match=f"nobody let go of table {table} within 0.5 s"):
            HeldLock(postgres_dsn, table, 0.5, lambda: False)
        with pytest.raises(StackError, match="nobody let go"):
            HeldLock(postgres_dsn, table, 60.0, lambda: True)

    assert time.monotonic() - began_s < 30
    with pytest.raises(StackError, match='no_such can\'t be locked: relation "no_such" does not'):
        HeldLock(postgres_dsn, "no_such", 1.0, lambda: False)


def test_a_flush_removes_the_keys_of_its_database_alone(redis_url: str) -> None:
    root = redis_url.rpartition("/")[0]
    here, beside = redis.Redis.from_url(f"{root}/3"), redis.Redis.from_url(f"{root}/4")
    with here, beside:
        for client in (here, beside):
            client.set("kept", "1", ex=60)

        flush(f"{root}/3")

        assert here.get("kept") is None
        assert beside.get("kept") == b"1"
    with pytest.raises(StackError, match="Redis can't be flushed"):
        flush("redis://127.0.0.1:1/0")
