"""Check, by asking it, whether a target has recovered from a load that it did not carry.

A light load is repeated and judged until it is answered as before the search, and no work is
waiting any more.

Add here: another sign that a target has not recovered. Keep out: the search (capacity.py).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline.report.wording import number
from perf_pipeline.runs.windows import JudgedWindow

LEAST_FACTOR: Final = 2.0
LEAST_MS: Final = 20.0
_FAILED_MORE: Final = 0.01
_PAUSE_S: Final = 0.5
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Band:
    """Hold how a light load was answered before the search.

    Attributes:
        p95_ms: the p95 of its response time.
        failed_ratio: the share of its operations that failed.
        waiting: messages that waited for each group of consumers at its end.
    """

    p95_ms: float
    failed_ratio: float
    waiting: float

    @classmethod
    def of(cls, window: JudgedWindow) -> "Band":
        """Take the band from a light load."""
        return cls(window.p95_ms or 0.0, window.failed_ratio or 0.0, window.waiting)

    def misses(self, window: JudgedWindow) -> str:
        """Say how a light load differs from the one before the search; empty if it does not."""
        most_ms = max(LEAST_FACTOR * self.p95_ms, self.p95_ms + LEAST_MS)
        if window.outcome.status == "abort_on_fail":
            return "; ".join(window.outcome.problems) or "a threshold ended a light load"
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
            return f"{window.waiting:,.0f} messages are still waiting"
        return ""


def band_before(light: Callable[[], JudgedWindow], is_over: Callable[[], bool]) -> Band | None:
    """Load lightly before a search; return how the target answered, or None after a stop.

    If the load generator was the limit, its own delays would be taken for those of the target, and
    every later light load for a recovery. So such a load says nothing, and is repeated.

    Args:
        light: loads a light window.
        is_over: the run is being stopped.

    Raises:
        GeneratorLimitError: the load generator was the limit again and again.
        TargetUnavailableError: the target went away during the light load, or before it.
    """
    reasons: Sequence[str] = ()
    for _ in range(_TRIES):
        window = light()
        if is_over():
            return None
        if not window.outcome.valid:
            reasons = window.outcome.invalid_reasons
        elif window.outcome.status == "aborted":
            told = "; ".join(window.outcome.problems)
            raise TargetUnavailableError(
                f"a light load before the first window ended early: {told}"
            )
        else:
            return Band.of(window)
    raise GeneratorLimitError(
        f"the load generator was the limit of {_TRIES} light loads before the first window: "
        f"{'; '.join(reasons)}"
    )


def await_recovery(
    band: Band,
    light: Callable[[], JudgedWindow],
    limit_s: float,
    is_over: Callable[[], bool],
    now_s: Callable[[], float] = time.monotonic,
) -> str:
    """Load lightly until the target has recovered; after the limit, return why it has not.

    Args:
        band: the answers to a light load before the search.
        light: loads a light window; raises TargetUnavailableError.
        limit_s: how long to wait; at least one light load is judged.
        is_over: the run is being stopped.
        now_s: a clock.

    Raises:
        GeneratorLimitError: the load generator was the limit of the last light load, so that
            nobody can tell.
    """
    began_s = now_s()
    while not is_over():
        limits: Sequence[str] = ()
        try:
            window = light()
            missing = band.misses(window)
            limits = () if window.outcome.valid else window.outcome.invalid_reasons
            is_early = window.outcome.status == "aborted"
        except TargetUnavailableError as error:
            missing, is_early = error.sentence, True
        if not missing:
            return ""
        if now_s() - began_s >= limit_s:
            _refuse_to_guess(limits)
            return missing
        if is_early:
            time.sleep(_PAUSE_S)
    return ""


def _refuse_to_guess(limits: Sequence[str]) -> None:
    if limits:
        raise GeneratorLimitError(
            "the load generator was the limit of the light loads that ask whether the target "
            f"recovered: {'; '.join(limits)}"
        )
