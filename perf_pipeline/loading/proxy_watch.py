"""Watch the proxy between parts during a load: whether it passes data on, and was not the limit.

Behind a proxy that is gone or overloaded, a load shows nothing about the target.
Add here: another reason why a proxy is unfit. Keep out: its commands (held_faults.py), and the
consequences (progress.py, measure.py).
"""

import time
from contextlib import suppress
from typing import Final

from perf_pipeline.errors import StackError
from perf_pipeline.report.wording import plural
from perf_pipeline.stack.link_routes import NO_LINKS
from perf_pipeline.stack.links import ProxyState, proxy_state
from perf_pipeline.stack.parts import Stack

MOST_CPU: Final = 0.8
"""Of the one processor that a proxy can use: at more, bytes wait twice as long as they take."""


class ProxyWatch:
    """Watch the proxy of a stack during a step of a load; without a proxy, all is well.

    Args:
        stack: the stack of the run.
    """

    def __init__(self, stack: Stack | None) -> None:
        self._links = NO_LINKS if stack is None else stack.links
        self._began: tuple[float, float] | None = None
        self._strangers_before = 0

    def begin(self) -> None:
        """Count the proxy's work from now on."""
        try:
            self._began, _ = self._now()
        except StackError:
            self._began = None  # it is asked again at the end, which reports the error

    def count_strangers(self) -> None:
        """Count strangers, who are not clients of brokers, from now on."""
        with suppress(StackError):  # `trouble` reports it
            self._strangers_before = self._state().strangers

    def trouble(self) -> str:
        """Say why traffic through the proxy shows nothing about the target; else nothing."""
        if not self._links.links:
            return ""
        try:
            (now_s, cpu_s), unknown = self._now()
        except StackError as error:
            return f"{error.sentence}, so it is unknown what the target did behind it"
        if unknown:
            return (
                f"brokers named {unknown}, before which no proxy of this run stands, so part of "
                "the load may have gone past every fault"
            )
        if self._began is None:
            return ""
        began_s, before_s = self._began
        share = (cpu_s - before_s) / max(now_s - began_s, 1.0)
        if share <= MOST_CPU:
            return ""
        return (
            f"the proxy between the parts took {share:.0%} of a processor, and can use one only, "
            "so what was slow behind it was not the target alone"
        ).replace("%", " %")

    def told(self) -> tuple[str, ...]:
        """Report what is worth knowing about the proxy but makes nothing INVALID."""
        try:
            strangers = self._state().strangers - self._strangers_before
        except StackError:
            return ()  # `trouble` reports it
        if not strangers:
            return ()
        sentence = (
            f"{plural(strangers, 'connection')} did not speak Kafka's protocol with the proxy "
            "before the brokers; the load has no such connections, and none is judged"
        )
        return (sentence,)

    def _now(self) -> tuple[tuple[float, float], str]:
        """Return the time, the proxy's CPU so far, and the brokers that it does not cover."""
        state = self._state()
        return (time.monotonic(), state.cpu_s), state.unknown

    def _state(self) -> ProxyState:
        return proxy_state(self._links) if self._links.links else ProxyState(0.0)
