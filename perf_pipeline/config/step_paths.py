"""The path of a step: a path of the profile, or a link from an earlier answer.

Add here: another way to name the path of a step's request. Keep out: sending it (workloads/), paths
that have no variables (http_keys.py).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from perf_pipeline.config.http_keys import require_path
from perf_pipeline.config.templates import Source, Variable, parse_template


def link_variable(path: str) -> Variable | None:
    """Return the variable of a path that is only a saved link with its query; None for other paths.

    >>> link_variable("${next}").arguments
    ('next',)
    """
    try:
        parts = parse_template(path)
    except ValueError:
        return None
    match parts:
        case (Variable(source=Source.SAVED) as only,):
            return only
    return None


def _step_path(value: str) -> str:
    return value if link_variable(value) is not None else require_path(value)


StepPath = Annotated[str, AfterValidator(_step_path)]


def link_mistakes(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find a query in a raw step whose path is a link, which has its own query."""
    path = step.get("path")
    if step.get("query") and isinstance(path, str) and link_variable(path) is not None:
        yield "query", f"can't stand beside the path {path}, which is a link with its own query"
