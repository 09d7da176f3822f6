"""No packet leaves for a host that was not allowed, however its address is spelled.

Each trick runs through the product's own check and clients in a network of its own, in which every
packet is seen; those that somebody allowed show that it is. 10.9.8.7 is evil.example there.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from perf_pipeline_tests.support.elsewhere import packets
from perf_pipeline_tests.support.places import ROOT

MOVED: Final = "10.9.8.7 localhost evil.example\n"
HALF_MOVED: Final = "127.0.0.1 localhost\n10.9.8.7 localhost\n"
NETWORKS: Final = (
    ("unshare", "--net", "--mount", "--"),
    ("unshare", "--user", "--map-root-user", "--net", "--mount", "--"),
)
Trick = Mapping[str, Any]
Results = list[Mapping[str, Any]]


def http(url: str, **more: Any) -> Trick:
    return {"kind": "http", "environment": {"PERF_BASE_URL": url}, **more}


def postgres(dsn: str, variables: Mapping[str, str] | None = None, **more: Any) -> Trick:
    environment = {"PERF_POSTGRES_DSN": dsn, **(variables or {})}
    return {"kind": "postgres", "environment": environment, **more}


def redis(url: str, **more: Any) -> Trick:
    return {"kind": "redis", "environment": {"PERF_REDIS_URL": url}, **more}


def kafka(brokers: str, **more: Any) -> Trick:
    return {"kind": "kafka", "environment": {"PERF_KAFKA_BROKERS": brokers}, **more}


def advertised(host: str, port: int = 9092, **more: Any) -> Trick:
    return {"kind": "advertised", "advertised": [host, port], **more}


def command(*arguments: str, **environment: str) -> Trick:
    return {"kind": "command", "arguments": arguments, "environment": environment}


REDIRECTS: Final = (
    "http://10.9.8.7:8000/",
    "//10.9.8.7:8000/",
    "\\\\10.9.8.7:8000/",
    "/\\10.9.8.7:8000/",
    "http://evil.example:8000",
    "http://127.0.0.1@evil.example:8000/",
    "http://0xa.0x9.0x8.7:8000/",
    "http:///evil.example:8000/",
)
HTTP: Final = (
    "http://evil.example:8000",
    "http://10.9.8.7:8000",
    "http://0xa.9.8.7:8000",
    "http://168364039:8000",
    "http://012.011.010.7:8000",
    "http://10.591879:8000",
    "http://[::ffff:10.9.8.7]:8000",
    "http://[::ffff:a09:807]:8000",
    "http://0.0.0.0:8000",
    "http://[::]:8000",
    "http://[fd00::7]:8000",
    "http://127.0.0.1@evil.example:8000",
    "http://localhost:8000@evil.example:8000",
    "http://localhost\\@evil.example:8000",
    "http://evil.example:8000\\@localhost",
    "http://evil.example:8000#@localhost",
    "http://evil.example:8000?@localhost",
    "http://evil%2eexample:8000",
    "http://ｅｖｉｌ.example:8000",  # noqa: RUF001 - full-width letters are the trick
    "http://evil\u3002example:8000",
    "http://evil\u00ad.example:8000",
    "http://EVIL.example.:8000",
    "http:evil.example:8000",
    "http:///evil.example:8000",
    "http://\tevil.example:8000",
    "https://evil.example",
    "http://localhost.evil.example:8000",
)
POSTGRES: Final = (
    "postgresql://evil.example/x",
    "postgresql://localhost/x?h%6Fst=evil.example",
    "postgresql://localhost/x?hostaddr=10.9.8.7",
    "postgresql:///x?host=/tmp,evil.example",
    "postgresql:///x?host=/tmp%2Cevil.example",
    "postgresql://localhost,evil.example/x",
    "host=localhost host\n=evil.example",
    "host=/tmp hostaddr=10.9.8.7",
    "host='127.0.0.1' hostaddr = '168364039'",
    "host=localhost dbname='host=evil.example'",
    "postgresql://localhost/host%3Devil.example",
    "service=elsewhere",
)
REDIS: Final = (
    "redis://evil.example",
    "redis://evil%2Eexample",
    "redis://localhost?host=evil.example",
    "redis:///?host=evil.example",
    "redis://localhost\\@evil.example",
    "redis://localhost:6379@evil.example",
    "redis://168364039",
)
KAFKA: Final = (
    "evil.example:9092",
    "localhost:9092,10.9.8.7:9092",
    "168364039:9092",
    "PLAINTEXT://evil.example:9092",
)
ADVERTISED: Final = (
    "10.9.8.7",
    "evil.example",
    "EVIL.example.",
    "::ffff:10.9.8.7",
    "0xa.9.8.7",
)
TRICKS: Final[tuple[Trick, ...]] = (
    *map(http, HTTP),
    http("http://localhost:8000", hosts=MOVED),
    http("http://localhost:8000", hosts=HALF_MOVED),
    http("http://localhost:8000", hosts_after=MOVED),
    http("http://localhost:8000", hosts_after=HALF_MOVED),
    *map(postgres, POSTGRES),
    postgres("host=localhost", {"PGHOSTADDR": "10.9.8.7"}),
    postgres("dbname=x", {"PGHOST": "evil.example"}),
    postgres("host=localhost", {"PGSERVICE": "elsewhere"}),
    postgres("host=localhost port=5432", {"PGSERVICE": "address"}),
    postgres("host=localhost", {"PGSERVICE": "directory"}),
    postgres("host=localhost", hosts=MOVED),
    postgres("host=localhost", hosts_after=MOVED),
    postgres("host=localhost,127.0.0.1 load_balance_hosts=random", hosts_after=HALF_MOVED),
    *map(redis, REDIS),
    redis("redis://localhost", hosts_after=MOVED),
    redis("rediss://localhost:6379", hosts_after=MOVED),
    *map(kafka, KAFKA),
    kafka("localhost:9092", hosts=MOVED),
    *map(advertised, ADVERTISED),
    advertised("localhost", hosts_after=MOVED),
    {"kind": "docker", "environment": {"DOCKER_HOST": "tcp://10.9.8.7:2375"}},
    {"kind": "docker", "environment": {"DOCKER_HOST": "http://evil.example:2375"}},
    *({"kind": "steps", "url": url} for url in REDIRECTS),
    *({"kind": "python", "url": url} for url in REDIRECTS),
    {"kind": "python", "url": REDIRECTS[0], "transport": "httpx"},
    {"kind": "python", "url": "/", "asks": "http://evil.example:8000/"},
    {"kind": "python", "url": "/", "asks": "//evil.example:8000/"},
)
COMMANDS: Final[tuple[Trick, ...]] = (
    command("doctor", PERF_POSTGRES_DSN="host=localhost", PGHOSTADDR="10.9.8.7"),
    command(
        "run", "--only", "api_user_creation", PERF_BASE_URL="http://localhost:8000@evil.example"
    ),
)
SPREAD: Final[tuple[tuple[Trick, Mapping[str, int]], ...]] = (
    (
        {"kind": "spread", "listening": ["127.0.0.1", "127.0.0.2"]},
        {"127.0.0.1": 10, "127.0.0.2": 10},
    ),
    ({"kind": "spread", "listening": ["127.0.0.2"]}, {"127.0.0.2": 20}),
    (
        {"kind": "spread", "listening": ["127.0.0.1", "127.0.0.2"], "transport": "httpx"},
        {"127.0.0.1": 10, "127.0.0.2": 10},
    ),
    ({"kind": "spread", "listening": ["127.0.0.1"], "transport": "httpx"}, {"127.0.0.1": 20}),
    (
        {"kind": "spread", "listening": ["127.0.0.1", "127.0.0.2"], "transport": "proxy"},
        {"127.0.0.1": 10, "127.0.0.2": 10},
    ),
    ({"kind": "spread", "listening": ["127.0.0.2"], "transport": "proxy"}, {"127.0.0.2": 20}),
)
ALLOWED: Final[tuple[tuple[Trick, str], ...]] = tuple(
    ({**trick, "environment": {**trick.get("environment", {}), "PERF_ALLOWED_HOSTS": host}}, place)
    for trick, host, place in (
        (http("http://evil.example:8000"), "evil.example", "tcp 10.9.8.7:8000"),
        (http("http://localhost:8000", hosts=MOVED), "localhost", "tcp 10.9.8.7:8000"),
        (postgres("host=evil.example"), "evil.example", "tcp 10.9.8.7:5432"),
        (redis("redis://0xa.9.8.7"), "10.9.8.7", "tcp 10.9.8.7:6379"),
        (advertised("evil.example"), "evil.example:9092", "tcp 10.9.8.7:9092"),
    )
)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of libpq's services that lead elsewhere."""
    file = tmp_path_factory.mktemp("services") / "pg_service.conf"
    file.write_text(
        "[elsewhere]\nhost=evil.example\n[address]\nhostaddr=10.9.8.7\n"
        "[directory]\nldap://evil.example/x\n",
        encoding="ascii",
    )
    return file


