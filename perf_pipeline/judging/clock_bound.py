"""Call a latency INVALID whose error is too large for its threshold to be decided.

Add here: another metric that is measured between two clocks. Keep out: measuring clocks (loading/).
"""

from dataclasses import replace
from typing import Final

from perf_pipeline.metrics.threshold import Status, Verdict, parse_threshold
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey

SHARE: Final = 0.1
"""A larger part of the threshold than this must not be uncertain."""
_BETWEEN_CLOCKS: Final = frozenset({"message_latency", "stage_outbox", "stage_system"})
_ERROR: Final = "latency_error_ms"


def within_bound(history: History, key: RunKey, verdict: Verdict) -> Verdict:
    """Give a verdict, INVALID where the error of its figure exceeds a tenth of the threshold."""
    threshold = verdict.threshold
    if threshold.metric not in _BETWEEN_CLOCKS or verdict.observed is None:
        return verdict
    error_ms = history.observe(key, parse_threshold(_ERROR, "value>=0"))
    if error_ms is None or error_ms <= SHARE * threshold.bound:
        return verdict
    return replace(
        verdict,
        status=Status.INVALID,
        reason=(
            f"latencies are known to ±{error_ms:,.1f} ms only (the other clock's error and the "
            f"pace of polls), which is more than a tenth of the threshold's {threshold.bound:,g} ms"
        ),
    )
