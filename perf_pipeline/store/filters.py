"""Tag filters in SQL, the same for raw rows and for histograms.

Add here: the column of a new tag. Keep out: which filters make sense (metrics/threshold.py).
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.catalog import Metric

_OF_FIGURES: Final = ("fault", "part")
_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "scenario": "scenario",
        "operation": "operation",
        "status": "status",
        "outcome": "outcome",
        "error": "error",
        "source": "source",
        "check": "check_name",
        **dict.fromkeys(_OF_FIGURES, "operation"),  # of figures, which no operation has as well
    }
)


def figure_tag(metric: Metric) -> str:
    """Return the tag for which a metric's figures use the column of operations, or nothing."""
    return next((tag for tag in _OF_FIGURES if tag in metric.tags), "")


def tag_conditions(
    tags: Mapping[str, str], scenarios: Collection[str]
) -> tuple[list[str], dict[str, str | list[str]]]:
    """Return the SQL conditions of a filter, and their parameters.

    Args:
        tags: the filter.
        scenarios: those that have its tags that are no columns, or that are meant without any
            tag: `Threshold.scenarios`. Where it is empty, nobody has such tags.
    """
    built_in = {name: text for name, text in tags.items() if name in _COLUMNS}
    conditions = [f"{_COLUMNS[name]} = $tag_{name}" for name in built_in]
    parameters: dict[str, str | list[str]] = {f"tag_{tag}": text for tag, text in built_in.items()}
    if scenarios or len(built_in) < len(tags):
        conditions.append("list_contains($scenarios::varchar[], scenario)")
        parameters["scenarios"] = sorted(scenarios)
    return conditions, parameters
