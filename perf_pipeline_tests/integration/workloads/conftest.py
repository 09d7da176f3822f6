"""Fixtures of the tests of workloads over HTTP; one of a file's own takes their place there."""

from collections.abc import Iterator

import pytest

from perf_pipeline_tests.support.loads.http_loops import LOOPS, Run, on_loop
from perf_pipeline_tests.support.servers.http_target import HttpTarget, http_target
from perf_pipeline_tests.support.servers.shop_server import running_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """Give the base URL of a shop."""
    with running_shop() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def target() -> Iterator[HttpTarget]:
    """Give a target with known behaviour."""
    with http_target() as running:
        yield running


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Run a test on each event loop."""
    return on_loop(request.param)
