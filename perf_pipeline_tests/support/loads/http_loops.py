"""Run a piece of asynchronous test on both event loops, and make requests as one user.

Add here: what several HTTP tests do before they look. Keep out: assertions.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
import uvloop

from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline_tests.support.servers.http_target import HttpTarget

Run = Callable[[Awaitable[list[HttpResult]]], list[HttpResult]]
ENOUGH_US: Final = 5_000_000
LOOPS: Final = (
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
)


def on_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> Run:
    """Give the function that runs a piece of test to its end on a new loop of that kind."""

    def run(work: Awaitable[list[HttpResult]]) -> list[HttpResult]:
        async def main() -> list[HttpResult]:
            return await work

        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main())

    return run


async def get(
    target: HttpTarget, *paths: str, method: str = "GET", timeout_us: int = ENOUGH_US
) -> list[HttpResult]:
    """Request the paths one after the other on one user's connection; a megabyte is the limit."""
    connection = HttpConnection(HttpOrigin.parse(target.base_url), max_body_bytes=1_000_000)
    try:
        return [await connection.request(method, path, timeout_us=timeout_us) for path in paths]
    finally:
        connection.close()
        await asyncio.sleep(0)
