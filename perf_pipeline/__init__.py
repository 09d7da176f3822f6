"""Load an API, a database or topics, and say whether they carry what they have to.

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
