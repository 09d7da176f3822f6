"""The whole stack: the reference system on real servers, from its start to its end."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from perf_pipeline.stack.embedded import down, running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.stack.process_register import is_alive, read_register, start_mark
from perf_pipeline_tests.support.loads.own_processes import command_lines
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import hush

USER = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@example.org",
    "birthdayDate": "1990-12-10",
    "timezone": "Europe/London",
}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Give a state folder that shares the checkout's cache, so that jars are fetched once."""
    folder = new_state(tmp_path / "state")
    yield folder
    down(folder, say=hush)


def post_user(base_url: str) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    try:
        headers = {"content-type": "application/json"}
        connection.request("POST", "/user", json.dumps(USER), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.timeout(240)  # the very first start fetches 44 MB
def test_the_whole_stack_serves_a_user_and_leaves_no_process(state: Path) -> None:
    options = StackOptions(api_processes=2, worker_processes=2)
    with running_stack(state, options, say=hush) as stack:
        parts = {service.name: service for service in stack.services}
        assert list(parts) == ["postgres", "broker", "redis", "api", "worker", "relay"]
        assert len(parts["api"].pids) >= 2
        assert len(parts["worker"].pids) == 2
        assert len(parts["relay"].pids) == 1
        status, answer = post_user(stack.endpoints.base_url or "")
        assert status == 201
        assert answer["email"] == USER["email"]
        with psycopg.connect(stack.endpoints.postgres_dsn or "") as connection:
            assert connection.execute("select email from users").fetchone() == (USER["email"],)
            password = connection.info.password
        assert not any(password in word for _, words in command_lines() for word in words)
        logs = [path.read_text() for path in (stack.folder / "logs").iterdir()]
        assert not any(password in text for text in logs)
        pids = [pid for service in stack.services for pid in service.pids]
        register = read_register(stack.folder)
    assert register is not None
    assert [record.name for record in register.processes if is_alive(record)] == []
    assert [pid for pid in pids if start_mark(pid) is not None] == []
