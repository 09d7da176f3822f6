"""The stages of a message's way as data: whose they are, and from when on one is too slow.

Add here: a stage, or what a tier's slowness asks for. Keep out: how tiers are told apart
(attribution.py) and how stages are measured (store/ledger_sql.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.bottleneck_rules import ADVICE


class Tier(StrEnum):
    """Name who holds the latency. SYSTEM: somebody of whom the system tells nothing more."""

    API = "api"
    DATABASE = "database"
    QUEUE = "queue"
    WORKER = "worker"
    HOST = "host"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class MessageStage:
    """Describe one stage.

    Attributes:
        name: as in the metric `stage_<name>`.
        tier: whose time it is, as long as nothing shows another cause.
        typical_bound_ms: a median above it is slow, whatever was before.
        tail_bound_ms: likewise for the mean of the slowest tenth of messages.
        meaning: for people.
    """

    name: str
    tier: Tier
    typical_bound_ms: float
    tail_bound_ms: float
    meaning: str


# Of the second that 95 % of the messages may take (profiles/full.toml) every stage may have a
# quarter in the slowest tenth, and a fifth of that typically. A worker's work may be long on
# purpose.
STAGES: Final = (
    MessageStage("start", Tier.HOST, 50, 250, "waiting for the start of the call"),
    MessageStage("api", Tier.API, 50, 250, "in the API"),
    MessageStage("database", Tier.DATABASE, 50, 250, "in the API's database"),
    MessageStage("outbox", Tier.QUEUE, 50, 250, "waiting to be handed to the broker"),
    MessageStage("queue", Tier.QUEUE, 50, 250, "waiting for a worker"),
    MessageStage("worker", Tier.WORKER, 250, 500, "in the worker"),
    MessageStage("system", Tier.SYSTEM, 250, 500, "between the stations that the system tells of"),
)
# Against earlier runs: at least so much slower, and at least twice as slow. On two shared cores a
# healthy stage moves by less: medians by 3 ms, the slowest tenth by 20 ms.
GROWN_TYPICAL_MS: Final = 20.0
GROWN_TAIL_MS: Final = 100.0
GROWN_RATIO: Final = 2.0
# More than half of the waiting happened before full hands.
SATURATED_RATIO: Final = 0.5
# A broker that is slow is slow to take messages, too; a worker that is slow is not.
OUTBOX_SHARE: Final = 0.1
# One slow tier is that tier; when so many are slow at once on a busy machine, it is the machine.
TIERS_OF_A_SLOW_HOST: Final = 3
HOST_CPU_RULE: Final = "host CPU"
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
            "let the system tell more: Server-Timing in the API's answers, published_at and "
            "received_at in message_deliveries"
        ),
    }
)
