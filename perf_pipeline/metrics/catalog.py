"""Every metric that this product measures: its name, kind, unit, direction, tags and meaning.

Add here: a metric, with one line, which says where it comes from as well. Keep out: thresholds
(profiles), and SQL (store/metric_sql.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

TARGET_ANSWERED: Final = "target_answered"
"""What every benchmark is judged by, unless its profile says otherwise (docs/thresholds.md)."""

Better = Literal["lower", "higher", "neither"]
SampleValue = Literal[
    "count", "records", "found", "bytes_out", "bytes_in",
    "failed", "answered", "good", "not_good",
    "service_ms", "response_ms", "lag_ms",
    "blocked_ms", "connecting_ms", "tls_ms", "sending_ms", "waiting_ms", "receiving_ms",
]  # fmt: skip


class Kind(StrEnum):
    """Name k6's four kinds of metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    RATE = "rate"
    TREND = "trend"


@dataclass(frozen=True, slots=True)
class Samples:
    """Say which samples feed a metric, and what each of them adds.

    Attributes:
        value: what a sample adds; store/metric_sql.py has the SQL of each word.
        protocol: of the samples; empty for all.
        operations: of the samples; empty for all.
    """

    value: SampleValue
    protocol: str = ""
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """Describe one metric.

    Attributes:
        name: as in thresholds and reports.
        kind: which statistics it has.
        unit: of its values (a rate's unit is `ratio`).
        better: which direction is an improvement.
        tags: which tag filters it takes.
        meaning: one sentence for people.
        source: the samples that feed it; None where it comes from elsewhere (figures, readings,
            the ledger, iterations), which follows from kind and tags.
    """

    name: str
    kind: Kind
    unit: str
    better: Better
    tags: frozenset[str]
    meaning: str
    source: Samples | None = None


_SAMPLE: Final = frozenset({"scenario", "operation", "status", "outcome", "error"})
_PART: Final = frozenset({"scenario", "operation"})
_SCENARIO: Final = frozenset({"scenario"})
_SOURCE: Final = frozenset({"source"})
_CHECK: Final = frozenset({"scenario", "operation", "check"})
_NONE: Final[frozenset[str]] = frozenset()
_PRODUCED: Final = ("produce", "transaction", "produce_batch")
_CONSUMED: Final = ("consume",)

