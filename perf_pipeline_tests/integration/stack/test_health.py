"""An API is asked before its load what its target says, and nothing else."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from perf_pipeline.config.health_question import OF_ANY_SYSTEM
from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.config.target import TargetConfig
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.health import require_health
from perf_pipeline_tests.support.servers.stranger_server import Stranger, running_stranger

READY = {"healthPath": "/ready"}


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with running_stranger() as server:
        yield server


def ask(stranger: Stranger, **keys: Any) -> None:
    target = TargetConfig.model_validate(keys, by_alias=True, by_name=False)
    require_health(stranger.base_url, Trust(), (), target.health_question() or OF_ANY_SYSTEM)


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        ({**READY, "healthStatus": 204}, ["GET /ready"]),
        ({**READY, "healthStatus": [200, 204]}, ["GET /ready"]),
        ({"healthPath": "/orders"}, ["GET /orders"]),
        ({"healthStatus": 404}, ["GET /health"]),
        ({"healthCheck": "tcp"}, []),
        ({"healthCheck": "none"}, []),
        ({}, []),
    ],
    ids=["status", "statuses", "path", "usual path", "tcp", "none", "no key"],
)
def test_an_api_that_answers_as_its_target_says_may_be_loaded(
    stranger: Stranger, keys: dict[str, Any], asked: list[str]
) -> None:
    ask(stranger, **keys)

    assert list(stranger.asked) == asked


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (READY, "/ready answered 204"),
        ({"healthPath": "/nowhere"}, "/nowhere answered 404"),
        ({"healthCheck": "http"}, "/health answered 404"),
    ],
    ids=["another status", "no such path", "usual path"],
)
def test_another_answer_is_told_with_the_keys_that_say_which_one_is_right(
    stranger: Stranger, keys: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(TargetUnavailableError, match=sentence) as caught:
        ask(stranger, **keys)

    assert "healthPath and healthStatus of the target" in caught.value.hint


def test_nobody_who_accepts_a_connection_is_told_with_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{free.getsockname()[1]}"

        with pytest.raises(TargetUnavailableError, match="accepts no connection: .*refused"):
            require_health(base_url, Trust(), (), OF_ANY_SYSTEM)


def test_a_connection_to_plain_http_is_no_connection_for_https(stranger: Stranger) -> None:
    secure = stranger.base_url.replace("http://", "https://")

    with pytest.raises(TargetUnavailableError, match="the target speaks plain HTTP there"):
        require_health(secure, Trust(), (), OF_ANY_SYSTEM)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"healthCheck": "tcp", **READY}, 'healthPath is only for healthCheck = "http"'),
        ({"healthCheck": "none", "healthStatus": 200}, "healthStatus is only for healthCheck"),
        ({"healthPath": "ready"}, "'ready' is not a path on the target"),
        ({"healthStatus": 99}, "99 is not an HTTP status"),
        ({"healthCheck": "ping"}, "Input should be 'http', 'tcp' or 'none'"),
    ],
    ids=["path with tcp", "status with none", "no path", "no status", "no check"],
)
def test_keys_that_say_nothing_sensible_are_refused(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        TargetConfig.model_validate(keys, by_alias=True, by_name=False)
