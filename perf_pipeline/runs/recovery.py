"""Whether a target is as it was before a load that it did not carry: asked, and not guessed.

A light load is judged again and again until it is answered as before the search, and nothing waits
any more.

Add here: another sign that a target has not recovered. Keep out: the search (capacity.py).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.report.wording import number
from perf_pipeline.runs.windows import JudgedWindow

LEAST_FACTOR: Final = 2.0
LEAST_MS: Final = 20.0
_FAILED_MORE: Final = 0.01
_PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Band:
    """Hold how a light load was answered before the search.

    Attributes:
        p95_ms: of its response time.
        failed_ratio: share of its operations that did not go well.
        waiting: messages that waited for each group of consumers at its end.
    """

    p95_ms: float
    failed_ratio: float
    waiting: float

    @classmethod
    def of(cls, window: JudgedWindow) -> "Band":
        """Take it from a light load."""
        return cls(window.p95_ms or 0.0, window.failed_ratio or 0.0, window.waiting)

    def misses(self, window: JudgedWindow) -> str:
        """Say in what a light load is not as before; empty where it is."""
        most_ms = max(LEAST_FACTOR * self.p95_ms, self.p95_ms + LEAST_MS)
        if window.p95_ms is None or window.outcome.status != "complete":
            return "it does not answer"
        if window.p95_ms > most_ms:
            return (
                f"the p95 of a light load is {number(window.p95_ms)} ms and was "
                f"{number(self.p95_ms)} ms before"
            )
        if (window.failed_ratio or 0.0) > self.failed_ratio + _FAILED_MORE:
            return f"{number(100 * (window.failed_ratio or 0.0))} % of a light load fail"
        if window.waiting > LEAST_FACTOR * self.waiting + window.started:
            return f"{window.waiting:,.0f} messages wait still"
        return ""


def await_recovery(
    band: Band,
    light: Callable[[], JudgedWindow],
    limit_s: float,
    is_over: Callable[[], bool],
    now_s: Callable[[], float] = time.monotonic,
) -> str:
    """Load lightly until the target is as before; return why it is not after the limit, or nothing.

    Args:
        band: of before.
        light: loads a light window; raises TargetUnavailableError.
        limit_s: how long to wait; at least one light load is judged.
        is_over: the run is being stopped.
        now_s: a clock.
    """
    began_s = now_s()
    while not is_over():
        try:
            missing = band.misses(light())
        except TargetUnavailableError as error:
            missing = error.sentence
            time.sleep(_PAUSE_S)
        if not missing:
            return ""
        if now_s() - began_s >= limit_s:
            return missing
    return ""
