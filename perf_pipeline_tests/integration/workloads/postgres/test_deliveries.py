"""What is read of the workers' deliveries, also from a system that tells less than ours."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perf_pipeline.workloads.postgres.deliveries import DeliveryRow, read_deliveries

TABLES = """
create table users (id bigint primary key, email text not null);
create table message_deliveries (
    message_id uuid primary key default gen_random_uuid(), user_id bigint not null,
    attempts integer not null, completed_at timestamptz not null
);
insert into users values (1, 'r1@example.org'), (2, 'r1@example.org'), (3, 'other@example.org');
insert into message_deliveries (user_id, attempts, completed_at) values
    (2, 2, '1970-01-01 00:00:02+00'), (1, 1, '1970-01-01 00:00:01.000001+00'),
    (3, 1, '1970-01-01 00:00:00+00')
"""
STATIONS = """
alter table message_deliveries add column published_at timestamptz, add received_at timestamptz;
update message_deliveries set published_at = '1970-01-01 01:00:00.25+01',
    received_at = case when user_id = 2 then '1970-01-01 00:00:00.5+00'::timestamptz end
"""


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    name = f"deliveries_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        own = make_conninfo(postgres_dsn, dbname=name)
        with psycopg.connect(own) as connection:
            connection.execute(TABLES)
        yield own
        admin.execute(f"drop database {name} with (force)")


def test_a_foreign_system_tells_of_completions_only(dsn: str) -> None:
    assert list(read_deliveries(dsn, "^r1")) == [
        DeliveryRow("1", 1, 1_000_001),
        DeliveryRow("2", 2, 2_000_000),
    ]


def test_the_stations_are_read_where_they_are_told(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(STATIONS)

    assert list(read_deliveries(dsn, "^r1")) == [
        DeliveryRow("1", 1, 1_000_001, published_us=250_000, received_us=None),
        DeliveryRow("2", 2, 2_000_000, published_us=250_000, received_us=500_000),
    ]
