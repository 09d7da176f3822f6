"""How the reference system's processes start and end, and the pure parts inside them.

Add here: a variable, a signal, a rule without I/O. Keep out: requests and messages.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import httpx
import psutil
import pytest

from perf_pipeline.reference_system.deliveries import Delivery, merge
from perf_pipeline.reference_system.messages import next_send_time
from perf_pipeline.reference_system.progress import PartitionProgress
from perf_pipeline.reference_system.user_input import InvalidUserError, parse_user
from perf_pipeline.stack.service import free_port
from perf_pipeline_tests.support.commands.forked import ran, started

CLOSED = {
    "BIRTHDAY_POSTGRES_DSN": "postgresql://ada:s3cret@127.0.0.1:1/birthday",
    "BIRTHDAY_BROKERS": "127.0.0.1:1",
}


def command(part: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"perf_pipeline.reference_system.{part}", *arguments]


@pytest.mark.parametrize(
    ("part", "changes", "sentence"),
    [
        ("api", {"BIRTHDAY_POSTGRES_DSN": ""}, "BIRTHDAY_POSTGRES_DSN is not set"),
        ("api", {"BIRTHDAY_POSTGRES_DSN": "s3cret"}, "BIRTHDAY_POSTGRES_DSN is not a connection"),
        ("api", {"BIRTHDAY_REDIS_URL": "http://s3cret"}, "BIRTHDAY_REDIS_URL is not a Redis URL"),
        ("relay", {"BIRTHDAY_BROKERS": ""}, "BIRTHDAY_BROKERS is not set"),
        ("relay", {"BIRTHDAY_BROKERS": "a:1,nine"}, "BIRTHDAY_BROKERS holds 'nine'"),
        ("worker", {"BIRTHDAY_SEND_MS": "10..0"}, "BIRTHDAY_SEND_MS is '10..0'"),
        ("worker", {"BIRTHDAY_WORKER_CONCURRENCY": "0"}, "BIRTHDAY_WORKER_CONCURRENCY is '0'"),
        ("migrate", {"BIRTHDAY_TOPIC": "a b"}, "BIRTHDAY_TOPIC is 'a b'"),
    ],
)
def test_a_wrong_variable_is_one_sentence_and_exit_code_2(
    part: str, changes: dict[str, str], sentence: str
) -> None:
    ended = ran(command(part), env={**os.environ, **CLOSED, **changes})

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"{part}: {sentence}")
    assert ended.stderr.count("\n") == 1
    assert "s3cret" not in ended.stderr


def test_migrate_says_in_one_sentence_that_the_database_is_not_there() -> None:
    ended = ran(command("migrate"), env={**os.environ, **CLOSED})

    assert ended.returncode == 1
    assert ended.stderr.startswith("migrate: the schema could not be applied: ")
    assert ended.stderr.count("\n") == 1
    assert "s3cret" not in ended.stderr


def test_the_api_says_in_one_sentence_that_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = ran(command("api", "--port", str(port)), env={**os.environ, **CLOSED})

    assert ended.returncode == 1
    assert ended.stderr == f"api: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("part", ["relay", "worker"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_part_that_finds_neither_database_nor_broker_still_ends_at_once(
    part: str, number: int, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = started(command(part), env={**os.environ, **CLOSED}, stdout=output, stderr=output)
    await_that(lambda: log.stat().st_size > 0)

    process.send_signal(number)

    assert process.wait(5) == 0
    assert "s3cret" not in log.read_text()


@pytest.mark.parametrize("processes", [1, 3])
def test_the_api_ends_at_once_with_a_connection_open_and_leaves_no_process(
    processes: int, postgres_dsn: str
) -> None:
    port = free_port()
    api = started(
        command("api", "--port", str(port), "--processes", str(processes)),
        env={**os.environ, "BIRTHDAY_POSTGRES_DSN": postgres_dsn, "BIRTHDAY_POOL_SIZE": "2"},
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        await_that(lambda: answers(client))
        family = psutil.Process(api.pid).children(recursive=True)

        api.terminate()

        assert api.wait(5) == 0
    assert len(family) == (0 if processes == 1 else processes)
    assert not any(child.is_running() for child in family)


def test_the_servers_of_a_killed_api_end_with_it(postgres_dsn: str) -> None:
    port = free_port()
    api = started(
        command("api", "--port", str(port), "--processes", "2"),
        env={**os.environ, "BIRTHDAY_POSTGRES_DSN": postgres_dsn, "BIRTHDAY_POOL_SIZE": "2"},
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        await_that(lambda: answers(client))
    family = psutil.Process(api.pid).children(recursive=True)

    api.kill()
    api.wait(5)

    assert len(family) == 2
    await_that(lambda: not any(child.is_running() for child in family))


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def await_that(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    give_up_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_s, "it did not come true in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        pytest.param("firstName", None, "is missing", id="null"),
        pytest.param("firstName", 7, "must be a string", id="number"),
        pytest.param("firstName", "  ", "is empty", id="blank"),
        pytest.param("lastName", "x" * 101, "is longer than 100 characters", id="long"),
        pytest.param("lastName", "a\0b", "holds a character that cannot be printed", id="nul"),
        pytest.param(
            "email", "ada", "is not an email address like name@example.org", id="no at sign"
        ),
        pytest.param("email", f"{'x' * 250}@a.de", "is longer than 254 characters", id="long mail"),
        pytest.param("birthdayDate", "1990-02-30", "is not a day of the calendar", id="30 Feb"),
        pytest.param("birthdayDate", "17.05.1990", "must be a date like 1990-05-17", id="German"),
        pytest.param(
            "birthdayDate", "2024-05-18", "must lie between 1900-01-01 and today", id="tomorrow"
        ),
        pytest.param(
            "timezone",
            "Europe/Atlantis",
            "is not an IANA time zone like Europe/Berlin",
            id="unknown zone",
        ),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object, problem: str) -> None:
    body = {
        "firstName": "Ada",
        "lastName": "Lovelace",
        "email": "ada@example.org",
        "birthdayDate": "1990-05-17",
        "timezone": "Europe/Berlin",
        field: value,
    }

    with pytest.raises(InvalidUserError, match=f"wrong or missing: {field}") as raised:
        parse_user(json.dumps(body).encode(), today=date(2024, 5, 17), timezones={"Europe/Berlin"})

    assert raised.value.fields == {field: problem}


@pytest.mark.parametrize(
    ("birthday", "zone", "now", "due"),
    [
        pytest.param("1990-05-17", "UTC", "2024-05-17T09:00", "2024-05-17T09:00", id="now"),
        pytest.param("1990-05-17", "UTC", "2024-05-17T09:01", "2025-05-17T09:00", id="just over"),
        # Berlin is at UTC+2 in May and at UTC+1 in January.
        pytest.param("1990-05-17", "Europe/Berlin", "2024-01-01T00:00", "2024-05-17T07:00", id="E"),
        pytest.param("1990-01-17", "Europe/Berlin", "2024-01-01T00:00", "2024-01-17T08:00", id="W"),
        # In Auckland (UTC+13) the year is over already.
        pytest.param(
            "1990-01-01", "Pacific/Auckland", "2024-12-31T12:00", "2024-12-31T20:00", id="date line"
        ),
        pytest.param("2000-02-29", "UTC", "2023-01-01T00:00", "2023-02-28T09:00", id="29th"),
        pytest.param("2000-02-29", "UTC", "2024-01-01T00:00", "2024-02-29T09:00", id="leap year"),
    ],
)
def test_a_message_is_due_at_nine_on_the_next_birthday(
    birthday: str, zone: str, now: str, due: str
) -> None:
    asked_at = datetime.fromisoformat(now).replace(tzinfo=UTC)

    found = next_send_time(date.fromisoformat(birthday), zone, asked_at)

    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_nothing_behind_unfinished_work_is_committed() -> None:
    progress = PartitionProgress("topic", 0)
    for offset in (5, 6, 9):  # 7 and 8 are markers of transactions, which nobody receives
        progress.begin(offset)

    progress.finish(6)
    assert progress.advance() is None
    progress.finish(5)
    assert progress.advance() == 7
    assert progress.advance() is None
    progress.finish(9)
    assert progress.advance() == 10


def test_a_message_twice_in_a_batch_is_one_row_with_two_attempts_and_the_first_completion() -> None:
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
    twice, once = UUID(int=1), UUID(int=2)

    merged = merge([Delivery(twice, 1, late), Delivery(once, 2, late), Delivery(twice, 1, early)])

    assert merged == [Delivery(twice, 1, early, attempts=2), Delivery(once, 2, late)]
