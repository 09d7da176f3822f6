"""Faults of the network before a server that a run does not start: they hinder the load alone."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine, left_running, wait_until
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

pytestmark = pytest.mark.timeout(150)

PROFILE = """
name = "hindered"
workers = 1
calibration = false
[benchmarks.shop]
faults = [
    { at = "3s", kind = "delay", from = "load", to = "api", delay = "800ms", for = "1s" },
    { at = "10s", kind = "reset", to = "api", for = "1s" },
]
[benchmarks.shop.scenarios.look]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 20
duration = "SECONDSs"
preAllocatedVUs = 50
gracefulStop = "2s"
[[benchmarks.shop.scenarios.look.parameters.steps]]
name = "look"
path = "/x"
"""


class AskedHosts:
    """Serve until the block ends, and remember which server each request names."""

    def __init__(self) -> None:
        self.names: set[str | None] = set()
        names = self.names

        class _Asked(QuietHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with suppress(ConnectionError):  # a reset
                    super().handle()

            def do_GET(self) -> None:
                if self.path == "/x":
                    names.add(self.headers["Host"])
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

        self.serving = serving(_Asked)


@pytest.fixture
def asked() -> Iterator[tuple[str, AskedHosts]]:
    """Give the address of a server of somebody's own, by its name, and what it was asked."""
    server = AskedHosts()
    with server.serving as base_url:
        yield base_url.replace("127.0.0.1", "localhost"), server


def written(folder: Path, seconds: int) -> str:
    path = folder / "hindered.toml"
    path.write_text(PROFILE.replace("SECONDS", str(seconds)), encoding="utf-8")
    return str(path)


def test_a_server_of_somebodys_own_is_hindered_and_is_named_in_all_requests(
    tmp_path: Path, asked: tuple[str, AskedHosts]
) -> None:
    base_url, server = asked
    command = CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": base_url})

    answer = command("run", written(tmp_path, 15))

    def felt(fault: str) -> dict[str, Any]:
        rows = command.sql(
            f"select name, value from figures where run_id = '{answer.run_id}' "
            f"and operation = '{fault}'"
        )
        assert rows, answer.err
        return dict(rows)

    # 20 requests are due in each of the two seconds; a busy machine may send some of them later.
    delayed = felt("delay load to api")
    # What waits at the undo is passed on at once, so that one that is due x ms before it takes x ms
    # only; where 300 ms are as usual, because the machine is busy, the last six are not slow.
    assert delayed["fault_slow"] >= 5
    # Where it is not over before the reset, its failures are counted in.
    assert delayed["fault_failed"] == 0 or delayed.get("fault_recovery_s", 7) >= 7
    assert 10 <= felt("reset api")["fault_failed"] <= 60
    assert server.names == {base_url.removeprefix("http://")}
    facts = command.value(
        "select facts from environments join runs using (environment_id) "
        f"where run_id = '{answer.run_id}'"
    )
    assert facts["proxied"] == "load-api"
    assert "NOTICE the connections load to api go through a proxy" in answer.out
    assert left_running(command.state) == []


def test_a_proxy_before_somebodys_server_ends_with_a_run_that_is_killed(
    tmp_path: Path, asked: tuple[str, AskedHosts]
) -> None:
    base_url, _ = asked
    command = CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": base_url})
    running = command.begin("run", written(tmp_path, 60))
    running.wait_for("fault delay load to api begins")
    assert left_running(command.state)

    running.send(signal.SIGKILL)

    wait_until(lambda: not left_running(command.state), 60.0)
    running.kill()
