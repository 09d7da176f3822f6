"""Every metric that is measured here, with its name, kind, unit, direction, tags and meaning.

Add here: a metric, as one line that also says where it comes from. Keep out: thresholds
(profiles), and SQL (store/metric_sql.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

TRANSACTIONS: Final = "postgres_transaction"
"""Protocol of the samples of whole transactions, whose statements have samples of their own."""
TARGET_ANSWERED: Final = "target_answered"
"""What every benchmark is judged by, unless its profile says otherwise (docs/thresholds.md)."""

ANSWERED_BESIDE_FAULTS: Final = "answered_beside_faults"
"""What a benchmark with faults is judged by in its place: what fails meanwhile counts apart."""
FAULTS_UNRECOVERED: Final = "faults_unrecovered"
"""Faults from which the target did not recover; a benchmark with faults is judged by it as well."""
OF_EVERY_BENCHMARK: Final = frozenset({TARGET_ANSWERED, ANSWERED_BESIDE_FAULTS})
"""Of each benchmark one of these is judged by default: whether its target answered at all."""
FAULT_RECOVERY_S: Final = "fault_recovery_s"
"""How long a target took after a fault; 0 where nobody felt the fault."""
CAPACITY_PER_S: Final = "capacity_per_s"
"""What a search for a capacity finds (docs/capacity.md)."""
SCALING_EFFICIENCY: Final = "scaling_efficiency_ratio"
"""What a scaling run is judged by, unless its profile says otherwise (docs/scaling.md)."""
SCALING_CAPACITY: Final = "scaling_capacity_per_s"
"""The figure of a scaling run that stands for what the system carries at most."""

Better = Literal["lower", "higher", "neither"]
SampleValue = Literal[
    "count", "records", "found", "bytes_out", "bytes_in",
    "failed", "answered", "good", "not_good",
    "serialization_failure", "deadlock", "retried",
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
    """Say which samples belong to a metric, and what a sample adds to it.

    Attributes:
        value: what a sample adds; store/metric_sql.py has the SQL of each word.
        protocol: protocol of the samples; empty for every protocol.
        operations: operations of the samples; empty for every operation.
    """

    value: SampleValue
    protocol: str = ""
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """Describe one metric.

    Attributes:
        name: its name in thresholds and reports.
        kind: its kind, which decides which statistics it has.
        unit: unit of its values (for a rate `ratio`).
        better: which direction is an improvement.
        tags: which tags a filter may name.
        meaning: one sentence for people.
        source: the samples that belong to it; None where it comes from elsewhere (figures,
            readings, the ledger, iterations), which follows from kind and tags.
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
_FAULT: Final = frozenset({"fault"})
_GROWING: Final = frozenset({"part"})
_NONE: Final[frozenset[str]] = frozenset()
_PRODUCED: Final = ("produce", "transaction", "produce_batch")
_CONSUMED: Final = ("consume",)
_REBALANCES: Final = ("rebalance",)

