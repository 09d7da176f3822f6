"""Grafana's dashboards in docker/grafana; `python -m perf_pipeline_tests.docs.dashboards` renews.

They are built by Grafana's own foundation SDK; a test asserts that the files are what this makes,
and others run the queries against real servers.
Add here: a dashboard. Keep out: what its panels show (dashboard_plots.py).
"""

from collections.abc import Iterator, Mapping, Sequence
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

from perf_pipeline_tests.docs.dashboard_plots import RUN, TRENDS, Plot
from perf_pipeline_tests.support.places import ROOT

FOLDER: Final = ROOT / "docker" / "grafana" / "dashboards"
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="perf-pipeline-metrics")
_OF_RUN: Final = 'testid="$testid",benchmark=~"$benchmark"'


def trends_dashboard() -> str:
    """Make the dashboard of many runs."""
    made = _dashboard("perf-pipeline-trends", "perf_pipeline: over runs", "now-90d", "")
    _let_choose(made, "profile", "Profile", of="perf_run_figure")
    return _json(_with_rows(made, TRENDS))


def run_dashboard() -> str:
    """Make the dashboard of a run."""
    made = _dashboard("perf-pipeline-run", "perf_pipeline: a run", "now-15m", "5s")
    _let_choose(made, "testid", "Run", of="perf_operations_total")
    return _json(_with_rows(made, RUN))


def made_dashboards() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of each dashboard."""
    yield FOLDER / "run.json", run_dashboard()
    yield FOLDER / "trends.json", trends_dashboard()


def _with_rows(
    made: dashboard.Dashboard, rows: Mapping[str, Sequence[Plot]]
) -> dashboard.Dashboard:
    for title, plots in rows.items():
        made.with_row(dashboard.Row(title))
        for plot in plots:
            made.with_panel(_panel(plot))
    return made


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


def _let_choose(made: dashboard.Dashboard, name: str, label: str, *, of: str) -> None:
    """Let a reader choose a value of a metric's label, and any of the benchmarks that have it."""
    benchmarks = f'label_values({of}{{{name}="${name}"}}, benchmark)'
    made.with_variable(_variable(name, label, f"label_values({of}, {name})"))
    made.with_variable(
        _variable("benchmark", "Benchmark", benchmarks)
        .multi(multi=True)
        .include_all(include_all=True)
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