_C, _G, _R, _T = Kind.COUNTER, Kind.GAUGE, Kind.RATE, Kind.TREND
_METRICS: Final = (
    # from samples: HTTP
    Metric("http_reqs", _C, "requests", "higher", _SAMPLE, "HTTP requests that were made", Samples("count", "http")),
    Metric("http_req_failed", _R, "ratio", "lower", _SAMPLE, "share of all HTTP requests that failed (an expected 404 is no failure)", Samples("failed", "http")),
    Metric("http_req_duration", _T, "ms", "lower", _SAMPLE, "service time: from the first byte sent to the last byte received", Samples("service_ms", "http")),
    Metric("http_req_blocked", _T, "ms", "lower", _SAMPLE, "waiting for a connection, the resolver included; 0 on an open one", Samples("blocked_ms", "http")),
    Metric("http_req_connecting", _T, "ms", "lower", _SAMPLE, "TCP handshake; 0 on an open connection", Samples("connecting_ms", "http")),
    Metric("http_req_tls_handshaking", _T, "ms", "lower", _SAMPLE, "TLS handshake; 0 on an open connection and without TLS", Samples("tls_ms", "http")),
    Metric("http_req_sending", _T, "ms", "lower", _SAMPLE, "from the first to the last byte of the request", Samples("sending_ms", "http")),
    Metric("http_req_waiting", _T, "ms", "lower", _SAMPLE, "from the last byte sent to the first byte received", Samples("waiting_ms", "http")),
    Metric("http_req_receiving", _T, "ms", "lower", _SAMPLE, "from the first to the last byte of the response", Samples("receiving_ms", "http")),
    Metric("user_creation_duration", _T, "ms", "lower", _SAMPLE, "service time of POST /user", Samples("service_ms", "http", ("create_user",))),
    # from samples: every protocol
    Metric("iterations", _C, "iterations", "higher", _PART, "iterations that ran to their end"),
    Metric("iteration_duration", _T, "ms", "lower", _SCENARIO, "from an iteration's real start to its end, think time included"),
    Metric("dropped_iterations", _C, "iterations", "lower", _PART, "planned starts for which no VU was free"),
    Metric("interrupted_iterations", _C, "iterations", "lower", _PART, "iterations cut off at the end of their graceful stop"),
    Metric("vus", _G, "VUs", "neither", _SCENARIO, "VUs that the executor holds active, each second"),
    Metric("vus_max", _G, "VUs", "neither", _SCENARIO, "VUs that exist, each second"),
    Metric("vus_busy", _G, "VUs", "neither", _SCENARIO, "VUs with an iteration under way, each second"),
    Metric("response_time", _T, "ms", "lower", _SAMPLE, "from the intended start to the end: a stall cannot hide in it", Samples("response_ms")),
    Metric("schedule_lag", _T, "ms", "lower", _SAMPLE, "from the intended to the real start", Samples("lag_ms")),
    Metric("checks", _R, "ratio", "higher", _CHECK, "share of k6-style checks that passed"),
    Metric("success", _R, "ratio", "higher", _PART, "share of all operations that were ok with every check passed", Samples("good")),
    Metric("errors", _R, "ratio", "lower", _PART, "share of all operations that failed or failed a check", Samples("not_good")),
    Metric(TARGET_ANSWERED, _R, "ratio", "higher", _PART, "share of all operations that the target answered as it should; the others failed, or had no answer", Samples("answered")),
    Metric("data_sent", _C, "bytes", "neither", _SAMPLE, "bytes sent by the load generator", Samples("bytes_out")),
    Metric("data_received", _C, "bytes", "neither", _SAMPLE, "bytes received by the load generator", Samples("bytes_in")),
    # from samples and figures: PostgreSQL
    Metric("db_queries", _C, "queries", "higher", _SAMPLE, "statements (or batches) that were run", Samples("count", "postgres")),
    Metric("db_query_failed", _R, "ratio", "lower", _SAMPLE, "share of all statements that failed", Samples("failed", "postgres")),
    Metric("db_query_duration", _T, "ms", "lower", _SAMPLE, "from sending a statement to its last row", Samples("service_ms", "postgres")),
    Metric("db_records", _C, "records", "higher", _SAMPLE, "rows written, or rows' selections answered", Samples("records", "postgres")),
    Metric("db_records_per_s", _G, "records/s", "higher", _PART, "records over the operation's own span"),
    Metric("db_records_per_s_pgbench", _G, "records/s", "higher", _PART, "what pgbench reached with the same statement after the benchmark, where our client was the limit"),
    # from samples and figures: queue
    Metric("message_deliveries", _C, "messages", "higher", _SAMPLE, "messages confirmed by a delivery report or a commit", Samples("records", "kafka", _PRODUCED)),
    Metric("message_delivery_failed", _R, "ratio", "lower", _SAMPLE, "share of all produce calls without a good delivery report", Samples("failed", "kafka", _PRODUCED)),
    Metric("message_delivery_duration", _T, "ms", "lower", _SAMPLE, "from the produce call to the delivery report (or commit)", Samples("service_ms", "kafka", _PRODUCED)),
    Metric("produce_rate", _G, "messages/s", "higher", _PART, "messages delivered over the measured time"),
    Metric("produce_rate_ratio", _G, "ratio", "higher", _PART, "delivered rate over the target rate"),
    Metric("messages_consumed", _C, "messages", "higher", _SAMPLE, "messages whose work was finished", Samples("records", "kafka", _CONSUMED)),
    Metric("message_processing_duration", _T, "ms", "lower", _SAMPLE, "from receiving a message to the end of its work", Samples("service_ms", "kafka", _CONSUMED)),
    Metric("consume_rate", _G, "messages/s", "higher", _PART, "messages consumed over the measured time"),
    Metric("consumer_utilisation_ratio", _G, "ratio", "neither", _PART, "share of the consumer's working slots that was busy"),
    Metric("backlog_messages", _G, "messages", "neither", _PART, "messages waiting when the consumer started"),
    Metric("backlog_drain_s", _G, "s", "lower", _PART, "from the consumer's start until the last message of the backlog was done"),
    Metric("messages_expected", _G, "messages", "neither", _PART, "messages that the system promised to deliver"),
    Metric("messages_lost", _G, "messages", "lower", _PART, "promised messages that never completed; a message is known by its id, and one that the system delivers by its user's"),
    Metric("messages_duplicated", _G, "messages", "lower", _PART, "completions of a message beyond its first; it is known as in `messages_lost`"),
    Metric("message_latency", _T, "ms", "lower", _NONE, "from the intended start of the API call to the end of the worker's work; the two are joined by the user's id"),
    # from the ledger and figures: the stages of a message's way, which add up to its latency
    Metric("stage_start", _T, "ms", "lower", _NONE, "from the intended to the real start of the API call"),
    Metric("stage_api", _T, "ms", "lower", _NONE, "from the call's start to its answer, without the time that the API says its database took"),
    Metric("stage_database", _T, "ms", "lower", _NONE, "what the API says (Server-Timing) its database took of the call"),
    Metric("stage_outbox", _T, "ms", "lower", _NONE, "from the API's answer until the message was handed to the broker"),
    Metric("stage_queue", _T, "ms", "lower", _NONE, "from handing the message to the broker until a worker began its work on it"),
    Metric("stage_worker", _T, "ms", "lower", _NONE, "from the worker's begin to the end of its work"),
    Metric("stage_system", _T, "ms", "lower", _NONE, "what lies between two stations of which the system tells nothing more"),
    Metric("stage_tail", _G, "ms", "lower", _PART, "mean time in a stage (operation) of the slowest tenth of messages"),
    Metric("worker_saturation_ratio", _G, "ratio", "neither", _PART, "share of the queue's waiting time in which every hand of the workers was full"),
    # figures of the one-day simulation
    Metric("messages_per_day", _G, "messages/day", "higher", _PART, "what the sustained measured rate stands for in 24 h"),
    Metric("headroom_ratio", _G, "ratio", "higher", _PART, "best rate that held over the rate of 1,000,000 a day"),
    # from readings
    Metric("host_cpu_percent", _T, "percent", "lower", _SOURCE, "of all cores of this machine"),
    Metric("host_memory_percent", _T, "percent", "lower", _SOURCE, "memory that is not available"),
    Metric("host_memory_bytes", _T, "bytes", "lower", _SOURCE, "memory in use"),
    Metric("host_disk_bytes_per_s", _T, "bytes/s", "lower", _SOURCE, "read and written, all disks"),
    Metric("host_network_bytes_per_s", _T, "bytes/s", "lower", _SOURCE, "sent and received, all devices, loopback apart (source lo)"),
    Metric("process_cpu_percent", _T, "percent", "lower", _SOURCE, "of one core, summed over the processes of one part"),
    Metric("process_memory_bytes", _T, "bytes", "lower", _SOURCE, "resident memory, summed over the processes of one part"),
    Metric("process_io_bytes_per_s", _T, "bytes/s", "lower", _SOURCE, "read and written by the processes of one part"),
    Metric("sampling_interval_s", _T, "s", "neither", _SOURCE, "real distance between two readings of a probe"),
    Metric("db_connections", _T, "connections", "lower", _SOURCE, "client connections to the server"),
    Metric("db_connections_ratio", _T, "ratio", "lower", _SOURCE, "client connections over max_connections"),
    Metric("db_locks_waiting", _T, "locks", "lower", _SOURCE, "lock requests not granted"),
    Metric("db_deadlocks", _T, "deadlocks", "lower", _SOURCE, "since the benchmark began"),
    Metric("db_temp_bytes", _T, "bytes", "lower", _SOURCE, "temporary files since the benchmark began"),
    Metric("db_cache_hit_ratio", _T, "ratio", "higher", _SOURCE, "buffer hits over hits and reads since the benchmark began"),
    Metric("db_wal_bytes", _T, "bytes", "neither", _SOURCE, "write-ahead log since the benchmark began"),
    Metric("db_statement_mean_ms", _T, "ms", "lower", _SOURCE, "mean execution time since the benchmark began (pg_stat_statements)"),
    Metric("consumer_lag", _T, "messages", "lower", _SOURCE, "high watermark - committed offset, summed over partitions; per partition with source topic/N"),
    Metric("redis_memory_bytes", _T, "bytes", "lower", _SOURCE, "used_memory of Redis"),
    Metric("generator_cpu_percent", _T, "percent", "lower", _SOURCE, "of one core, per load worker"),
)  # fmt: skip

CATALOG: Final[Mapping[str, Metric]] = MappingProxyType(
    {metric.name: metric for metric in _METRICS}
)
