"""Call a latency INVALID if its error is too large to decide its threshold.

Add here: another metric that is measured between two clocks. Keep out: measuring clocks (loading/).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.metrics.threshold import Status, Verdict, parse_threshold
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey

SHARE: Final = 0.1
"""A larger part of the threshold than this must not be uncertain."""
_BETWEEN_CLOCKS: Final = frozenset({"message_latency", "stage_outbox", "stage_system"})
_ERROR: Final = "latency_error_ms"


def within_bound(history: History, key: RunKey, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return verdicts; those whose error exceeds a tenth of the threshold are INVALID."""
    if not any(map(_is_between_clocks, verdicts)):
        return list(verdicts)
    error_ms = history.observe(key, parse_threshold(_ERROR, "value>=0"))
    if error_ms is None:
        return list(verdicts)
    return [_bounded(verdict, error_ms) for verdict in verdicts]


def _is_between_clocks(verdict: Verdict) -> bool:
    return verdict.threshold.metric in _BETWEEN_CLOCKS and verdict.observed is not None


def _bounded(verdict: Verdict, error_ms: float) -> Verdict:
    threshold = verdict.threshold
    if not _is_between_clocks(verdict) or error_ms <= SHARE * threshold.bound:
        return verdict
    return replace(
        verdict,
        status=Status.INVALID,
        reason=(
            f"latencies are known to ±{error_ms:,.1f} ms only (the other clock's error and the "
            f"pace of polls), which is more than a tenth of the threshold's {threshold.bound:,g} ms"
        ),
    )
