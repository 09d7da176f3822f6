"""What is watched beside a benchmark: brokers that it may reach, and a part's processes of now."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.loading.watching import sampler
from perf_pipeline.probes.kafka import LagProbe
from perf_pipeline.probes.processes import ProcessProbe
from perf_pipeline.stack.parts import Endpoints, ServiceInfo, Stack
from perf_pipeline.stack.process_register import (
    ProcessRecord,
    ProcessRegister,
    start_mark,
    write_register,
)
from perf_pipeline_tests.support.loads.sessions import session_with

LOOK = {"exec": "http_steps", "parameters": {"steps": [{"name": "look", "path": "/"}]}}
PLACED = {"exec": "produce", "parameters": {"topic": "orders", "value": "x"}}
HANDLED = {"exec": "consume", "parameters": {"topic": "orders"}}
SELECT = {"exec": "select_users"}
PLAN = {"executor": "constant-vus", "vus": 1, "duration": "1s"}


@pytest.mark.parametrize(
    ("benchmark", "scenario", "watched"),
    [
        ("orders", LOOK, {"broker", "consumer_lag"}),  # what an API does may end in a topic
        ("orders", PLACED, {"broker"}),
        ("orders", HANDLED, {"broker", "consumer_lag"}),
        ("database_benchmark", SELECT, set()),
    ],
    ids=["HTTP", "producing", "consuming", "a database alone"],
)
def test_brokers_are_watched_where_messages_may_go(
    tmp_path: Path, benchmark: str, scenario: dict[str, Any], watched: set[str]
) -> None:
    target = {"baseUrl": "http://127.0.0.1:1", "brokers": "127.0.0.1:1"}
    raw = {
        "name": "shop",
        "target": "shop",
        "targets": {"shop": target},
        "benchmarks": {benchmark: {"scenarios": {"one": {**PLAN, **scenario}}}},
    }
    profile = validate_profile(raw, "shop.toml")
    resolved = resolve_target("shop", profile.targets["shop"], {})

    made = sampler(session_with(profile, resolved, tmp_path), benchmark, tmp_path, 0)

    names = {track.name for track in made._tracks}
    assert names - {"host", "processes"} == watched


def test_each_group_that_consumes_is_watched(tmp_path: Path) -> None:
    """Two groups on one topic would tell the same of a partition: the second one has its total."""
    parameters = [("orders", "a"), ("orders", "b"), ("done", "c")]
    scenarios = {
        group: {**PLAN, "exec": "consume", "parameters": {"topic": topic, "group": group}}
        for topic, group in parameters
    }
    raw = {
        "name": "shop",
        "target": "shop",
        "targets": {"shop": {"brokers": "127.0.0.1:1"}},
        "benchmarks": {"orders": {"scenarios": scenarios}},
    }
    profile = validate_profile(raw, "shop.toml")
    resolved = resolve_target("shop", profile.targets["shop"], {})

    made = sampler(session_with(profile, resolved, tmp_path), "orders", tmp_path, 0)

    probes = [track._probe for track in made._tracks if isinstance(track._probe, LagProbe)]
    assert [(probe.name, probe._group, probe._only_total) for probe in probes] == [
        ("consumer_lag", "a", False),
        ("consumer_lag-2", "b", True),
        ("consumer_lag-3", "c", False),
    ]


def test_the_processes_of_a_part_are_those_that_run_now(tmp_path: Path) -> None:
    # When the run began, the worker was process 2^22, the highest pid that Linux gives; it is gone.
    pid = os.getpid()
    worker = ProcessRecord("worker-1", "worker", 2**22, "of before", 15, 1.0, 2)
    now = replace(worker, name="worker-2", pid=pid, mark=start_mark(pid) or "")
    write_register(tmp_path, ProcessRegister(owner=None, processes=(worker, now)))
    service = ServiceInfo("worker", "reference", "1", "", (worker.pid,), {}, None)
    profile = validate_profile(
        {"name": "mine", "benchmarks": {"shop": {"scenarios": {"one": {**PLAN, **LOOK}}}}}, "x"
    )
    session = replace(
        session_with(profile, resolve_target("local", None, {}), tmp_path),
        services=(service,),
        stack=Stack("up", Endpoints(), (service,), tmp_path, ()),
    )

    made = sampler(session, "shop", tmp_path, 0)

    [probe] = [track._probe for track in made._tracks if isinstance(track._probe, ProcessProbe)]
    assert probe._parts["worker"] == (pid,)


def test_a_run_imports_what_speaks_to_redis_only_where_there_is_one() -> None:
    program = "import sys, perf_pipeline.runs.pipeline; print('redis' in sys.modules)"

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout == "False\n"
