"""The checklist of bottlenecks as data: what to look at, from which value on it hurts, what to do.

Add here: a rule. Keep out: evaluating rules (bottleneck.py), and which benchmark saturates on
purpose (benchmarks/).
"""
# ruff: noqa: E501 - a table with one row a line

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from perf_pipeline.metrics.threshold import Severity

Per = Literal["one", "core", "worker"]
SummaryStatistic = Literal["average", "median", "p95", "maximum", "last"]


@dataclass(frozen=True, slots=True)
class BottleneckRule:
    """Describe a line of the checklist, which is FOUND when the figure is above the bound.

    Attributes:
        name: what the rule looks at.
        tier: api, database, queue, worker, cache, network or host.
        metric: a metric of the catalog.
        source: value of the tag `source`; empty for no tag, or for the worst of all sources.
        statistic: field of the Summary. What can be used up (CPU, memory, network) is judged by its
            average over the benchmark, because a small machine is at 100 % for a second in nearly
            every run. What must not happen (locks, deadlocks, backlog) is judged by its maximum.
        per: `core` divides by the machine's cores, `worker` by the number of worker processes.
        bound: the bound in the unit of the metric, after the division.
        severity: `fail` for exhaustion that leads to errors, `warn` for a sign.
        advice: what to do, the cheapest first.
    """

    name: str
    tier: str
    metric: str
    source: str
    statistic: SummaryStatistic
    per: Per
    bound: float
    severity: Severity
    advice: str


_API: Final = (
    "scale the API to 7-10 replicas, fit its connection pool to them, "
    "cache what is read often, look for slow queries"
)
_DATABASE: Final = (
    "switch the slow-query log on, add the missing indexes, move reads to replicas, "
    "partition the largest tables"
)
_CONNECTIONS: Final = (
    "shrink the pools or put a pooler in front of PostgreSQL, find transactions left open, "
    "move reads to replicas"
)
LOCKS: Final = (
    "take rows in one order in every transaction, keep transactions short, "
    "find the blocking statement in pg_locks"
)
_QUEUE: Final = (
    "run 15-20 workers, raise concurrency per worker from 5 to 10, "
    "look for errors and retries, cut the cost of one message"
)
_WORKER: Final = (
    "profile the worker, put a circuit breaker before slow neighbours, "
    "lower concurrency per worker and run more workers"
)
_REDIS: Final = "set expiry times and an eviction policy, look for large keys"
_NETWORK: Final = "shrink messages and responses, compress, batch; keep talkative parts close"
_HOST: Final = (
    "see which part uses it (process metrics), move the load generator or a part elsewhere, "
    "take a larger machine"
)

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api": _API,
        "database": _DATABASE,
        "queue": _QUEUE,
        "worker": _WORKER,
        "host": _HOST,
    }
)
"""What to do about a tier as a whole, when no single rule says something better."""

HOST_CPU: Final = "host CPU"
"""The rule that tells a machine that is busy."""

OWN_BACKLOG: Final = frozenset({"consumer_lag"})
"""What a saturating benchmark builds up itself: no evidence about the system at all."""

RULES: Final = (
    BottleneckRule("API latency", "api", "http_req_duration", "", "p95", "one", 1_000, "fail", _API),
    BottleneckRule("database CPU", "database", "process_cpu_percent", "postgres", "average", "core", 80, "fail", _DATABASE),
    BottleneckRule("database connections", "database", "db_connections_ratio", "", "maximum", "one", 0.8, "fail", _CONNECTIONS),
    BottleneckRule("query duration", "database", "db_query_duration", "", "average", "one", 100, "warn", _DATABASE),
    BottleneckRule("statement time", "database", "db_statement_mean_ms", "", "last", "one", 100, "warn", _DATABASE),
    BottleneckRule("lock waits", "database", "db_locks_waiting", "", "maximum", "one", 0, "warn", LOCKS),
    BottleneckRule("deadlocks", "database", "db_deadlocks", "", "maximum", "one", 0, "fail", LOCKS),
    BottleneckRule("consumer lag", "queue", "consumer_lag", "", "maximum", "one", 1_000, "fail", _QUEUE),
    BottleneckRule("worker CPU", "worker", "process_cpu_percent", "worker", "average", "worker", 70, "warn", _WORKER),
    BottleneckRule("Redis memory", "cache", "redis_memory_bytes", "", "maximum", "one", 1_500_000_000, "warn", _REDIS),
    # 12,500,000 bytes/s = 100 Mbit/s
    BottleneckRule("network", "network", "host_network_bytes_per_s", "", "average", "one", 12_500_000, "warn", _NETWORK),
    BottleneckRule(HOST_CPU, "host", "host_cpu_percent", "", "average", "one", 70, "warn", _HOST),
    BottleneckRule("host memory", "host", "host_memory_percent", "", "average", "one", 80, "fail", _HOST),
)  # fmt: skip
