"""Reports lead from the slowest requests of a run to their traces."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.http_target import HttpTarget, http_target

PROFILE = """
name = "traced"
workers = 1
calibration = false
target = "here"
[targets.here]
baseUrl = "{base_url}"
{page}
[benchmarks.visits.scenarios.visits]
exec = "http_steps"
executor = "per-vu-iterations"
vus = 3
iterations = 20
[benchmarks.visits.scenarios.visits.parameters]
trace = true
traceRatio = {ratio}
steps = [{{ name = "ok", path = "/ok" }}, {{ name = "echo", method = "POST", path = "/echo" }}]
[benchmarks.visits.thresholds]
http_req_failed = ["rate<0.5"]
"""
PAGE = 'traceUrl = "https://traces.example/trace/{trace_id}?a=1&b=2"'


@pytest.fixture(scope="module")
def target() -> Iterator[HttpTarget]:
    with http_target() as running:
        yield running


def test_the_slowest_of_each_operation_keep_their_trace_also_without_their_samples(
    target: HttpTarget, tmp_path: Path
) -> None:
    command, path = CommandLine(new_state(tmp_path / "state")), tmp_path / "traced.toml"
    path.write_text(PROFILE.format(base_url=target.base_url, page=PAGE, ratio=0.5))
    target.requests.clear()

    ran = command("run", str(path))

    seen = [request.headers["traceparent"].split("-") for request in target.requests[-120:]]
    sampled = {trace for _, trace, _, flags in seen if flags == "01"}
    slowest = json.loads((reports(command, ran.run_id) / "summary.json").read_text())[
        "perf_pipeline"
    ]["slow_requests"]
    assert {request["trace_id"] for request in slowest} <= sampled
    assert [request["position"] for request in slowest if request["operation"] == "ok"] == list(
        range(1, 11)
    )
    # The slowest by the samples themselves, of those that the target saw marked.
    times = command.sql(
        "select vu, iteration, (ended_us - started_us) / 1e3 from samples "
        "where operation = 'ok' order by ended_us - started_us desc"
    )
    kept = [request["service_ms"] for request in slowest if request["operation"] == "ok"]
    assert kept == sorted(kept, reverse=True)
    assert set(kept) <= {took_ms for *_, took_ms in times}

    first = next(request for request in slowest if request["operation"] == "ok")
    url = f"https://traces.example/trace/{first['trace_id']}?a=1&b=2"
    assert first["url"] == url
    assert "slowest traced request" in ran.out
    assert url in ran.out.replace("\n", "")
    folder = reports(command, ran.run_id)
    escaped = url.replace("&", "&amp;")
    assert f'<a href="{escaped}">' in (folder / "report.html").read_text()
    assert first["trace_id"] in (folder / "report.md").read_text()
    # The pages are those of the tracing system that the run wrote to, whoever judges it.
    other = tmp_path / "other.toml"
    elsewhere = PAGE.replace("traces.example", "elsewhere.example")
    other.write_text(PROFILE.format(base_url=target.base_url, page=elsewhere, ratio=1))
    command.here("judge", ran.run_id, "--profile", str(other), "--quiet")
    what_if = (folder / "what-if" / "report.html").read_text()
    assert escaped in what_if
    assert "elsewhere.example" not in what_if
    command.here("report", ran.run_id, "--quiet")
    assert first["trace_id"] in command.here("show", ran.run_id).out


def test_without_a_page_the_id_is_told(target: HttpTarget, tmp_path: Path) -> None:
    command, path = CommandLine(new_state(tmp_path / "state")), tmp_path / "traced.toml"
    path.write_text(PROFILE.format(base_url=target.base_url, page="", ratio=1))

    ran = command("run", str(path))

    [(trace,)] = command.sql(
        "select trace_id from slow_traces where operation = 'ok' and position = 1"
    )
    assert trace in ran.out
    assert f"<td>{trace}</td>" in (reports(command, ran.run_id) / "report.html").read_text()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "trace = true",
            "trace = false",
            "has traceRatio, which does nothing without trace = true",
        ),
        ("traceRatio = 0.5", "traceRatio = 0", "traceRatio"),
        ("traceRatio = 0.5", "traceRatio = 1.5", "traceRatio"),
        (
            "{trace_id}",
            "{traceid}",
            "is not the page of a trace; write a URL with {trace_id} in it",
        ),
        ("https://traces", "javascript:", "is not the page of a trace"),
        ("trace = true", "traces = true", "did you mean trace?"),
    ],
)
def test_what_is_no_trace_is_refused_before_the_load(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "traced.toml"
    text = PROFILE.format(base_url="http://127.0.0.1:9", page=PAGE, ratio=0.5)
    path.write_text(text.replace(old, new))

    answer = CommandLine(tmp_path).here("check", str(path))

    assert answer.code == 104
    assert told in answer.err


def reports(command: CommandLine, run_id: str) -> Path:
    return command.state / "reports" / run_id
