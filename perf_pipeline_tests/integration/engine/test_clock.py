"""Waiting on the real clock: never early, in order, with and without timerfd."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from perf_pipeline.engine import clock as clock_module
from perf_pipeline.engine.clock import MonotonicClock

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


class _NoTimerFd:
    def __init__(self) -> None:
        raise OSError("as on macOS")


@pytest.fixture(params=["timerfd", "timers of the loop"])
def alarm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "timerfd":
        monkeypatch.setattr(clock_module, "TimerFd", _NoTimerFd)
    return str(request.param)


def on_clock(loop: str, work: Callable[[MonotonicClock], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = MonotonicClock(time.monotonic_ns())
        try:
            await work(clock)
        finally:
            clock.close()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.usefixtures("alarm")
def test_nobody_is_woken_early(loop: str) -> None:
    early: list[int] = []

    async def sleeper(clock: MonotonicClock, at_us: int) -> None:
        await clock.sleep_until_us(at_us)
        if clock.now_us() < at_us:
            early.append(at_us)

    async def work(clock: MonotonicClock) -> None:
        start_us = clock.now_us()
        await asyncio.gather(*(sleeper(clock, start_us + n * 733) for n in range(400)))

    on_clock(loop, work)

    assert early == []


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.usefixtures("alarm")
def test_sleepers_wake_in_the_order_of_their_times(loop: str) -> None:
    woken: list[int] = []

    async def sleeper(clock: MonotonicClock, start_us: int, order: int) -> None:
        await clock.sleep_until_us(start_us + order * 40_000)
        woken.append(order)

    async def work(clock: MonotonicClock) -> None:
        start_us = clock.now_us()
        await asyncio.gather(*(sleeper(clock, start_us, n) for n in (3, 1, 4, 2, 5)))

    on_clock(loop, work)

    assert woken == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("alarm")
def test_a_cancelled_sleeper_does_not_keep_the_others_asleep() -> None:
    async def work(clock: MonotonicClock) -> None:
        start_us = clock.now_us()
        first = asyncio.ensure_future(clock.sleep_until_us(start_us + 10_000))
        second = asyncio.ensure_future(clock.sleep_until_us(start_us + 20_000))
        await asyncio.sleep(0)
        first.cancel()
        await second

        assert first.cancelled()
        assert clock.now_us() >= start_us + 20_000

    on_clock("uvloop", work)


def test_a_time_that_is_over_does_not_wait_but_lets_others_run() -> None:
    async def work(clock: MonotonicClock) -> None:
        others: list[str] = []
        asyncio.get_running_loop().call_soon(others.append, "had its turn")
        began_us = clock.now_us()
        await clock.sleep_until_us(-1)

        assert others == ["had its turn"]
        assert clock.now_us() - began_us < 1_000_000

    on_clock("uvloop", work)


def test_a_worker_imports_nothing_heavy() -> None:
    import subprocess  # noqa: PLC0415 - only this test looks from outside
    import sys  # noqa: PLC0415 - as above

    heavy = "{'duckdb', 'dagster', 'scipy', 'rich', 'httpx', 'psycopg', 'confluent_kafka', 'numpy'}"
    code = f"import sys, perf_pipeline.engine.worker; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert done.stdout.strip() == "set()"
