"""Say whether a message-scheduling system carries a million messages a day.

Only the version and the name of Dagster's component live here: importing the package must cost
nothing, so the component's module is imported when somebody asks for it.
"""

from importlib import import_module

__version__ = "0.1.0"
_IN_MODULES = {"PerfPipeline": "perf_pipeline.defs.component"}


def __getattr__(name: str) -> object:
    if name not in _IN_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_IN_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_IN_MODULES})
