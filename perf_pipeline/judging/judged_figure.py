"""The figure that a threshold judges, and how far off it may be.

Once a run's samples are dropped, a percentile comes from a histogram; what was judged while they
were there is known exactly, and stays so however often the run is judged again.
Add here: another source of a figure. Keep out: what follows from it (judge.py).
"""

from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import FROM_HISTOGRAM, Status, Threshold, Verdict
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey

_COMPARED: Final = frozenset({Status.PASS, Status.WARN, Status.FAIL})
_TOO_CLOSE: Final = "too close to the bound to tell, and the samples were dropped"


@dataclass(frozen=True, slots=True)
class JudgedFigure:
    """Hold a figure in the metric's unit, None without data, and its error as a share of it."""

    observed: float | None
    error: float = 0.0

    def doubted(self, verdict: Verdict) -> Verdict:
        """Return a verdict on it: NO_DATA where its error reaches the bound."""
        if not self.error or self.observed is None or verdict.status not in _COMPARED:
            return verdict
        if abs(self.observed - verdict.threshold.bound) > self.error * abs(self.observed):
            return verdict
        reason = "; ".join(filter(None, [verdict.reason, _TOO_CLOSE]))
        return replace(verdict, status=Status.NO_DATA, reason=reason)

    def told(self, verdict: Verdict) -> Verdict:
        """Say in a verdict's reason how far off its figure may be, before all else it says.

        That is how a figure is known as inexact when it comes back from the history.
        """
        is_told = verdict.reason.startswith(FROM_HISTOGRAM)  # by a stored reason that came back
        if is_told or not self.error or verdict.observed is None:
            return verdict
        reasons = [f"{FROM_HISTOGRAM}, ±{self.error:.1%}", verdict.reason]
        return replace(verdict, reason="; ".join(filter(None, reasons)))


def figure_of_threshold(
    history: History, key: RunKey, threshold: Threshold, *, is_own: bool
) -> JudgedFigure:
    """Return what a threshold judges, exactly where it was ever judged from samples.

    Args:
        history: open.
        key: the key of the benchmark.
        threshold: which figure.
        is_own: the profile is that of the run, so that tags of scenarios mean what they meant.

    Raises:
        PerfPipelineError: the benchmark is not here, or a version without histograms pruned it.
    """
    error = history.relative_error(key, threshold)
    means_the_same = is_own or threshold.tags.keys() <= set(CATALOG[threshold.metric].tags)
    if error and means_the_same:
        before = _judged_before(history, key, threshold)
        if before is not None:
            return JudgedFigure(before)
    return JudgedFigure(history.observe(key, threshold), error)


def _judged_before(history: History, key: RunKey, threshold: Threshold) -> float | None:
    """Find the figure in the stored verdicts, whatever their bounds are."""
    wanted = (threshold.key, threshold.statistic_label)
    for benchmark, verdict in history.verdicts(key.run_id):
        judged = verdict.threshold
        is_wanted = (benchmark, judged.key, judged.statistic_label) == (key.benchmark, *wanted)
        if is_wanted and not verdict.reason.startswith(FROM_HISTOGRAM):
            return verdict.observed
    return None
