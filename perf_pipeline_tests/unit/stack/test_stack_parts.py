"""What is written for `find_running` comes back the same, and only a suitable stack is used."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.stack.embedded import _suits
from perf_pipeline.stack.parts import (
    EXTERNAL,
    UP,
    Endpoints,
    ServiceInfo,
    Stack,
    StackOptions,
    from_document,
    to_document,
)


def service(name: str, kind: str = "reference", **settings: str) -> ServiceInfo:
    log = None if kind == "external" else Path("/state/logs") / f"{name}.log"
    return ServiceInfo(name, kind, "1.0", "127.0.0.1:15001", (4711,), settings, log)


STACK = Stack(
    name="up",
    endpoints=Endpoints("http://127.0.0.1:1", "postgresql://a:b@h/d", "h:9092", None),
    services=(
        service("postgres", "postgresql", fsync="on"),
        service("broker", "external"),
        service("api", processes="1"),
        service("worker", processes="2"),
    ),
    folder=Path("/state"),
    notices=("loud",),
)
OPTIONS = StackOptions(brokers="h:9092", worker_processes=2)


def test_a_stack_comes_back_from_its_json_document_as_it_was() -> None:
    assert from_document(json.loads(json.dumps(to_document(STACK)))) == STACK


@pytest.mark.parametrize(
    ("options", "suits"),
    [
        pytest.param(OPTIONS, True, id="the same"),
        pytest.param(replace(OPTIONS, parts=frozenset({"postgres"})), True, id="fewer parts"),
        pytest.param(replace(OPTIONS, worker_processes=4), False, id="more workers"),
        pytest.param(replace(OPTIONS, api_processes=2), False, id="more API processes"),
        pytest.param(replace(OPTIONS, brokers=None), False, id="an embedded broker"),
        pytest.param(replace(OPTIONS, broker_count=3), True, id="brokers that are given"),
        pytest.param(replace(OPTIONS, brokers="other:9092"), False, id="other brokers"),
        pytest.param(replace(OPTIONS, postgres_dsn="postgresql://x/y"), False, id="a given DSN"),
    ],
)
def test_a_running_stack_is_used_only_with_the_same_parts_and_sizes(
    options: StackOptions, suits: bool
) -> None:
    assert _suits(STACK, options) is suits


@pytest.mark.parametrize(
    ("name", "kind", "is_thrown_away"),
    [("run-1-1", "postgresql", True), ("run-1-1", EXTERNAL, False), (UP, "postgresql", False)],
)
def test_only_a_database_that_was_started_for_one_run_is_thrown_away(
    name: str, kind: str, *, is_thrown_away: bool
) -> None:
    """Rows in any other one have to be removed."""
    stack = replace(STACK, name=name, services=(service("postgres", kind),))

    assert stack.throws_away("postgres") is is_thrown_away
    assert not stack.throws_away("redis")
