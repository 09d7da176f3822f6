"""The reference system's API over real HTTP: every answer, atomicity, cache, and a lost database.

Add here: behaviour of the API. Keep out: what happens to messages (test_delivery.py).
"""

import asyncio
import os
import re
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from perf_pipeline.reference_system.cache import GONE, UserCache
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.loads.own_database import own_database

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "birthdayDate": "1990-02-28",
    "timezone": "America/Argentina/Buenos_Aires",
}


def person(**changes: object) -> dict[str, object]:
    return {**ADA, "email": f"{uuid.uuid4().hex}@example.org", **changes}


@contextmanager
def running_api(environment: Mapping[str, str], log: Path) -> Iterator[httpx.Client]:
    """Run one API process on a port of its own choice; it must end cleanly."""
    command = [sys.executable, "-m", "perf_pipeline.reference_system.api", "--port", "0"]
    with log.open("wb") as output:
        process = started(command, env={**os.environ, **environment}, stderr=output)
    try:
        while (found := re.search(r"http://\S+", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        with httpx.Client(base_url=found[0], timeout=10) as client:
            yield client
    finally:
        process.terminate()
        assert process.wait(10) == 0, log.read_text()


@pytest.fixture(scope="module")
def database(postgres_dsn: str) -> Iterator[str]:
    """Give a migrated database of this module's own."""
    schema = Path(sys.modules["perf_pipeline.reference_system"].__path__[0]) / "schema.sql"
    with own_database(postgres_dsn, "reference") as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute(schema.read_bytes())
        yield dsn


@pytest.fixture(scope="module")
def environment(database: str, redis_url: str | None) -> dict[str, str]:
    return {
        "BIRTHDAY_POSTGRES_DSN": database,
        "BIRTHDAY_REDIS_URL": redis_url or "",
        "BIRTHDAY_POOL_SIZE": "5",
    }


@pytest.fixture(scope="module")
def api(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    with running_api(environment, tmp_path_factory.mktemp("api") / "api.log") as client:
        yield client


@pytest.fixture
def rows(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def test_a_created_user_is_answered_with_all_fields_and_can_be_read(api: httpx.Client) -> None:
    sent = person()

    created = api.post("/user", json=sent)

    assert created.status_code == 201
    assert created.json().items() >= sent.items()
    assert isinstance(created.json()["id"], str)
    read = api.get(f"/user/{created.json()['id']}")
    assert (read.status_code, read.json()) == (200, created.json())


def test_a_created_user_has_one_message_in_the_outbox(
    api: httpx.Client, rows: psycopg.Connection
) -> None:
    user_id = int(api.post("/user", json=person()).json()["id"])

    content, due = rows.execute(
        "select content, scheduled_send_time from outbox where user_id = %s", (user_id,)
    ).fetchall()[0]

    assert content == "Hey, Ada Lovelace it's your birthday"
    # 28 February, 9 o'clock in Buenos Aires (UTC-3, no summer time) = 12 o'clock UTC.
    assert due.utctimetuple()[1:5] == (2, 28, 12, 0)


def test_a_user_whose_message_is_refused_is_not_created(
    api: httpx.Client, rows: psycopg.Connection
) -> None:
    rows.execute("alter table outbox add constraint refused check (content not like '%Refused%')")
    sent = person(lastName="Refused")

    answer = api.post("/user", json=sent)

    assert answer.status_code == 500
    assert "log" in answer.json()["error"]
    found = rows.execute("select 1 from users where email = %s", (sent["email"],)).fetchone()
    assert found is None


def test_all_wrong_fields_are_named_at_once(api: httpx.Client) -> None:
    answer = api.post("/user", json={"email": "nobody", "firstName": "Ada", "lastName": 7})

    assert answer.status_code == 400
    assert answer.json() == {
        "error": "wrong or missing: lastName, email, birthdayDate, timezone",
        "fields": {
            "lastName": "must be a string",
            "email": "is not an email address like name@example.org",
            "birthdayDate": "is missing",
            "timezone": "is missing",
        },
    }


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        pytest.param(b'{"a":', "application/json", "the body is not valid JSON", id="cut off"),
        pytest.param(b"\xff", "application/json", "the body is not valid JSON", id="not UTF-8"),
        pytest.param(b"[]", "application/json", "the body must be a JSON object", id="array"),
        pytest.param(
            b"{}",
            "text/plain",
            "the content type must be application/json, not text/plain",
            id="text",
        ),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    api: httpx.Client, body: bytes, kind: str, error: str
) -> None:
    answer = api.post("/user", content=body, headers={"content-type": kind})

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_body_that_is_too_large_is_refused(api: httpx.Client) -> None:
    answer = api.post("/user", json=person(firstName="x" * 20_000))

    assert answer.status_code == 413
    assert "16384 bytes" in answer.json()["error"]


def test_a_second_user_with_the_same_email_is_a_conflict_without_a_second_message(
    api: httpx.Client, rows: psycopg.Connection
) -> None:
    sent = person()
    user_id = int(api.post("/user", json=sent).json()["id"])

    assert api.post("/user", json=sent).status_code == 409
    count = rows.execute("select count(*) from outbox where user_id = %s", (user_id,)).fetchone()
    assert count == (1,)


def test_a_deleted_user_is_gone_but_kept(api: httpx.Client, rows: psycopg.Connection) -> None:
    user_id = api.post("/user", json=person()).json()["id"]
    assert api.get(f"/user/{user_id}").status_code == 200  # and now it is in the cache

    deleted = api.delete(f"/user/{user_id}")

    assert (deleted.status_code, deleted.json()) == (200, {"id": user_id, "deleted": True})
    assert api.get(f"/user/{user_id}").status_code == 404
    assert api.delete(f"/user/{user_id}").status_code == 404
    kept = rows.execute("select deleted_at is not null from users where id = %s", (user_id,))
    assert kept.fetchone() == (True,)


@pytest.mark.parametrize("user_id", ["999999999", "0", "-1", "abc", "9" * 19, "9" * 5000, "%C2%B2"])
def test_a_user_that_does_not_exist_is_not_found(api: httpx.Client, user_id: str) -> None:
    assert api.get(f"/user/{user_id}").status_code == 404
    assert api.delete(f"/user/{user_id}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/user", {"POST"}), ("POST", "/user/1", {"GET", "HEAD", "DELETE"})],
)
def test_a_wrong_method_is_told_the_right_ones(
    api: httpx.Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = api.request(method, path)

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_health_names_every_part(api: httpx.Client, redis_url: str | None) -> None:
    answer = api.get("/health")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["postgres"] == "ok"
    assert answer.json()["redis"] == ("ok" if redis_url else "not configured")


def test_a_read_is_answered_from_the_cache(
    api: httpx.Client, rows: psycopg.Connection, redis_url: str | None
) -> None:
    if redis_url is None:
        pytest.skip("there is no Redis here")
    created = api.post("/user", json=person()).json()
    api.get(f"/user/{created['id']}")
    rows.execute("update users set first_name = 'Changed' where id = %s", (created["id"],))

    assert api.get(f"/user/{created['id']}").json() == created


def test_a_slow_read_does_not_bring_a_deleted_user_back_into_the_cache(
    redis_url: str | None,
) -> None:
    if redis_url is None:
        pytest.skip("there is no Redis here")
    user_id = uuid.uuid4().int >> 65

    async def read_after_a_delete_that_overtook_another_read() -> bytes | None:
        cache = UserCache(redis_url, "test")
        await cache.forget(user_id)
        await cache.fill(user_id, b"read before the delete")
        found = await cache.get(user_id)
        await cache.close()
        return found

    assert asyncio.run(read_after_a_delete_that_overtook_another_read()) == GONE


def test_a_dead_redis_costs_nothing_but_the_cache(
    environment: dict[str, str], tmp_path: Path
) -> None:
    dead = {**environment, "BIRTHDAY_REDIS_URL": "redis://127.0.0.1:1/0"}
    with running_api(dead, tmp_path / "api.log") as client:
        user_id = client.post("/user", json=person()).json()["id"]
        statuses = [
            client.get(f"/user/{user_id}").status_code,
            client.delete(f"/user/{user_id}").status_code,
            client.get(f"/user/{user_id}").status_code,
        ]
        health = client.get("/health")

    assert statuses == [200, 200, 404]
    assert health.status_code == 200
    assert health.json()["status"] == "degraded"
    assert health.json()["redis"] == "unreachable"
    assert health.json()["cache_errors"] >= 2


def test_a_lost_database_is_a_503_and_its_return_is_found(
    api: httpx.Client, postgres_dsn: str, rows: psycopg.Connection
) -> None:
    name = rows.info.dbname
    rows.close()
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute(f"alter database {name} allow_connections false")
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
        )
        lost, health = api.post("/user", json=person()), api.get("/health")
        admin.execute(f"alter database {name} allow_connections true")

    assert lost.status_code == 503
    assert lost.json()["error"].startswith("the database is not available")
    assert (health.status_code, health.json()["postgres"]) == (503, "unreachable")
    give_up_s = time.monotonic() + 10
    while api.get("/health").status_code != 200:
        assert time.monotonic() < give_up_s
        time.sleep(0.1)
    assert [api.post("/user", json=person()).status_code for _ in range(20)] == [201] * 20
