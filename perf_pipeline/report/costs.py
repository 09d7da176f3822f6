"""Show where the target's time went, for every report.

Add here: another fact about a cost. Keep out: what a cost is (analysis/costs.py).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.costs import TopCost
from perf_pipeline.report.tables import ColumnKind, Table

TITLE: Final = "Where the target's time went"
_COLUMNS: Final[Mapping[str, ColumnKind]] = MappingProxyType(
    {
        "benchmark": "text",
        "tier": "text",
        "kind": "text",
        "what": "metric",
        "share": "number",
        "time": "number",
        "calls": "number",
        "before": "number",
    }
)


def cost_table(costs: Iterable[tuple[str, TopCost]]) -> Table:
    """Return a table of the largest costs of each benchmark."""
    return Table.of(_COLUMNS, (_row(benchmark, top) for benchmark, top in costs))


def cost_values(costs: Iterable[tuple[str, TopCost]]) -> list[dict[str, str | float | int | None]]:
    """Return the costs as JSON values, in seconds and shares."""
    return [
        {
            "benchmark": benchmark,
            "tier": top.cost.tier,
            "kind": top.cost.kind,
            "name": top.cost.name,
            "share": top.share,
            "seconds": top.cost.value,
            "calls": top.cost.calls or None,
            "seconds_before": top.before_s,
            "has_grown": top.has_grown,
        }
        for benchmark, top in costs
    ]


def _row(benchmark: str, top: TopCost) -> tuple[str, ...]:
    before = "-" if top.before_s is None else f"{top.before_s:,.1f} s"
    return (
        benchmark,
        top.cost.tier,
        top.cost.kind,
        top.cost.name,
        f"{100 * top.share:.0f} %",
        f"{top.cost.value:,.1f} s",
        f"{top.cost.calls:,}" if top.cost.calls else "-",
        f"{before}, grown" if top.has_grown else before,
    )
