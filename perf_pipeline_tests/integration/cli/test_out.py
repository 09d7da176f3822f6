"""A run whose figures are sent while it goes on: `run --out`."""

import json
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.servers.fine_server import fine_server
from perf_pipeline_tests.support.servers.point_receiver import point_receiver

SHOP = """
name = "shop"
workers = 2
calibration = false
target = "here"
[targets.here]
baseUrl = "{base_url}"
healthPath = "/"
[benchmarks.shop.scenarios.buy]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 50
duration = "2s"
preAllocatedVUs = 10
[[benchmarks.shop.scenarios.buy.parameters.steps]]
name = "pay"
path = "/pay"
"""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    (tmp_path / "state").mkdir()
    return CommandLine(tmp_path / "state")


def test_what_a_receiver_has_at_the_end_is_what_the_run_counted(
    command: CommandLine, tmp_path: Path
) -> None:
    with fine_server() as base_url, point_receiver() as receiver:
        profile = tmp_path / "shop.toml"
        profile.write_text(SHOP.format(base_url=base_url), encoding="utf-8")
        answer = command(
            "run", str(profile), "--json", f"--out=prometheus={receiver.url}", "--confirm=0"
        )
    counted = command.value("select count(*) from samples where outcome <> 'interrupted'")
    points = [point for point in receiver.remote_writes if point.value == point.value]
    whole = [point for point in points if point.name.startswith("perf_run_")]
    points = [point for point in points if point not in whole]
    last = {point.name: point.value for point in points if point.labels.get("name") == "pay"}
    events = [json.loads(line) for line in answer.err.splitlines()]

    assert answer.code == command.code_of(answer.run_id), answer.err
    assert counted > 90
    assert last["k6_http_reqs_total"] == last["perf_operations_total"] == counted
    ended = command.value("select count(*) from iterations where outcome <> 'interrupted'")
    assert [point.value for point in points if point.name == "k6_iterations_total"][-1] == ended
    assert 0 < last["k6_http_req_duration_p50"] <= last["k6_http_req_duration_p99"] < 5
    assert {point.labels["testid"] for point in points} == {answer.run_id}
    assert {"k6_vus", "perf_planned_iterations_per_s", "perf_host_cpu_percent"} <= {
        point.name for point in points
    }
    assert [
        point.value
        for point in whole
        if (point.labels.get("metric"), point.labels.get("statistic")) == ("http_reqs", "count")
        and "tags" not in point.labels
    ] == [command.value("select count(*) from samples where phase = 'measured'")]
    took = [event["text"] for event in events if "took all" in event.get("text", "")]
    whole_run, under_way = sorted(took)
    assert whole_run.startswith(f"figures of the whole run: prometheus at {receiver.url} took all ")
    assert under_way.startswith(f"prometheus at {receiver.url} took all ")
    assert command.value("select max(value) from readings where name = 'live_points_lost'") == 0


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("csv=http://127.0.0.1", "'csv' is not a receiver; write KIND=URL, where KIND is one of"),
        ("influxdb=http://127.0.0.1:8086", "names no database; write http://HOST:8086/DATABASE"),
        ("otel=http://192.0.2.1:4318", "192.0.2.1 (otel of [out]) is neither this machine nor"),
    ],
)
def test_a_receiver_that_is_none_is_told_before_any_load(
    command: CommandLine, out: str, told: str
) -> None:
    answer = command.here("run", "--out", out)

    assert answer.code == 104
    assert told in answer.err.replace("\n", " ")


@pytest.mark.parametrize("token", ["tök-en-9", "tok\ten-9"])
def test_a_token_that_no_header_may_have_is_refused_and_not_shown(
    command: CommandLine, token: str
) -> None:
    variables = {"PERF_OUT_OTEL_TOKEN": token}
    answer = command.here("run", "--out=otel=http://127.0.0.1:4318", **variables)

    assert answer.code == 104
    assert "PERF_OUT_OTEL_TOKEN has letters that no header may have" in answer.err
    assert "en-9" not in answer.err


def test_two_receivers_of_a_kind_are_refused(command: CommandLine) -> None:
    answer = command.here("run", "--out=otel=http://127.0.0.1:1", "--out=otel=http://127.0.0.1:2")

    assert answer.code == 104
    assert "--out otel is given twice; a run has one receiver of a kind" in answer.err
