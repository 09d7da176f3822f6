"""A run is pushed at its end where a place is named; a place that fails changes no verdict."""

import socket
import time
from pathlib import Path

from perf_pipeline.runs.sharing import share_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.judged_runs import add_judged
from perf_pipeline_tests.support.histories.synthetic_history import api_runs
from perf_pipeline_tests.support.servers.http_target import http_target

_PROFILE = """
name = "shop"
workers = 1
calibration = false
history.remote = "{place}"

[benchmarks.front.scenarios.get]
exec = "http_steps"
executor = "shared-iterations"
vus = 1
iterations = 10
parameters.steps = [{{ name = "front", path = "/ok" }}]

[benchmarks.front.thresholds]
http_req_failed = ["rate<0.01"]
"""


def test_a_run_is_pushed_at_its_end_where_its_profile_names_a_place(tmp_path: Path) -> None:
    profile, place = tmp_path / "shop.toml", tmp_path / "place"
    profile.write_text(_PROFILE.format(place=place))
    anna, ben = CommandLine(tmp_path / "anna"), CommandLine(tmp_path / "ben")
    anna.state.mkdir()
    with http_target() as target:
        pushed = anna("run", str(profile), PERF_BASE_URL=target.base_url)
    pulled = ben.here("pull", "--profile", str(profile))

    assert f"pushed 1 run to {place}; 0 were there already" in pushed.err
    assert pushed.code == anna.code_of(pushed.run_id)
    assert pulled.out == f"pulled 1 run from {place}; 0 were there already\n"
    assert ben.value("select run_id from runs") == pushed.run_id


def test_a_place_that_refuses_is_told_and_nothing_is_raised(tmp_path: Path) -> None:
    add_judged(tmp_path, api_runs(80.0))
    told: list[str] = []
    (tmp_path / "file").write_text("no folder")
    share_run(State(tmp_path), "r001", str(tmp_path / "file"), say=told.append)

    [sentence] = told
    assert sentence.startswith(f"the run was not pushed: {tmp_path / 'file'} can't be ")
    assert sentence.endswith(f"; `perf-pipeline push {tmp_path / 'file'}` does it again")


def test_a_place_that_hangs_is_waited_for_no_longer_than_allowed(tmp_path: Path) -> None:
    add_judged(tmp_path, api_runs(80.0))
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/speed"
        began_s = time.monotonic()
        share_run(State(tmp_path), "r001", url, say=told.append, within_s=0.5)

    assert time.monotonic() - began_s < 20
    again = f"`perf-pipeline push {url}` does it again"
    assert told == [f"the run was not pushed: {url} did not answer within 0.5 s; {again}"]
