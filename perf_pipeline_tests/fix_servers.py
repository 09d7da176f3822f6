"""Real services for every test that needs one: given by option, or started by the stack itself.

They are started at their first use, once for the whole process, and stopped at its end. Their
priority is that of the tests, and not one below a load's: behind processes that compute, a broker
can have to wait for its turn until its clients have given up.
Add here: another server. Keep out: the reference system (integration/fix_up.py).
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from perf_pipeline.stack import service
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import Stack
from perf_pipeline_tests.support.given import given_servers
from perf_pipeline_tests.support.places import own_state
from perf_pipeline_tests.support.silent import hush


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Iterator[Stack]:
    """Give PostgreSQL, a broker and, where it can be had, Redis."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as until_the_end:
        patch.setattr(service, "put_behind_us", lambda _pid, _nice: None)
        running = running_stack(own_state(), given_servers(pytestconfig), say=hush)
        stack = until_the_end.enter_context(running)
        patch.undo()
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
