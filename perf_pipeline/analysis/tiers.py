"""Which tier of the system a metric is about, and which parts of the machine that tier lives on.

Add here: the tier of a metric. Keep out: what a tier's figures mean (environment.py, covariate.py).
"""

from collections.abc import Mapping
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG

_TIER_BY_PREFIX: Final = (
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
_PARTS_BY_TIER: Final[Mapping[str, tuple[str, ...]]] = {
    "api": ("cpu_s", "loopback_s"),
    "database": ("cpu_s", "disk_s"),
    "redis": ("cpu_s", "loopback_s"),
}


def tier_of(metric: str) -> str:
    """Return the tier that a metric's name or samples point to; empty if it is about every tier."""
    named = next((name for prefix, name in _TIER_BY_PREFIX if metric.startswith(prefix)), "")
    known = CATALOG.get(metric)
    return named or (known.source.protocol if known and known.source else "")


def parts_of(metric: str) -> tuple[str, ...]:
    """Return the machine's figures that bear on a metric; all of them if it is about every tier."""
    return _PARTS_BY_TIER.get(tier_of(metric), ("cpu_s", "loopback_s", "disk_s"))
