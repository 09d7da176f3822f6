"""The stages that messages pass as data: the tier of each stage, and from when on it is too slow.

Add here: a stage, or the advice for a slow tier. Keep out: distinguishing tiers (attribution.py),
and measuring stages (store/ledger_sql.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.bottleneck_rules import ADVICE


class Tier(StrEnum):
    """Name the part that causes the latency; SYSTEM if the target does not say more."""

    API = "api"
    DATABASE = "database"
    QUEUE = "queue"
    WORKER = "worker"
    HOST = "host"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class MessageStage:
    """Describe a stage.

    Attributes:
        name: the name, as in the metric `stage_<name>`.
        tier: the tier that spends this time, unless evidence shows another cause.
        typical_bound_ms: a median above this is slow, regardless of earlier runs.
        tail_bound_ms: a mean of the slowest tenth of messages above this is slow, too.
        meaning: the stage in words for people.
    """

    name: str
    tier: Tier
    typical_bound_ms: float
    tail_bound_ms: float
    meaning: str


# 95 % of the messages may take a second (profiles/full.toml). A stage may use a quarter of it in
# the slowest tenth of messages, and a fifth of that quarter typically. A worker's work may be long
# on purpose.
STAGES: Final = (
    MessageStage("start", Tier.HOST, 50, 250, "waiting for the start of the call"),
    MessageStage("api", Tier.API, 50, 250, "in the API"),
    MessageStage("database", Tier.DATABASE, 50, 250, "in the API's database"),
    MessageStage("outbox", Tier.QUEUE, 50, 250, "waiting to be handed to the broker"),
    MessageStage("queue", Tier.QUEUE, 50, 250, "waiting for a worker"),
    MessageStage("worker", Tier.WORKER, 250, 500, "in the worker"),
    MessageStage("system", Tier.SYSTEM, 250, 500, "between the stations that the system reports"),
)
# A stage has grown if it is slower than in earlier runs by at least this much, and at least twice
# as slow. On two shared cores a healthy stage moves by less: medians by 3 ms, tails by 20 ms.
GROWN_TYPICAL_MS: Final = 20.0
GROWN_TAIL_MS: Final = 100.0
GROWN_RATIO: Final = 2.0
# More than half of the waiting happened while all slots were busy.
SATURATED_RATIO: Final = 0.5
# A slow broker is also slow in accepting messages, which does not involve workers.
OUTBOX_SHARE: Final = 0.1
# If this many tiers are slow at once on a busy machine, the machine is the cause.
TIERS_OF_A_SLOW_HOST: Final = 3
SLOW_BROKER: Final = (
    "look at the brokers' CPU, disk, replication and quotas, and at what takes messages to them; "
    "batch and compress what is produced"
)
SLOW_FETCHING: Final = (
    "see whether the workers run all the time (CPU limits, pauses), then look for rebalances, "
    "fetch settings and quotas of their consumers"
)
MORE_HANDS: Final = ADVICE["queue"]
REMEDIES: Final[Mapping[Tier, str]] = MappingProxyType(
    {
        **{tier: ADVICE[tier] for tier in Tier if tier is not Tier.SYSTEM},
        Tier.SYSTEM: (
            "let the system report more: Server-Timing in the API's answers, published_at and "
            "received_at in message_deliveries"
        ),
    }
)
