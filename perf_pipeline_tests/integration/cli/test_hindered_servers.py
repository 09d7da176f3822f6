"""Faults of the network before a PostgreSQL and a Redis that a run does not start.

They listen at 127.0.0.2, where a proxy finds them by their address, as on another host.
"""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine, left_running
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.elsewhere import passed_on

pytestmark = pytest.mark.timeout(150)

ELSEWHERE = "127.0.0.2"

PROFILE = """
name = "cut"
workers = 1
calibration = false
[benchmarks.rows]
faults = [
    { at = "3s", kind = "delay", from = "load", to = "postgres", delay = "500ms", for = "1s" },
]
[benchmarks.rows.scenarios.look]
exec = "sql"
executor = "constant-arrival-rate"
rate = 20
duration = "7s"
preAllocatedVUs = 40
gracefulStop = "2s"
parameters = { statements = [{ name = "one", sql = "select 1" }] }
[benchmarks.cache_benchmark]
faults = [
    { at = "3s", kind = "delay", from = "load", to = "redis", delay = "500ms", for = "1s" },
]
[benchmarks.cache_benchmark.scenarios.read_through]
exec = "read_through_cache"
executor = "constant-arrival-rate"
rate = 20
duration = "7s"
preAllocatedVUs = 40
gracefulStop = "2s"
parameters = { keys = 20 }
"""


def at(server: SplitResult, port: int) -> str:
    """Write where a server is, but at another address."""
    userinfo = server.netloc.rpartition("@")[0]
    return server._replace(netloc=f"{userinfo}@{ELSEWHERE}:{port}", query="").geturl()


def test_the_load_of_given_servers_is_hindered_and_nothing_else(
    tmp_path: Path, postgres_dsn: str, redis_url: str | None
) -> None:
    assert redis_url is not None
    database, cache = urlsplit(postgres_dsn), urlsplit(redis_url)
    assert database.port is not None
    assert cache.port is not None
    profile = tmp_path / "cut.toml"
    profile.write_text(PROFILE, encoding="utf-8")

    with passed_on(database.port, ELSEWHERE) as dsn_port, passed_on(cache.port, ELSEWHERE) as port:
        given = {
            "PERF_POSTGRES_DSN": at(database, dsn_port),
            "PERF_REDIS_URL": at(cache, port),
        }
        command = CommandLine(new_state(tmp_path / "state"), given)
        answer = command("run", str(profile))

    def felt(fault: str) -> dict[str, Any]:
        return dict(
            command.sql(f"select name, value from figures where operation = '{fault}'"),
        )

    # 20 operations are due in the second of each; a busy machine may send some of them later.
    for fault in ("delay load to postgres", "delay load to redis"):
        assert felt(fault)["fault_slow"] >= 10, answer.out + answer.err
        assert felt(fault)["fault_failed"] == 0
    facts = command.value("select facts from environments")
    assert facts["proxied"] == "load-postgres, load-redis"
    assert "starting a proxy between the load and postgres, redis" in answer.err
    assert left_running(command.state) == []
