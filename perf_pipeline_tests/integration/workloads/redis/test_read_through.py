"""The cache workload on a real server of its own, which tests may stop, fill and disturb."""

import asyncio
import json
import os
import signal
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import redis
import uvloop

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.redis import find_redis, launch_redis
from perf_pipeline.stack.service import open_folder
from perf_pipeline.workloads.redis.read_through import ReadThrough
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened, outcomes
from perf_pipeline_tests.support.servers.certificates import authority, signed
from perf_pipeline_tests.support.servers.elsewhere import passed_on
from perf_pipeline_tests.support.silent import hush

NAMESPACE: Final = "perf-pipeline:r1/cache"
Run = Callable[[Coroutine[Any, Any, None]], None]

pytestmark = pytest.mark.skipif(find_redis() is None, reason="there is no Redis here")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("cache") / "stack"
    open_folder(folder, owner=this_process())
    launched = launch_redis(folder, say=hush)
    assert launched is not None
    assert launched.endpoint is not None
    launched.describe()
    yield launched.endpoint
    dispose(folder)


@pytest.fixture
def client(server: str) -> Iterator["redis.Redis"]:
    """Give a client of the server, which is empty."""
    with redis.Redis.from_url(server) as made:
        made.flushall()
        yield made


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Give what runs a test on either event loop, as workers do."""

    def on_loop(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(work)

    return on_loop


def parameters(**given: object) -> dict[str, object]:
    return {"run": "r1/cache", "keys": 1, "ttl_us": 30_000_000, "timeout_us": 5_000_000, **given}


def did(bench: Bench) -> list[tuple[str, int]]:
    return [(sample.operation, sample.records) for sample in bench.samples]


def sent(client: "redis.Redis", command: str) -> int:
    """Say how often the server ran a command, as it counts itself."""
    counts = client.info("commandstats")
    assert isinstance(counts, dict)
    return int(counts.get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_a_miss_is_filled_and_a_hit_is_renewed(
    server: str, client: "redis.Redis", run: Run
) -> None:
    client.config_resetstat()

    async def body() -> None:
        async with opened(ReadThrough(), parameters(), secrets={"redis_url": server}) as bench:
            await bench.iterate(3)

        assert did(bench) == [
            ("cache_get", 0),
            ("cache_set", 1),
            ("cache_get", 1),
            ("cache_expire", 1),
            ("cache_get", 1),
            ("cache_expire", 1),
        ]
        assert outcomes(bench.samples) == {("ok", ""): 6}
        assert [sample.checks_passed for sample in bench.samples] == [0, 0, 1, 0, 1, 0]
        assert {sample.checks_failed for sample in bench.samples} == {0}

    run(body())

    # What the server counted, not what we did: GET, SET and EXPIRE and nothing else of the kind.
    assert [sent(client, command) for command in ("get", "set", "expire", "del", "flushall")] == [
        3,
        1,
        2,
        0,
        0,
    ]


def test_behind_a_proxy_the_certificate_is_still_checked_for_the_servers_name(
    server: str, tmp_path: Path, run: Run
) -> None:
    trusted = authority(tmp_path, "ca")
    signed(tmp_path, "cache", "ca", names="subjectAltName=DNS:cache.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cache.pem", tmp_path / "cache.key")
    own = urlsplit(server)
    assert own.port is not None

    def at(name: str) -> dict[str, str]:
        there = f"rediss://:{own.password}@{name}:6379/0?ssl_ca_certs={trusted}"
        return {"redis_url": there}

    async def body(port: int) -> None:
        given = parameters(proxy_port=port)
        async with opened(ReadThrough(), given, secrets=at("cache.example")) as bench:
            await bench.iterate(1)
        assert outcomes(bench.samples) == {("ok", ""): 2}
        with pytest.raises(TargetUnavailableError, match="certificate"):
            async with opened(ReadThrough(), given, secrets=at("shop.example")):
                pass

    with passed_on(own.port, tls=tls) as port:
        run(body(port))


def test_entries_are_like_the_apis_in_a_namespace_of_the_runs_own_and_expire(
    server: str, client: "redis.Redis", run: Run
) -> None:
    client.set("birthdays:user:0", b"the API's own answer")

    async def body() -> None:
        async with opened(
            ReadThrough(), parameters(keys=20), secrets={"redis_url": server}, vus=4
        ) as bench:
            await bench.iterate(60, vus=4)
        stored = sum(sample.records for sample in bench.samples if sample.operation == "cache_set")
        assert stored == 20  # 240 draws of 20 keys, and nobody stores what is there

    run(body())

    keys = set(client.keys("*"))
    assert keys - {b"birthdays:user:0"} == {
        f"{NAMESPACE}:user:{number}".encode() for number in range(20)
    }
    assert client.get("birthdays:user:0") == b"the API's own answer"
    assert client.ttl("birthdays:user:0") == -1
    assert all(0 < int(client.ttl(key)) <= 30 for key in keys - {b"birthdays:user:0"})
    user = json.loads(client.get(f"{NAMESPACE}:user:7") or "")
    assert set(user) == {"id", "firstName", "lastName", "email", "birthdayDate", "timezone"}
    assert user["id"] == "7"
    assert user["email"].endswith("@perf-pipeline.invalid")


def test_a_time_to_live_is_rounded_up_to_whole_seconds(
    server: str, client: "redis.Redis", run: Run
) -> None:
    client.config_set("slowlog-log-slower-than", "0")
    client.slowlog_reset()

    async def body() -> None:
        secrets = {"redis_url": server}
        async with opened(ReadThrough(), parameters(ttl_us=90_500_000), secrets=secrets) as bench:
            await bench.iterate(2)

    run(body())
    commands = [bytes(entry["command"]) for entry in client.slowlog_get(100)]
    client.config_set("slowlog-log-slower-than", "-1")

    # As the server received them: 90.5 s are 91.
    [stored] = [command for command in commands if command.startswith(b"SET ")]
    assert b" EX 91" in stored
    assert b" NX" in stored
    assert f"EXPIRE {NAMESPACE}:user:0 91".encode() in commands


def test_an_entry_that_expired_is_a_miss(server: str, client: "redis.Redis", run: Run) -> None:
    async def body() -> None:
        async with opened(ReadThrough(), parameters(), secrets={"redis_url": server}) as bench:
            await bench.iterate(1)
            client.pexpire(f"{NAMESPACE}:user:0", 1)
            await asyncio.sleep(0.05)
            await bench.iterate(1)

        assert did(bench) == [("cache_get", 0), ("cache_set", 1)] * 2

    run(body())


def test_an_entry_that_is_not_what_was_stored_fails_the_check(
    server: str, client: "redis.Redis", run: Run
) -> None:
    client.set(f"{NAMESPACE}:user:0", b"somebody else's", ex=30)

    async def body() -> None:
        async with opened(ReadThrough(), parameters(), secrets={"redis_url": server}) as bench:
            await bench.iterate(1)

        got = bench.samples[0]
        assert (got.outcome.value, got.records) == ("ok", 1)
        assert (got.checks_passed, got.checks_failed) == (0, 1)
        assert bench.workload.checks["cache_get"] == ("it is what was stored",)

    run(body())


@pytest.mark.usefixtures("client")
def test_each_command_starts_when_the_one_before_it_ended(server: str, run: Run) -> None:
    async def body() -> None:
        async with opened(ReadThrough(), parameters(), secrets={"redis_url": server}) as bench:
            await bench.iterate(1)

        got, stored = bench.samples
        assert got.intended_us <= got.started_us <= got.ended_us
        assert stored.intended_us == got.ended_us <= stored.started_us <= stored.ended_us

    run(body())


@pytest.fixture
def stopped(client: "redis.Redis") -> Iterator[Callable[[], None]]:
    """Give what stops the server until the test, or `SIGCONT`, lets it go on."""
    pid = int(dict(client.info("server"))["process_id"])
    yield lambda: os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)


def test_a_server_that_hangs_is_a_timeout_and_no_late_answer_is_taken_for_another(
    server: str, client: "redis.Redis", run: Run, stopped: Callable[[], None]
) -> None:
    pid = int(dict(client.info("server"))["process_id"])

    async def body() -> None:
        secrets, given = {"redis_url": server}, parameters(keys=50, timeout_us=1_500_000)
        async with opened(ReadThrough(), given, secrets=secrets) as bench:
            await bench.iterate(100)
            before = len(bench.samples)
            stopped()
            began_s = time.monotonic()
            await bench.iterate(1)
            took_s = time.monotonic() - began_s
            hung = bench.samples[before:]
            os.kill(pid, signal.SIGCONT)
            while bench.samples[-1].outcome.value != "ok":
                await bench.iterate(1)
            after = len(bench.samples)
            await bench.iterate(100)

        assert [(sample.operation, sample.outcome.value) for sample in hung] == [
            ("cache_get", "timeout")
        ]
        assert hung[0].error == "TimeoutError"
        assert 1.5 <= took_s < 15
        assert outcomes(bench.samples[after:]) == {("ok", ""): 200}
        assert {sample.checks_failed for sample in bench.samples} == {0}

    run(body())


def test_an_iteration_that_is_cut_off_is_interrupted_and_its_connection_made_anew(
    server: str, client: "redis.Redis", run: Run, stopped: Callable[[], None]
) -> None:
    pid = int(dict(client.info("server"))["process_id"])

    async def cancelled(work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def body() -> None:
        secrets = {"redis_url": server}
        async with opened(ReadThrough(), parameters(keys=20), secrets=secrets) as bench:
            await bench.iterate(50)
            before = len(bench.samples)
            stopped()
            await cancelled(bench.iterate(1))
            os.kill(pid, signal.SIGCONT)
            await bench.iterate(50)

        assert [sample.outcome.value for sample in bench.samples[before : before + 1]] == [
            "interrupted"
        ]
        assert outcomes(bench.samples[before + 1 :]) == {("ok", ""): 100}
        assert {sample.checks_failed for sample in bench.samples} == {0}

    run(body())


def test_connections_that_are_ended_are_failures_that_are_counted_and_then_made_anew(
    server: str, client: "redis.Redis", run: Run
) -> None:
    async def body() -> None:
        async with opened(
            ReadThrough(), parameters(), secrets={"redis_url": server}, vus=3
        ) as bench:
            await bench.iterate(5, vus=3)
            assert client.client_kill_filter(_type="normal", skipme=True) >= 3
            before = len(bench.samples)
            await bench.iterate(5, vus=3)

        later = bench.samples[before:]
        failed = [sample for sample in later if sample.outcome.value != "ok"]
        assert {(sample.outcome.value, sample.error) for sample in failed} <= {
            ("failed", "ConnectionError")
        }
        assert len(failed) <= 3
        assert len([sample for sample in later if sample.outcome.value == "ok"]) >= 2 * (15 - 3)

    run(body())


def test_a_server_without_memory_fails_the_fill_by_name(
    server: str, client: "redis.Redis", run: Run
) -> None:
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")

    async def body() -> None:
        async with opened(ReadThrough(), parameters(), secrets={"redis_url": server}) as bench:
            await bench.iterate(1)

        assert [
            (sample.operation, sample.outcome.value, sample.error) for sample in bench.samples
        ] == [
            ("cache_get", "ok", ""),
            ("cache_set", "failed", "OutOfMemoryError"),
        ]

    try:
        run(body())
    finally:
        client.config_set("maxmemory", "256mb")
        client.config_set("maxmemory-policy", "allkeys-lru")


@pytest.mark.usefixtures("client")
def test_two_workers_read_the_same_users(server: str, run: Run) -> None:
    async def body() -> None:
        found = 0
        for worker in range(2):
            async with opened(
                ReadThrough(),
                parameters(keys=1),
                secrets={"redis_url": server},
                worker=worker,
                workers=2,
            ) as bench:
                await bench.iterate(1)
            found += sum(sample.checks_passed for sample in bench.samples)
            assert {sample.checks_failed for sample in bench.samples} == {0}
        assert found == 1  # the second one finds what the first one stored

    run(body())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:hunter2@127.0.0.1:1/0", "Redis can't be used: .*127.0.0.1:1"),
        ("{server}", "Redis can't be used: "),
    ],
    ids=["nobody listens", "wrong password"],
)
def test_a_server_that_cannot_be_used_is_told_before_the_load_without_its_password(
    server: str, run: Run, url: str, told: str
) -> None:
    host = server.rpartition("@")[2]
    wrong = url.format(server=f"redis://:hunter2@{host}")

    async def body() -> None:
        with pytest.raises(TargetUnavailableError, match=told) as caught:
            async with opened(ReadThrough(), parameters(), secrets={"redis_url": wrong}, vus=3):
                pass
        assert "hunter2" not in str(caught.value)
        assert "PERF_REDIS_URL" in str(caught.value)

    run(body())


def test_nothing_is_left_open_behind_the_load(server: str, client: "redis.Redis", run: Run) -> None:
    before = len(client.client_list())

    async def body() -> None:
        async with opened(ReadThrough(), parameters(), secrets={"redis_url": server}, vus=8):
            assert len(client.client_list()) == before + 8

    run(body())
    deadline_s = time.monotonic() + 5
    while len(client.client_list()) > before and time.monotonic() < deadline_s:
        time.sleep(0.02)

    assert len(client.client_list()) == before
