"""Grafana's dashboards in docker/grafana; `python -m perf_pipeline_tests.docs.dashboards` renews.

They are built by Grafana's own foundation SDK; a test asserts that the files are what this makes,
and others run the queries against real servers.
Add here: a panel. Keep out: how figures are called (outputs/naming.py, docs/live.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.builders.common import VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    GraphDrawStyle,
    LegendDisplayMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableRefresh,
    VariableSort,
)

from perf_pipeline_tests.support.places import ROOT

FOLDER: Final = ROOT / "docker" / "grafana" / "dashboards"
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="perf-pipeline-metrics")
_OF_RUN: Final = 'testid="$testid",benchmark=~"$benchmark"'


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
            "Points that receivers took and lost",
            "short",
            [
                ("perf_live_points_sent{run}", "{{source}} took"),
                ("perf_live_points_lost{run}", "{{source}} lost"),
            ],
        ),
    ),
}  # fmt: skip


def run_dashboard() -> str:
    """Make the dashboard of a run."""
    made = _dashboard("perf-pipeline-run", "perf_pipeline: a run", "now-15m", "5s")
    made.with_variable(
        _variable("testid", "Run", "label_values(perf_operations_total, testid)")
    ).with_variable(
        _variable(
            "benchmark",
            "Benchmark",
            'label_values(perf_operations_total{testid="$testid"}, benchmark)',
        )
        .multi(multi=True)
        .include_all(include_all=True)
    )
    for title, plots in RUN.items():
        made.with_row(dashboard.Row(title))
        for plot in plots:
            made.with_panel(_panel(plot))
    return _json(made)


def made_dashboards() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of each dashboard."""
    yield FOLDER / "run.json", run_dashboard()


def _dashboard(uid: str, title: str, since: str, refresh: str) -> dashboard.Dashboard:
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["perf_pipeline"])
        .time(since, "now")
        .refresh(refresh)
        .timezone("browser")
        .readonly()
    )


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_DESC)
    )


def _panel(plot: Plot) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(plot.title)
        .datasource(_SOURCE)
        .unit(plot.unit)
        .min(0)
        .span(12)
        .height(8)
        .line_width(1)
        .no_value("no data of this kind in the run")
        .draw_style(GraphDrawStyle.LINE)
        .show_points(VisibilityMode.ALWAYS if plot.points else VisibilityMode.NEVER)
        .span_nulls(plot.points)
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .legend(
            VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(show_legend=True)
        )
    )
    for number, (query, legend) in enumerate(plot.queries):
        panel.with_target(
            prometheus.Dataquery()
            .ref_id(chr(ord("A") + number))
            .datasource(_SOURCE)
            .expr(query.replace("{run}", f"{{{_OF_RUN}}}"))
            .legend_format(legend)
            .range()
        )
    return panel


def _json(made: Any) -> str:
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(made.build())}\n"


def main() -> None:
    """Write the dashboards."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in made_dashboards():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
