"""Which servers tests use: those that pytest's options name, or those that the stack starts.

Add here: another server. Keep out: starting them (fix_servers.py).
"""

import pytest

from perf_pipeline.stack.parts import StackOptions

SERVERS = frozenset({"postgres", "kafka", "redis"})


def given_servers(config: pytest.Config) -> StackOptions:
    """Give the servers that tests need; the reference system is started by who tests it."""
    return StackOptions(
        postgres_dsn=config.getoption("--postgres-dsn"),
        brokers=config.getoption("--brokers"),
        redis_url=config.getoption("--redis-url"),
        parts=SERVERS,
    )
