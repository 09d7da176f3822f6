"""Imports an author's code by its place, so that nothing beside it stands in for another module.

A folder of scenarios often holds a `json.py` or a `random.py`; the standard library and installed
packages go before them, and only the named module itself is looked for there first.
Add here: nothing. Keep out: what the code is (scenario.py).
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from perf_pipeline.errors import ScenarioError


def imported(name: str, folder: Path) -> Any:
    """Import `module:name`, looking in the folder first.

    Raises:
        ScenarioError: it can't be imported; says why and where.
    """
    module_name, _, attribute = name.partition(":")
    try:
        return getattr(_module(module_name, str(folder)), attribute)
    except BaseException as error:  # sys.exit, too; Ctrl-C never reaches a worker
        why = f"{type(error).__name__}: {error}"
        raise ScenarioError(
            f"exec is {name!r}, which can't be imported: {why}; no load was sent"
        ) from error


def _module(name: str, folder: str) -> ModuleType:
    if folder not in sys.path:
        sys.path.append(folder)
    top = name.partition(".")[0]
    _refuse_another(top, folder)
    with _found_first(top, folder):
        return importlib.import_module(name)


def _refuse_another(top: str, folder: str) -> None:
    """Refuse a name under which something else is imported: it would be run instead.

    Raises:
        ImportError: names both places.
    """
    known = sys.modules.get(top)
    wanted = PathFinder.find_spec(top, [folder])
    if known is None or wanted is None or known.__spec__ is None:
        return
    if _places(known.__spec__).isdisjoint(_places(wanted)):
        there = ", ".join(_places(known.__spec__)) or "elsewhere"
        raise ImportError(
            f"{top!r} is already imported from {there}; give your module another name"
        )


def _places(spec: ModuleSpec) -> set[str]:
    return {*([spec.origin] if spec.origin else []), *(spec.submodule_search_locations or ())}


class _NamedModule(MetaPathFinder):
    """Find one top-level module in one folder."""

    def __init__(self, top: str, folder: str) -> None:
        self._top = top
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find this module and no other."""
        if fullname != self._top or path is not None:
            return None
        return PathFinder.find_spec(fullname, [self._folder], target)


@contextmanager
def _found_first(top: str, folder: str) -> Iterator[None]:
    finder = _NamedModule(top, folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
