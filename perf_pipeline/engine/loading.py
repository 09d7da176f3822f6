"""Find a workload by its name, `module:Class`.

Add here: nothing; a workload is found by its name. Keep out: which `exec` of a profile is which
class (config/parameters.py).
"""

import importlib
from typing import cast

from perf_pipeline.engine.ports import Workload, WorkloadFactory
from perf_pipeline.errors import ProfileError


def load_workload(name: str) -> Workload:
    """Import `module:Class` and call it without arguments.

    Raises:
        ProfileError: there is no such module or class.
    """
    module_name, _, factory_name = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ModuleNotFoundError, AttributeError, ValueError) as error:
        problem = f"workload is {name!r}, which can't be imported as 'module:Class': {error}"
        raise ProfileError("job", [problem]) from error
    return cast("WorkloadFactory", factory)()
