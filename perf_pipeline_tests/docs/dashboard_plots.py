"""What the panels of Grafana's dashboards show: queries of PromQL and their units.

Add here: a panel. Keep out: how figures are called (outputs/naming.py, docs/live.md), and how a
panel is built (dashboards.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Plot:
    """Describe a panel.

    Attributes:
        title: what it shows.
        unit: of Grafana: reqps, s, percent, bytes, Bps, short …
        queries: expression and legend; `{run}` stands for the labels of the chosen run.
        points: it has single points, a run each.
    """

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    points: bool = False


def rate(metric: str, by: str = "benchmark, name") -> str:
    """Return the query of a counter's growth per second."""
    return f"sum by ({by}) (rate({metric}{{run}}[$__rate_interval]))"


_NAMED: Final = "{{benchmark}} {{name}}"
_SCENARIO: Final = "{{benchmark}} {{scenario}}"
_QUANTILES: Final = ("p50", "p95", "p99")


def quantiles(metric: str) -> list[tuple[str, str]]:
    """Return the queries of a duration's quantiles, by operation."""
    return [(f"{metric}_{quantile}{{run}}", f"{_NAMED} {quantile}") for quantile in _QUANTILES]


RUN: Final = {
    "Requests and operations": (
        Plot("Operations per second", "ops", [(rate("perf_operations_total"), _NAMED)]),
        Plot("HTTP requests per second", "reqps", [(rate("k6_http_reqs_total"), _NAMED)]),
        Plot("HTTP request duration", "s", quantiles("k6_http_req_duration")),
        Plot("Response time, from the planned start", "s", quantiles("perf_response_time")),
        Plot(
            "Failures per second, by kind",
            "ops",
            [(rate("perf_failures_total", "benchmark, name, error"), f"{_NAMED} {{{{error}}}}")],
        ),
        Plot("Share of failed requests", "percentunit", [("k6_http_req_failed_rate{run}", _NAMED)]),
    ),
    "The load": (
        Plot(
            "Iterations per second against the plan",
            "ops",
            [
                (rate("k6_iterations_total", "benchmark, scenario"), _SCENARIO),
                ("perf_planned_iterations_per_s{run}", f"{_SCENARIO} planned"),
            ],
        ),
        Plot(
            "Dropped starts per second",
            "ops",
            [(rate("k6_dropped_iterations_total", "benchmark, scenario"), _SCENARIO)],
        ),
        Plot(
            "VUs",
            "short",
            [
                ("k6_vus{run}", f"{_SCENARIO} active"),
                ("k6_vus_max{run}", f"{_SCENARIO} made"),
                ("perf_vus_busy{run}", f"{_SCENARIO} busy"),
            ],
        ),
        Plot("Lag of starts (p99)", "s", [("perf_schedule_lag_p99{run}", _NAMED)]),
    ),
    "Queue": (
        Plot(
            "Messages per second",
            "short",
            [
                (rate("perf_message_deliveries_total"), f"{_NAMED} produced"),
                (rate("perf_messages_consumed_total"), f"{_NAMED} consumed"),
            ],
        ),
        Plot("Delivery of a message", "s", quantiles("perf_message_delivery_duration")),
        Plot("Consumer lag", "short", [("perf_consumer_lag{run}", "{{benchmark}} {{source}}")]),
        Plot(
            "Work on a message", "s", quantiles("perf_message_processing_duration")
        ),
    ),
    "Database and cache": (
        Plot("Statements per second", "ops", [(rate("perf_db_queries_total"), _NAMED)]),
        Plot("Duration of statements", "s", quantiles("perf_db_query_duration")),
        Plot("Connections", "short", [("perf_db_connections{run}", "{{benchmark}} {{source}}")]),
        Plot(
            "Locks that are waited for, and deadlocks",
            "short",
            [
                ("perf_db_locks_waiting{run}", "{{benchmark}} waiting"),
                ("perf_db_deadlocks{run}", "{{benchmark}} deadlocks"),
            ],
        ),
        Plot("Commands of the cache per second", "ops", [(rate("perf_cache_ops_total"), _NAMED)]),
        Plot("Duration of commands", "s", quantiles("perf_cache_op_duration")),
    ),
    "Machine and tiers": (
        Plot(
            "CPU of each part (100 % is a core)",
            "percent",
            [("perf_process_cpu_percent{run}", "{{source}}")],
        ),
        Plot("CPU of the machine", "percent", [("perf_host_cpu_percent{run}", "{{source}}")]),
        Plot("Memory of each part", "bytes", [("perf_process_memory_bytes{run}", "{{source}}")]),
        Plot(
            "Network",
            "Bps",
            [
                ("perf_host_network_bytes_per_s{run}", "{{source}}"),
                ("perf_process_network_bytes_per_s{run}", "{{source}}"),
            ],
        ),
        Plot(
            "Disk",
            "Bps",
            [
                ("perf_host_disk_bytes_per_s{run}", "{{source}}"),
                ("perf_process_io_bytes_per_s{run}", "{{source}}"),
            ],
        ),
        Plot(
            "Points that receivers took, and that were lost or wait",
            "short",
            [
                ("perf_live_points_sent{run}", "{{source}} took"),
                ("perf_live_points_lost{run}", "{{source}} lost"),
                ("perf_live_points_waiting{run}", "{{source}} waiting"),
            ],
        ),
    ),
}  # fmt: skip


def over_runs(title: str, unit: str, *metrics: str, statistic: str) -> Plot:
    """Return a panel of figures of whole runs, each standing until the next step of the plot."""
    labels = (
        f'profile="$profile",benchmark=~"$benchmark",statistic="{statistic}",'
        f'metric=~"{"|".join(metrics)}"'
    )
    query = f"last_over_time(perf_run_figure{{{labels}}}[$__interval])"
    return Plot(title, unit, [(query, "{{benchmark}} {{metric}} {{tags}}")], points=True)


_VERDICTS: Final = 'last_over_time(perf_run_verdicts{profile="$profile"}[$__interval])'
_FAILED: Final = (
    "http_req_failed",
    "db_query_failed",
    "cache_op_failed",
    "message_delivery_failed",
)
_RATES: Final = ("produce_rate", "consume_rate")
TRENDS: Final = {
    "Verdicts": (Plot("Thresholds by status", "short", [(_VERDICTS, "{{status}}")], points=True),),
    "Requests": (
        over_runs("HTTP p95", "ms", "http_req_duration", statistic="p(95)"),
        over_runs("HTTP median", "ms", "http_req_duration", statistic="med"),
        over_runs("Requests per second", "reqps", "http_reqs", statistic="rate"),
        over_runs("Share that failed", "percentunit", *_FAILED, statistic="rate"),
    ),
    "Queue and messages": (
        over_runs("Produced and consumed per second", "short", *_RATES, statistic="value"),
        over_runs("A message's way, p95", "ms", "message_latency", statistic="p(95)"),
        over_runs("Messages lost", "short", "messages_lost", statistic="value"),
        over_runs("Consumer lag, p95", "short", "consumer_lag", statistic="p(95)"),
    ),
    "Database and machine": (
        over_runs("Statements, p95", "ms", "db_query_duration", statistic="p(95)"),
        over_runs("Connections", "short", "db_connections", statistic="avg"),
        over_runs("CPU of each part", "percent", "process_cpu_percent", statistic="avg"),
        over_runs("Memory of each part", "bytes", "process_memory_bytes", statistic="avg"),
    ),
}
