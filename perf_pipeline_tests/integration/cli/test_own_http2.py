"""Own scenarios over HTTP/2 against a real server (hypercorn), from the command line on.

The server says which version it was spoken to in. Expected counts are worked out by hand.
"""

import json
import ssl
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine, left_running
from perf_pipeline_tests.support.loads.http2_client import new_certificates
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.shop_server import running_shop

pytestmark = pytest.mark.timeout(180)

PROFILE = """
name = "shop"
workers = 2
calibration = false
seeding.users = 10

[benchmarks.checkout.scenarios.steps]
exec = "http_steps"
executor = "shared-iterations"
vus = 4
iterations = 12

[benchmarks.checkout.scenarios.steps.parameters]
http2 = true
caFile = "ca.pem"
headers = { X-Shop = "1" }

[[benchmarks.checkout.scenarios.steps.parameters.steps]]
name = "login"
method = "POST"
path = "/login"
save = { id = "$.user.id" }

[[benchmarks.checkout.scenarios.steps.parameters.steps]]
name = "buy"
method = "POST"
path = "/echo/${id}"
json = { text = "%s" }
expect.status = 200
expect.json = { "$.cookies.session" = "s-1", "$.headers.x-shop" = "1", "$.path" = "/echo/7" }

[[benchmarks.checkout.scenarios.steps.parameters.steps]]
name = "moved"
path = "/redirect/302?to=/echo/there"
expect = { status = 200, json = { "$.path" = "/echo/there" } }

[[benchmarks.checkout.scenarios.steps.parameters.steps]]
name = "slow"
path = "/delay/100"

[[benchmarks.checkout.scenarios.steps.parameters.steps]]
name = "gone"
path = "/status/404"

[benchmarks.checkout.scenarios.late]
exec = "http_steps"
executor = "per-vu-iterations"
vus = 1
iterations = 3
parameters.http2 = true
parameters.caFile = "ca.pem"
parameters.timeout = "1s"
parameters.steps = [{ name = "late", path = "/delay/5000" }]

[benchmarks.checkout.scenarios.python]
exec = "shop_flows:browse"
executor = "per-vu-iterations"
vus = 3
iterations = 5
parameters = { http2 = true, caFile = "ca.pem" }

[benchmarks.checkout.scenarios.over_httpx]
exec = "shop_flows:browse_by_httpx"
executor = "per-vu-iterations"
vus = 1
iterations = 5
parameters = { http2 = true, caFile = "ca.pem", transport = "httpx" }

[benchmarks.checkout.thresholds]
"http_req_duration{operation:slow}" = ["min>=100", "med<600"]
"checks{scenario:steps}" = ["rate==1"]
"checks{scenario:python}" = ["rate==1"]
# "gone" and "late" fail on purpose.
target_answered = []
""" % ("x" * 200_000)
FLOWS = """
from perf_pipeline.scenario import scenario


async def visit(vu, name):
    await vu.client.post("/login", extensions={"name": name})
    echoed = await vu.client.put("/echo/1", json={"a": 1}, extensions={"name": name})
    vu.check("is known", echoed.json()["cookies"] == {"session": "s-1"})
    vu.check("speaks HTTP/2", echoed.http_version == "HTTP/2")
    await vu.client.head("/echo/2", extensions={"name": name})
    slow = await vu.client.get("/delay/100", extensions={"name": f"{name} slowly"})


@scenario(checks=("is known", "speaks HTTP/2"))
async def browse(vu):
    await visit(vu, "browse")


@scenario(checks=("is known", "speaks HTTP/2"))
async def browse_by_httpx(vu):
    await visit(vu, "by httpx")
"""
# Requests that arrive: a redirect is followed by another one.
ARRIVED = {
    ("POST", "/login"): 12 + 15 + 5,
    ("POST", "/echo/7"): 12,
    ("GET", "/redirect/302?to=/echo/there"): 12,
    ("GET", "/echo/there"): 12,
    ("GET", "/delay/100"): 12 + 15 + 5,
    ("GET", "/status/404"): 12,
    ("GET", "/delay/5000"): 3,
    ("PUT", "/echo/1"): 15 + 5,
    ("HEAD", "/echo/2"): 15 + 5,
}
OUTCOMES = {
    ("login", "ok", 200, ""): 12,
    ("buy", "ok", 200, ""): 12,
    ("moved", "ok", 302, ""): 12,
    ("moved", "ok", 200, ""): 12,
    ("slow", "ok", 200, ""): 12,
    ("gone", "failed", 404, "status"): 12,
    ("late", "timeout", 0, "timeout"): 3,
    ("browse", "ok", 200, ""): 3 * 15,
    ("browse slowly", "ok", 200, ""): 15,
    ("by httpx", "ok", 200, ""): 3 * 5,
    ("by httpx slowly", "ok", 200, ""): 5,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the profile, with certificates and code beside it."""
    folder = new_certificates(tmp_path_factory.mktemp("http2"))
    (folder / "shop_flows.py").write_text(FLOWS, encoding="utf-8")
    (folder / "shop.toml").write_text(PROFILE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[str]:
    with running_shop(folder, http2=True) as port:
        yield f"https://localhost:{port}"


@pytest.fixture(scope="module")
def command(folder: Path, shop: str) -> CommandLine:
    return CommandLine(new_state(folder / "state"), {"PERF_BASE_URL": shop})


@pytest.fixture(scope="module")
def answer(command: CommandLine, folder: Path) -> Answer:
    return command("run", "--profile", str(folder / "shop.toml"))


@pytest.fixture(scope="module")
def seen(answer: Answer, shop: str, folder: Path) -> list[dict[str, Any]]:
    """Ask the shop over HTTP/1.1, with a client of another make, what the run has sent."""
    trusted = ssl.create_default_context(cafile=folder / "ca.pem")
    assert answer.run_id
    with urllib.request.urlopen(f"{shop}/seen", timeout=5, context=trusted) as response:  # noqa: S310 (loopback)
        found: list[dict[str, Any]] = json.load(response)
        return [request for request in found if request["target"] != "/health"]


def test_every_request_of_a_run_was_spoken_in_http2(
    seen: list[dict[str, Any]], answer: Answer
) -> None:
    assert Counter((request["method"], request["target"]) for request in seen) == ARRIVED, (
        answer.err
    )
    assert {request["version"] for request in seen} == {"2"}


def test_outcomes_checks_and_verdicts_are_those_of_http1(
    command: CommandLine, answer: Answer
) -> None:
    rows = command.sql(
        "select operation, outcome, status, error, count(*) from samples group by all"
    )

    assert {(row[0], row[1], row[2], row[3]): row[4] for row in rows} == OUTCOMES, answer.err
    assert command.sql("select sum(passes), sum(fails) from checks") == [(12 * 7 + 20 * 2, 0)]
    assert command.passes_unless_held_up(answer.run_id), answer.out
    assert not left_running(command.state)


def test_durations_hold_the_servers_time_and_nothing_of_setting_up(
    command: CommandLine, answer: Answer
) -> None:
    """The server holds each answer for 100 ms; on a shared machine it may take somewhat longer."""
    rows = command.sql(
        "select operation, min(ended_us - started_us) / 1000, median(ended_us - started_us) / 1000,"
        " median(waiting_us) / 1000, count(*) filter (tls_us > 0) from samples"
        " where operation like '%slow%' group by all"
    )

    assert len(rows) == 3, answer.err
    for _, least_ms, median_ms, waiting_ms, set_up in rows:
        assert 99 <= least_ms <= median_ms < 400
        assert 90 <= waiting_ms <= median_ms
        assert set_up == 0  # an earlier request opened the connection


def test_each_virtual_user_sets_its_connection_up_once(
    command: CommandLine, answer: Answer
) -> None:
    rows = command.sql(
        "select scenario, count(*) filter (tls_us > 0), count(distinct vu) from samples"
        " where scenario <> 'late' group by all order by all"
    )

    assert rows == [("over_httpx", 1, 1), ("python", 3, 3), ("steps", 4, 4)], answer.err


def test_a_long_body_is_sent_whole_and_counted(command: CommandLine, answer: Answer) -> None:
    """JSON {"text":"x..."} is 200,011 bytes; frames of 9 + 16,384 make at least 13 heads."""
    (least, most) = command.sql(
        "select min(bytes_out), max(bytes_out) from samples where operation = 'buy'"
    )[0]

    assert 200_011 + 13 * 9 < least <= most < 200_011 + 2_000, answer.err


def test_a_target_that_speaks_only_http1_is_not_measured_and_named(
    folder: Path, tmp_path: Path
) -> None:
    with running_shop(folder) as port:
        old = CommandLine(
            new_state(tmp_path / "state"), {"PERF_BASE_URL": f"https://localhost:{port}"}
        )
        answer = old("run", "--profile", str(folder / "shop.toml"))

    assert answer.code == 97
    assert f"https://localhost:{port} does not speak HTTP/2" in answer.out + answer.err
    assert old.sql("select count(*) from samples") == [(0,)]
