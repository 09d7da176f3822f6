"""Judge a load while it runs, for the thresholds that may end it (abortOnFail).

It uses the same SQL as the final judgement, over the rows that came since the last look
(store/live_figures.py); the history is never open during a load. It costs the driver a moment every
2 s, so it is done only if a threshold needs it.
Add here: only questions about a running load. Keep out: final verdicts (judging/judge.py).
Source: k6 evaluates every 2 s, skips metrics without data, and aborts only after delayAbortEval.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from perf_pipeline.engine.rhythm import Rhythm
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.access import stoppable
from perf_pipeline.store.live_figures import LiveFigures
from perf_pipeline.store.records import RunKey

EVERY_S: Final = 2.0


class LiveJudge:
    """Check every 2 s whether a threshold with abortOnFail has failed.

    Args:
        spool_run: folder of the run.
        key: the key of the benchmark.
        thresholds: the thresholds of the benchmark; only those with abortOnFail are looked at.
    """

    def __init__(self, spool_run: Path, key: RunKey, thresholds: list[Threshold]) -> None:
        self._spool_run = spool_run
        self._key = key
        self._thresholds = [threshold for threshold in thresholds if threshold.abort_on_fail]
        self._rhythm = Rhythm(EVERY_S)
        self._began_s: float | None = None
        self._figures: LiveFigures | None = None

    def load_began(self, at_s: float) -> None:
        """Start counting time, in s since the benchmark's origin; later steps do not restart it.

        Starting the workers takes a moment that k6 does not have: its test begins with the load.
        """
        if self._began_s is None:
            self._began_s = at_s

    def failed(self, elapsed_s: float) -> tuple[Threshold, float] | None:
        """Return the first threshold that failed, with the observed figure; None if all hold.

        Args:
            elapsed_s: the time since the benchmark's origin.
        """
        elapsed_s -= self._began_s or 0.0
        if not self._thresholds or not self._rhythm.is_due(elapsed_s):
            return None
        due = [threshold for threshold in self._thresholds if threshold.may_abort(elapsed_s * 1e6)]
        if not due:
            return None
        with stoppable():
            return self._first_failed(due)

    def _first_failed(self, due: Sequence[Threshold]) -> tuple[Threshold, float] | None:
        if self._figures is None:
            self._figures = LiveFigures(
                self._spool_run / self._key.benchmark, self._key, self._thresholds
            )
        self._figures.look()
        for threshold in due:
            observed = self._figures.observe(threshold)
            if observed is not None and _surely_fails(
                threshold, observed, self._figures.error_of(threshold)
            ):
                return threshold, observed
        return None


def _surely_fails(threshold: Threshold, observed: float, error: float) -> bool:
    """Say whether a figure fails throughout its error bounds; the end decides the rest."""
    return not any(threshold.holds(observed * share) for share in (1 - error, 1.0, 1 + error))