_C, _G, _R, _T = Kind.COUNTER, Kind.GAUGE, Kind.RATE, Kind.TREND
_METRICS: Final = (
    # from samples: HTTP
    Metric("http_reqs", _C, "requests", "higher", _SAMPLE, "number of HTTP requests", Samples("count", "http")),
    Metric("http_req_failed", _R, "ratio", "lower", _SAMPLE, "share of all HTTP requests that failed (an expected 404 is no failure)", Samples("failed", "http")),
    Metric("http_req_duration", _T, "ms", "lower", _SAMPLE, "service time, from the first byte sent to the last byte received", Samples("service_ms", "http")),
    Metric("http_req_blocked", _T, "ms", "lower", _SAMPLE, "time waiting for a connection, including the resolver; 0 on an open connection", Samples("blocked_ms", "http")),
    Metric("http_req_connecting", _T, "ms", "lower", _SAMPLE, "time of the TCP handshake; 0 on an open connection", Samples("connecting_ms", "http")),
    Metric("http_req_tls_handshaking", _T, "ms", "lower", _SAMPLE, "time of the TLS handshake; 0 on an open connection and without TLS", Samples("tls_ms", "http")),
    Metric("http_req_sending", _T, "ms", "lower", _SAMPLE, "time from the first to the last byte of the request", Samples("sending_ms", "http")),
    Metric("http_req_waiting", _T, "ms", "lower", _SAMPLE, "time from the last byte sent to the first byte received", Samples("waiting_ms", "http")),
    Metric("http_req_receiving", _T, "ms", "lower", _SAMPLE, "time from the first to the last byte of the response", Samples("receiving_ms", "http")),
    Metric("user_creation_duration", _T, "ms", "lower", _SAMPLE, "service time of POST /user", Samples("service_ms", "http", ("create_user",))),
    # from samples: every protocol
    Metric("iterations", _C, "iterations", "higher", _PART, "number of completed iterations"),
    Metric("iteration_duration", _T, "ms", "lower", _SCENARIO, "time from the real start of an iteration to its end, including think time"),
    Metric("dropped_iterations", _C, "iterations", "lower", _PART, "number of planned starts that found no free VU"),
    Metric("interrupted_iterations", _C, "iterations", "lower", _PART, "number of iterations that were cut at the end of their graceful stop"),
    Metric("vus", _G, "VUs", "neither", _SCENARIO, "number of VUs that the executor keeps active, read every second"),
    Metric("vus_max", _G, "VUs", "neither", _SCENARIO, "number of VUs that exist, read every second"),
    Metric("vus_busy", _G, "VUs", "neither", _SCENARIO, "number of VUs that are running an iteration, read every second"),
    Metric("response_time", _T, "ms", "lower", _SAMPLE, "time from the intended start to the end, in which a stall cannot hide", Samples("response_ms")),
    Metric("schedule_lag", _T, "ms", "lower", _SAMPLE, "time from the intended to the real start", Samples("lag_ms")),
    Metric("checks", _R, "ratio", "higher", _CHECK, "share of k6-style checks that passed"),
    Metric("success", _R, "ratio", "higher", _PART, "share of all operations that were ok with every check passed", Samples("good")),
    Metric("errors", _R, "ratio", "lower", _PART, "share of all operations that failed or failed a check", Samples("not_good")),
    Metric(TARGET_ANSWERED, _R, "ratio", "higher", _PART, "share of all operations that the target answered correctly; the others failed, or had no answer", Samples("answered")),
    Metric("data_sent", _C, "bytes", "neither", _SAMPLE, "number of bytes that the load generator sent", Samples("bytes_out")),
    Metric("data_received", _C, "bytes", "neither", _SAMPLE, "number of bytes that the load generator received", Samples("bytes_in")),
    # from samples and figures: PostgreSQL
    Metric("db_queries", _C, "queries", "higher", _SAMPLE, "number of statements (or batches) that were run", Samples("count", "postgres")),
    Metric("db_query_failed", _R, "ratio", "lower", _SAMPLE, "share of all statements that failed", Samples("failed", "postgres")),
    Metric("db_query_duration", _T, "ms", "lower", _SAMPLE, "time from sending a statement to its last row", Samples("service_ms", "postgres")),
    Metric("db_records", _C, "records", "higher", _SAMPLE, "number of rows that were written or returned", Samples("records", "postgres")),
    Metric("db_transactions", _C, "transactions", "higher", _SAMPLE, "number of transactions that were committed", Samples("records", TRANSACTIONS)),
    Metric("db_transaction_failed", _R, "ratio", "lower", _SAMPLE, "share of all transactions that were not committed (one that was run again after a conflict counts once)", Samples("failed", TRANSACTIONS)),
    Metric("db_transaction_duration", _T, "ms", "lower", _SAMPLE, "time from the first begin of a transaction to the answer to its commit, with its retries and pauses", Samples("service_ms", TRANSACTIONS)),
    Metric("db_serialization_failures", _C, "failures", "lower", _SAMPLE, "number of attempts that ended with a serialization failure (SQLSTATE 40001), run again or not", Samples("serialization_failure", "postgres")),
    Metric("db_deadlock_failures", _C, "failures", "lower", _SAMPLE, "number of attempts that ended with a deadlock (SQLSTATE 40P01), run again or not", Samples("deadlock", "postgres")),
    Metric("db_retries", _C, "retries", "lower", _SAMPLE, "number of attempts that were run again after a serialization failure or a deadlock", Samples("retried", "postgres")),
    Metric("db_records_per_s", _G, "records/s", "higher", _PART, "records per second, from the first to the last operation"),
    Metric("db_records_per_s_pgbench", _G, "records/s", "higher", _PART, "rate that pgbench reached with the same statement afterwards, if our client was the limit"),
    # from samples and figures: cache
    Metric("cache_ops", _C, "operations", "higher", _SAMPLE, "number of commands that were sent to the cache", Samples("count", "redis")),
    Metric("cache_op_failed", _R, "ratio", "lower", _SAMPLE, "share of all commands that failed (a key that is not there is no failure)", Samples("failed", "redis")),
    Metric("cache_op_duration", _T, "ms", "lower", _SAMPLE, "time from sending a command to its answer", Samples("service_ms", "redis")),
    Metric("cache_hit_ratio", _R, "ratio", "higher", _PART, "share of the reads that found their key", Samples("found", "redis", ("cache_get",))),
    Metric("cache_ops_per_s", _G, "operations/s", "higher", _PART, "answered commands per second, from the first to the last of them"),
    # from samples and figures: queue
    Metric("message_deliveries", _C, "messages", "higher", _SAMPLE, "number of messages that a delivery report or a commit confirmed", Samples("records", "kafka", _PRODUCED)),
    Metric("message_delivery_failed", _R, "ratio", "lower", _SAMPLE, "share of all produce calls without a good delivery report", Samples("failed", "kafka", _PRODUCED)),
    Metric("message_delivery_duration", _T, "ms", "lower", _SAMPLE, "time from the produce call to the delivery report (or commit)", Samples("service_ms", "kafka", _PRODUCED)),
    Metric("produce_rate", _G, "messages/s", "higher", _PART, "delivered messages per second of the measured time"),
    Metric("produce_rate_ratio", _G, "ratio", "higher", _PART, "delivered rate divided by the target rate"),
    Metric("messages_consumed", _C, "messages", "higher", _SAMPLE, "number of messages whose work was finished", Samples("records", "kafka", _CONSUMED)),
    Metric("message_processing_duration", _T, "ms", "lower", _SAMPLE, "time from receiving a message to the end of its work", Samples("service_ms", "kafka", _CONSUMED)),
    Metric("rebalances", _C, "rebalances", "lower", _SAMPLE, "number of times that a consumer of your own lost its partitions and was given some again", Samples("count", "kafka", _REBALANCES)),
    Metric("rebalance_duration", _T, "ms", "lower", _SAMPLE, "time from losing the partitions to the next assignment", Samples("service_ms", "kafka", _REBALANCES)),
    Metric("consume_rate", _G, "messages/s", "higher", _PART, "consumed messages per second of the measured time"),
    Metric("consumer_utilisation_ratio", _G, "ratio", "neither", _PART, "share of the consumer's working slots that were busy"),
    Metric("backlog_messages", _G, "messages", "neither", _PART, "number of messages that waited when the consumer started"),
    Metric("backlog_drain_s", _G, "s", "lower", _PART, "time from the start of the consumer to the last message of the backlog"),
    Metric("messages_expected", _G, "messages", "neither", _PART, "number of messages that the system promised to deliver"),
    Metric("messages_lost", _G, "messages", "lower", _PART, "number of promised messages that never completed; messages are matched by their id, those that the system delivers by the id of their user"),
    Metric("messages_duplicated", _G, "messages", "lower", _PART, "number of completions beyond the first of a message; messages are matched as in `messages_lost`"),
    Metric("messages_late", _G, "messages", "lower", _PART, "number of promised messages that were completed only after the end of the load (deliveries of your own)"),
    Metric("message_latency", _T, "ms", "lower", _NONE, "time from the intended start of the API call to the end of the worker's work; the two are matched by the id of the user, or by the message's own id if the profile says where deliveries show"),
    Metric("latency_error_ms", _G, "ms", "neither", _PART, "largest possible error of a message latency: the bound of the other clock, and the time between two polls"),
    Metric("clock_offset_ms", _G, "ms", "neither", _PART, "how far the clock that stamps deliveries is ahead of the load machine's; latencies are corrected by it"),
    # from the ledger and figures: the stages of a message's way, which add up to its latency
    Metric("stage_start", _T, "ms", "lower", _NONE, "time from the intended to the real start of the API call"),
    Metric("stage_api", _T, "ms", "lower", _NONE, "time from the start of the call to its answer, without the time that the API says its database took"),
    Metric("stage_database", _T, "ms", "lower", _NONE, "time of the call that the API says its database took (Server-Timing)"),
    Metric("stage_outbox", _T, "ms", "lower", _NONE, "time from the API's answer until the message was handed to the broker"),
    Metric("stage_queue", _T, "ms", "lower", _NONE, "time from handing the message to the broker until a worker began its work on it"),
    Metric("stage_worker", _T, "ms", "lower", _NONE, "time from the start to the end of the worker's work"),
    Metric("stage_system", _T, "ms", "lower", _NONE, "time between two stations about which the system reports nothing more"),
    Metric("stage_tail", _G, "ms", "lower", _PART, "mean time that the slowest tenth of messages spent in a stage (operation)"),
    Metric("worker_saturation_ratio", _G, "ratio", "neither", _PART, "share of the queue's waiting time in which all slots of the workers were busy"),
    # figures of benchmarks with faults; without a filter the worst of all faults, or their sum
    Metric(FAULTS_UNRECOVERED, _G, "faults", "lower", _NONE, "number of faults from which the target did not recover before the end of the load, or that nobody can judge because the load was not steady before them"),
    Metric(ANSWERED_BESIDE_FAULTS, _G, "ratio", "higher", _NONE, "share of the planned operations that the target answered correctly, of those that were due before the first fault or after a recovery; dropped starts count as not answered"),
    Metric("fault_effect_s", _G, "s", "neither", _FAULT, "time from the start of a fault to its first effect; absent if it had none"),
    Metric(FAULT_RECOVERY_S, _G, "s", "lower", _FAULT, "time from the start of a fault until rate, failures, p(95) of response times and waiting messages were back in their earlier bands; 0 if they never left them, which is not compared over runs; absent if they did not come back"),
    Metric("fault_failed", _G, "operations", "lower", _FAULT, "number of operations that failed from the start of a fault to the recovery from it, or to its undo if that is later"),
    Metric("fault_slow", _G, "operations", "lower", _FAULT, "number of operations that went well but were slower than the earlier band, from the start of a fault to the recovery from it, or to its undo if that is later"),
    Metric("fault_dropped", _G, "iterations", "lower", _FAULT, "number of starts that were dropped from the start of a fault to the recovery from it, or to its undo if that is later"),
    Metric("fault_backlog_peak", _G, "messages", "lower", _FAULT, "most messages that waited at once between the start of a fault and the recovery"),
    Metric("fault_drain_per_s", _G, "messages/s", "higher", _FAULT, "rate at which waiting messages became fewer, from their peak to the recovery"),
    Metric("fault_messages_lost", _G, "messages", "lower", _FAULT, "number of messages, by their ids, that were acknowledged before the recovery from a fault (and after the one before) and never completed"),
    Metric("fault_messages_duplicated", _G, "messages", "lower", _FAULT, "number of completions beyond the first of messages that were acknowledged before the recovery from a fault (and after the one before)"),
    Metric("fault_steady_after_ratio", _G, "ratio", "higher", _FAULT, "share of the time after the recovery, until the next fault or the end of the load, in which everything was in its earlier band"),
    # figures of benchmarks that tell what grows; without a filter the fastest of all parts
    Metric("memory_growth_bytes_per_h", _G, "bytes/h", "lower", _GROWING, "growth of the resident memory of a tier, and of `used_memory` of Redis"),
    Metric("descriptors_growth_per_h", _G, "descriptors/h", "lower", _GROWING, "growth of the number of open files and sockets of a tier's processes"),
    Metric("connections_growth_per_h", _G, "connections/h", "lower", _GROWING, "growth of the number of client connections to PostgreSQL"),
    Metric("table_growth_bytes_per_h", _G, "bytes/h", "lower", _GROWING, "growth of a table, without its indexes"),
    Metric("index_growth_bytes_per_h", _G, "bytes/h", "lower", _GROWING, "growth of all indexes of a table"),
    Metric("row_growth_bytes_per_h", _G, "bytes/h", "lower", _GROWING, "growth of the space that a table with its indexes takes for each live row (bloat), which new rows do not explain"),
    Metric("dead_rows_growth_per_h", _G, "rows/h", "lower", _GROWING, "growth of the number of dead rows that vacuum has not removed"),
    Metric("latency_growth_ms_per_h", _G, "ms/h", "lower", _GROWING, "growth of the p(95) of the response time of an operation, of a stage of messages, or of a request of a probe"),
    # figures of the one-day simulation
    Metric("messages_per_day", _G, "messages/day", "higher", _PART, "messages in 24 h at the sustained measured rate"),
    Metric("headroom_ratio", _G, "ratio", "higher", _PART, "best rate that held, divided by the rate of 1,000,000 a day"),
    # figures of a search for a capacity
    Metric(CAPACITY_PER_S, _G, "starts/s", "higher", _PART, "highest rate at which a benchmark's scenarios start, all together, while its thresholds hold and nothing piles up; 0 if not even the lowest rate that was tried holds"),
    Metric("capacity_per_day", _G, "starts/day", "neither", _PART, "the same in 24 h"),
    Metric("capacity_headroom_ratio", _G, "ratio", "neither", _PART, "capacity divided by the rate that is asked for"),
    # figures of a scaling run
    Metric(SCALING_CAPACITY, _G, "starts/s", "higher", _PART, "capacity at the most units that a scaling run tries"),
    Metric(SCALING_EFFICIENCY, _G, "ratio", "higher", _PART, "capacity per unit at the most units, divided by that at the fewest"),
    Metric("scaling_lambda_per_s", _G, "starts/s", "neither", _PART, "capacity of one unit by the Universal Scalability Law through all capacities"),
    Metric("scaling_sigma", _G, "ratio", "neither", _PART, "contention by the same law: what only one unit can do at a time"),
    Metric("scaling_kappa", _G, "ratio", "neither", _PART, "coherency by the same law: what each unit costs every other one"),
    Metric("scaling_peak_units", _G, "units", "neither", _PART, "number of units beyond which the capacity falls, by the same law; absent if it does not fall"),
    Metric("scaling_worth_units", _G, "units", "neither", _PART, "fewest units at which one more brings less than the share `worth` of the first, by the same law; absent if there is no such number"),
    # from readings
    Metric("host_cpu_percent", _T, "percent", "lower", _SOURCE, "CPU use of this machine, of all cores together"),
    Metric("host_memory_percent", _T, "percent", "lower", _SOURCE, "share of this machine's memory that is not available"),
    Metric("host_memory_bytes", _T, "bytes", "lower", _SOURCE, "memory of this machine that is in use"),
    Metric("host_disk_bytes_per_s", _T, "bytes/s", "lower", _SOURCE, "bytes read and written per second, all disks together"),
    Metric("host_network_bytes_per_s", _T, "bytes/s", "lower", _SOURCE, "bytes sent and received per second, all devices together; loopback apart (source lo)"),
    Metric("host_cpu_mhz", _T, "MHz", "higher", _SOURCE, "mean frequency of this machine's CPUs; absent if the system does not report it"),
    Metric("host_cpu_steal_percent", _T, "percent", "lower", _SOURCE, "share of CPU time that a hypervisor gave to other machines, of all cores together"),
    Metric("host_cpu_pressure_percent", _T, "percent", "lower", _SOURCE, "share of the time in which some task waited for a CPU (Linux PSI); absent if the kernel does not report it"),
    Metric("host_io_pressure_percent", _T, "percent", "lower", _SOURCE, "share of the time in which some task waited for a disk (Linux PSI); absent if the kernel does not report it"),
    Metric("host_memory_pressure_percent", _T, "percent", "lower", _SOURCE, "share of the time in which some task waited for memory (Linux PSI); absent if the kernel does not report it"),
    Metric("calibration_cpu_ms", _T, "ms", "lower", _SOURCE, "time of a fixed piece of work on all CPUs of the load machine at once, before the load (source before) and after it (source after)"),
    Metric("calibration_loopback_ms", _T, "ms", "lower", _SOURCE, "time of 100 round trips over loopback on the load machine, before and after the load"),
    Metric("calibration_disk_ms", _T, "ms", "lower", _SOURCE, "time of a write of 4 KiB with fsync in the state folder of the load machine, before and after the load"),
    Metric("process_cpu_percent", _T, "percent", "lower", _SOURCE, "CPU use of the processes of a part, where 100 % is one core"),
    Metric("process_memory_bytes", _T, "bytes", "lower", _SOURCE, "resident memory of the processes of a part together"),
    Metric("process_descriptors", _T, "descriptors", "lower", _SOURCE, "number of open files and sockets of the processes of a part together; read only with the key growth; absent if other users' processes do not show it"),
    Metric("process_io_bytes_per_s", _T, "bytes/s", "lower", _SOURCE, "bytes that the processes of a part read and wrote per second"),
    Metric("process_network_bytes_per_s", _T, "bytes/s", "lower", _SOURCE, "bytes that a container sent and received per second, on all its networks together; absent if it shares the machine's network"),
    Metric("process_cores", _T, "cores", "neither", _SOURCE, "number of cores of a tier that the target's tiers name"),
    Metric("sampling_interval_s", _T, "s", "neither", _SOURCE, "real time between two readings of a probe"),
    Metric("db_connections", _T, "connections", "lower", _SOURCE, "number of client connections to the server"),
    Metric("db_connections_ratio", _T, "ratio", "lower", _SOURCE, "client connections divided by max_connections"),
    Metric("db_locks_waiting", _T, "locks", "lower", _SOURCE, "number of lock requests that are not granted"),
    Metric("db_deadlocks", _T, "deadlocks", "lower", _SOURCE, "number of deadlocks since the benchmark began"),
    Metric("db_temp_bytes", _T, "bytes", "lower", _SOURCE, "bytes written to temporary files since the benchmark began"),
    Metric("db_cache_hit_ratio", _T, "ratio", "higher", _SOURCE, "buffer hits divided by hits and reads, since the benchmark began"),
    Metric("db_wal_bytes", _T, "bytes", "neither", _SOURCE, "bytes of write-ahead log since the benchmark began"),
    Metric("db_statement_mean_ms", _T, "ms", "lower", _SOURCE, "mean execution time of a statement since the benchmark began (pg_stat_statements)"),
    Metric("db_table_bytes", _T, "bytes", "lower", _SOURCE, "size of a table, without its indexes; read for the ten largest tables of the database, and only with the key growth, like the three below"),
    Metric("db_index_bytes", _T, "bytes", "lower", _SOURCE, "size of all indexes of a table"),
    Metric("db_dead_rows", _T, "rows", "lower", _SOURCE, "number of dead rows of a table that vacuum has not removed, as PostgreSQL estimates it"),
    Metric("db_bytes_per_row", _T, "bytes", "lower", _SOURCE, "size of a table and its indexes for each live row, as PostgreSQL estimates their number; absent below 1,000 rows"),
    Metric("consumer_lag", _T, "messages", "lower", _SOURCE, "high watermark minus committed offset, of all partitions together; of one partition with the source topic/N"),
    Metric("redis_memory_bytes", _T, "bytes", "lower", _SOURCE, "memory that Redis uses (used_memory)"),
    Metric("redis_hit_ratio", _T, "ratio", "higher", _SOURCE, "reads that found their key divided by all reads of keys, of all clients since the benchmark began"),
    Metric("redis_evicted_keys", _T, "keys", "lower", _SOURCE, "number of keys that Redis dropped for lack of memory since the benchmark began"),
    Metric("redis_ops_per_s", _T, "operations/s", "neither", _SOURCE, "commands of all clients that Redis worked on per second"),
    Metric("redis_latency_ms", _T, "ms", "lower", _SOURCE, "time of a PING from the load machine, on a connection of its own, during the load"),
    Metric("broker_request_ms", _T, "ms", "lower", _SOURCE, "time of a metadata request to a broker from the load machine, on a connection of its own, during the load; not the time of the broker alone, nor of produce requests"),
    Metric("broker_under_replicated_partitions", _T, "partitions", "lower", _SOURCE, "number of partitions of the cluster of which a replica is not in sync, by its metadata"),
    Metric("live_points_sent", _T, "points", "neither", _SOURCE, "number of points that a receiver of `--out` took since the run began"),
    Metric("live_points_lost", _T, "points", "neither", _SOURCE, "number of points that a receiver of `--out` refused or could not be sent since the run began; the run itself lost nothing"),
    Metric("live_points_waiting", _T, "points", "neither", _SOURCE, "number of points that a receiver of `--out` has still to take; those that wait at the end of the run are lost"),
    # from files of other tools
    Metric("imported_time", _T, "ms", "lower", _SOURCE, "duration in a file of another tool that no other metric stands for, by its name there"),
    Metric("imported_trend", _T, "values", "neither", _SOURCE, "values in a file of another tool, by their name there"),
    Metric("imported_rate", _R, "ratio", "neither", _SOURCE, "share of values other than 0 in a file of another tool, by their name there"),
    Metric("imported_counter", _C, "counts", "neither", _SOURCE, "sum of the values in a file of another tool, by their name there"),
    Metric("imported_gauge", _G, "values", "neither", _SOURCE, "last of the values in a file of another tool, by their name there"),
    Metric("imported_thresholds", _R, "ratio", "higher", _SOURCE, "share of the thresholds on a metric in a file of another tool that could be checked here; without values if the file does not say what they are"),
    Metric("generator_cpu_percent", _T, "percent", "lower", _SOURCE, "CPU use of a load worker, where 100 % is one core"),
)  # fmt: skip

IMPORTED: Final = frozenset(
    metric.name for metric in _METRICS if metric.name.startswith("imported_")
)
"""Metrics of files of other tools, which are known by their names there (docs/import.md)."""
UNKNOWN_THRESHOLDS: Final = "imported_thresholds"
"""Never has a value: a threshold on it says that another tool had thresholds that nobody knows."""
CATALOG: Final[Mapping[str, Metric]] = MappingProxyType(
    {metric.name: metric for metric in _METRICS}
)
OF_CAPACITY: Final = frozenset(name for name in CATALOG if name.startswith("capacity_"))
"""Metrics that only a search for a capacity has."""
OF_SCALING: Final = frozenset(name for name in CATALOG if name.startswith("scaling_"))
"""Metrics that only a scaling run has."""
TELLS_OF_FAILURES: Final = frozenset(
    {
        "checks",
        "messages_lost",
        "fault_messages_lost",
        ANSWERED_BESIDE_FAULTS,
        FAULTS_UNRECOVERED,
        *(
            metric.name
            for metric in _METRICS
            if metric.source and metric.source.value in {"failed", "answered", "good", "not_good"}
        ),
    }
)
"""Metrics that say whether the target did what it was asked to; the others say how fast."""
