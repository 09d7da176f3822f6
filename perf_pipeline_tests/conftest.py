"""Real services for every test that needs one: given by option, or started by the stack itself.

They are started at their first use, once for the whole session, and stopped at its end.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from perf_pipeline.loading.locks import LOCK_FOLDER_VARIABLE
from perf_pipeline.stack.embedded import doctor, running_stack
from perf_pipeline.stack.parts import Stack, StackOptions

STATE = Path(__file__).resolve().parent.parent / ".perf" / "tests"
SERVERS = frozenset({"postgres", "kafka", "redis"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let services be given instead of started."""
    group = parser.getgroup("perf_pipeline")
    group.addoption("--postgres-dsn", help="use this PostgreSQL")
    group.addoption("--brokers", help="use these Kafka bootstrap servers")
    group.addoption("--redis-url", help="use this Redis")


def pytest_configure() -> None:
    """Let runs wait for those of this suite only, and property tests take as long as they need."""
    os.environ.setdefault(LOCK_FOLDER_VARIABLE, str(state()))
    # An example may take its time: how long it takes tells of the machine, not of the code.
    settings.register_profile(
        "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any machine")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say where every service comes from, and loudly what could not be had."""
    findings = doctor(state(), options(config))
    return [f"{'' if one.ok else '!!! '}{one.part}: {one.sentence}" for one in findings]


def options(config: pytest.Config) -> StackOptions:
    """Give the servers that tests need; the reference system is started by who tests it."""
    return StackOptions(
        postgres_dsn=config.getoption("--postgres-dsn"),
        brokers=config.getoption("--brokers"),
        redis_url=config.getoption("--redis-url"),
        parts=SERVERS,
    )


def state() -> Path:
    """Give the tests' own state folder; only the downloaded jars are shared with other runs."""
    STATE.mkdir(parents=True, exist_ok=True)
    shared = STATE.parent / "cache"
    shared.mkdir(exist_ok=True)
    link = STATE / "cache"
    if not link.exists():
        link.symlink_to(shared, target_is_directory=True)
    return STATE


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Iterator[Stack]:
    """Give PostgreSQL, a broker and, where it can be had, Redis."""
    with running_stack(state(), options(pytestconfig), say=lambda _: None) as stack:
        yield stack


@pytest.fixture(scope="session")
def postgres_dsn(servers: Stack) -> str:
    """Give the DSN of a real PostgreSQL."""
    assert servers.endpoints.postgres_dsn is not None
    return servers.endpoints.postgres_dsn


@pytest.fixture(scope="session")
def brokers(servers: Stack) -> str:
    """Give the bootstrap servers of a real broker."""
    assert servers.endpoints.brokers is not None
    return servers.endpoints.brokers


@pytest.fixture(scope="session")
def redis_url(servers: Stack) -> str | None:
    """Give the URL of a real Redis; None where none can be had."""
    return servers.endpoints.redis_url
