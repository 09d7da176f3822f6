"""The settings of a code location: defaults of a run unless its config says otherwise.

Add here: nothing; a setting is a field of `PerfRun`. Keep out: what a run does with it
(resources.py).
Dagster concept: resources, https://docs.dagster.io/guides/build/external-resources
"""

from copy import copy
from typing import Any

from pydantic import create_model

from perf_pipeline.defs.resources import PerfRun


def with_defaults(run: PerfRun, **settings: object) -> PerfRun:
    """Make a resource whose fields default to these settings and to those of a given resource.

    Dagster drops all values that a resource was made with as soon as a run configures one field,
    as each job does with `profile`; and those of `model_copy` reach no run at all (1.13,
    `_config/pythonic_config/resource.py`). Defaults of a class hold for each field by itself.

    Args:
        run: the resource whose settings count; the new one has its class.
        settings: the settings by the name of the field; they take precedence.
    """
    values = {name: getattr(run, name) for name in run.model_fields_set} | settings
    fields: dict[str, Any] = {}
    for name, value in values.items():
        field = copy(type(run).model_fields[name])
        field.default, field.default_factory = value, None
        fields[name] = (field.annotation, field)
    return create_model(type(run).__name__, __base__=type(run), **fields)()
