"""What `make wheel` compiles, as far as it can be told without a compiler.

`make test-wheel` builds the wheel, and runs the tests of these modules on it.
Add here: a rule of mypyc that a change elsewhere could break. Keep out: building.
"""

import ast
import re
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from perf_pipeline_tests.support.places import ROOT

_WITH_BASES = re.compile(r"^\s*class\s+\w+\s*[\[(\\]", re.MULTILINE)


def settings() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook: dict[str, Any] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    return hook


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def compiled() -> set[str]:
    found = (path for pattern in settings()["modules"] for path in ROOT.glob(pattern))
    return {module_of(path) for path in found if path.stem != "__init__"}


def imported(tree: ast.Module) -> Mapping[str, str]:
    """Give the module that each name was imported from."""
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


@cache
def heirs() -> list[tuple[str, str, str]]:
    """Give each class with a base of another module: its module, its name, and that module."""
    found = []
    for path in sorted((ROOT / "perf_pipeline").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not _WITH_BASES.search(text):  # to parse all modules takes seconds
            continue
        tree = ast.parse(text)
        source = imported(tree)
        classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
        for node in classes:
            for base in node.bases:
                name = base.value if isinstance(base, ast.Subscript) else base
                if isinstance(name, ast.Name) and name.id in source:
                    found.append((module_of(path), node.name, source[name.id]))
    return found


def interpreted_heirs(modules: Collection[str]) -> list[str]:
    """Name classes outside of these modules that inherit from one in them."""
    return [
        f"{module}.{name}"
        for module, name, base in heirs()
        if module not in modules and base in modules
    ]


def test_a_clone_an_image_and_an_editable_install_need_no_compiler() -> None:
    assert settings()["enable-by-default"] is False


def test_each_module_that_is_to_be_compiled_exists() -> None:
    missing = [pattern for pattern in settings()["modules"] if not list(ROOT.glob(pattern))]

    assert missing == []


def test_no_interpreted_class_inherits_from_a_compiled_one() -> None:
    # Python raises TypeError at the import of such a class, and only in the compiled wheel.
    assert interpreted_heirs(compiled()) == []


def test_an_interpreted_heir_of_a_compiled_class_is_found() -> None:
    http2 = "perf_pipeline.workloads.http.http2"

    assert interpreted_heirs(compiled() - {http2}) == [f"{http2}.Http2Wire"]


def test_no_compiled_pattern_takes_the_rest_of_a_tuple() -> None:
    # mypyc 2.4 makes a tuple of `*rest` in `case (name, *rest)`, where Python makes a list, and
    # raises TypeError at the first use.
    with_rest = [
        f"{module}:{node.lineno}"
        for module in sorted(compiled())
        for node in ast.walk(ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text()))
        if isinstance(node, ast.MatchStar)
    ]

    assert with_rest == []


def test_no_compiled_coroutine_awaits_while_it_handles_an_exception() -> None:
    # mypyc 2.4 loses the exception that is handled: Python crashed at a cancellation.
    awaiting = [
        f"{module}:{node.lineno}"
        for module in sorted(compiled())
        for node in ast.walk(ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text()))
        if isinstance(node, ast.ExceptHandler)
        and any(isinstance(inner, ast.Await) for inner in ast.walk(node))
    ]

    assert awaiting == []