@pytest.fixture(scope="module")
def all_results(services: Path) -> Results:
    """Give what came of everything; all of it in one network, as each imports all clients anew."""
    allowed, spread = ([trick for trick, _ in tricks] for tricks in (ALLOWED, SPREAD))
    return tried([*TRICKS, *allowed, *COMMANDS, *spread], services)


@pytest.fixture(scope="module")
def results(all_results: Results) -> Results:
    """Give what came of every trick, and of those that were allowed."""
    return all_results[: len(TRICKS) + len(ALLOWED)]


def tried(tricks: Sequence[Trick], services: Path) -> Results:
    """Run the tricks in a network of their own."""
    network = network_with_mounts()
    if network is None:
        pytest.skip("this machine allows no network and mount namespaces (unshare --net --mount)")
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        [*network, sys.executable, packets.__file__],
        input=json.dumps(tricks),
        capture_output=True,
        text=True,
        check=False,
        env={**kept, "PYTHONPATH": str(ROOT), "PGSERVICEFILE": str(services)},
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def network_with_mounts() -> tuple[str, ...] | None:
    """Give the command that runs another one in a network and mounts of its own, where allowed."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return None
    for given in NETWORKS:
        if not subprocess.run([*given, "true"], check=False, capture_output=True).returncode:
            return given
    return None


@pytest.mark.parametrize("number", range(len(TRICKS)), ids=[str(trick) for trick in TRICKS])
def test_nothing_goes_to_a_host_that_was_not_allowed(results: Results, number: int) -> None:
    assert results[number]["went_to"] == [], results[number]["told"]


@pytest.mark.parametrize("number", range(len(ALLOWED)))
def test_what_goes_to_an_allowed_host_is_seen(results: Results, number: int) -> None:
    assert ALLOWED[number][1] in results[len(TRICKS) + number]["went_to"]


def test_the_command_line_sends_nothing_to_a_host_that_was_not_allowed(
    all_results: Results,
) -> None:
    of_commands = all_results[-len(COMMANDS) - len(SPREAD) : -len(SPREAD)]

    assert len(of_commands) == len(COMMANDS)
    for result in of_commands:
        assert result["told"].startswith("exit 104: ")
        assert result["went_to"] == []


def test_new_connections_go_round_the_addresses_of_a_name_and_past_those_that_refuse(
    all_results: Results,
) -> None:
    found = [json.loads(answer["told"]) for answer in all_results[-len(SPREAD) :]]

    assert found == [counts for _, counts in SPREAD]
