"""Did the place change instead of the system: many unrelated metrics out of line together.

Source: PRODUCT section 3; docs/statistics.md.
Add here: a metric's family, or another sign of a changed place. Keep out: one series alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus

SUSPECT_SHARE: Final = 0.3
"""More suspect metrics than this share, in more than one family, are not the system's doing."""

_MINIMUM_METRICS: Final = 4
_FAMILY_BY_PREFIX: Final = (
    ("http_", "api"),
    ("user_creation_", "api"),
    ("db_", "database"),
    ("message_delivery_", "produce"),
    ("message_deliveries", "produce"),
    ("produce_", "produce"),
    ("message_processing_", "consume"),
    ("messages_consumed", "consume"),
    ("consume_", "consume"),
    ("backlog_drain_", "consume"),
    ("consumer_lag", "consume"),
    ("host_", "host"),
    ("redis_", "redis"),
)
_JUDGED: Final = frozenset(
    {DiffStatus.OK, DiffStatus.IMPROVED, DiffStatus.SUSPECT, DiffStatus.REGRESSED}
)
_WORSE: Final = frozenset({DiffStatus.SUSPECT, DiffStatus.REGRESSED})


def environment_changed(diffs: Sequence[Diff]) -> bool:
    """Say whether more than 30 % of the judged metrics became worse, across unrelated tiers.

    Each metric counts once, however many statistics and tags it has. Metrics of every tier at
    once (`iterations`, `message_latency` ...) have no say. One tier alone is never the
    environment: that is what a regression looks like. Fewer than four judged metrics: False.
    """
    judged = {diff.series.metric for diff in diffs if diff.status in _JUDGED}
    worse = {diff.series.metric for diff in diffs if diff.status in _WORSE}
    families = {metric: _family(metric) for metric in judged | worse}
    judged = {metric for metric in judged if families[metric]}
    worse = {metric for metric in worse if families[metric]}
    spread = len({families[metric] for metric in worse})
    enough = len(judged) >= _MINIMUM_METRICS
    return enough and spread > 1 and len(worse) / len(judged) > SUSPECT_SHARE


def withheld(diffs: Sequence[Diff]) -> tuple[Diff, ...]:
    """Withhold the gate: turn SUSPECT and REGRESSED into ENVIRONMENT_CHANGED where that is so."""
    if not environment_changed(diffs):
        return tuple(diffs)
    reason = "many unrelated metrics became worse together: the environment changed"
    return tuple(
        replace(diff, status=DiffStatus.ENVIRONMENT_CHANGED, reason=reason)
        if diff.status in _WORSE
        else diff
        for diff in diffs
    )


def _family(metric: str) -> str:
    return next((name for prefix, name in _FAMILY_BY_PREFIX if metric.startswith(prefix)), "")
