"""An event loop in which waiting takes no time: k6's way to test executors with exact counts."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _NoWait(selectors.DefaultSelector):
    """Jump over the time that the loop wanted to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Give what is ready at once; time is over as soon as everybody waits."""
        if timeout is None:
            raise AssertionError("everything waits for something that never comes")
        ready = super().select(0)
        if not ready:
            self.elapsed_s += max(0.0, timeout)
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._no_wait = _NoWait()
        super().__init__(self._no_wait)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._no_wait.elapsed_s


class VirtualClock:
    """Be a `ports.Clock` on the virtual loop."""

    origin_ns = 0

    def now_us(self) -> int:
        """Give the virtual µs."""
        return round(asyncio.get_running_loop().time() * 1e6)

    async def sleep_until_us(self, at_us: int) -> None:
        """Return at `at_us`."""
        loop = asyncio.get_running_loop()
        if at_us <= self.now_us():
            await asyncio.sleep(0)
            return
        sleeper = loop.create_future()
        loop.call_at(at_us / 1e6, lambda: None if sleeper.done() else sleeper.set_result(None))
        await sleeper


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end without waiting."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(coroutine)
