"""Check the module that an own scenario names without running the user's code.

Add here: another reason why a module cannot be a scenario. Keep out: importing it (workloads/).
"""

import ast
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from perf_pipeline.spelling import meant


def module_mistakes(exec_name: str, folder: Path) -> Iterator[str]:
    """Find why `module:name` cannot be imported from a folder or an installed package."""
    module, _, name = exec_name.partition(":")
    if (top := module.partition(".")[0]) in sys.stdlib_module_names:
        yield f"{top!r} is a module of Python itself; give your module another name"
        return
    try:
        origin = _origin(module, folder)
    except (ImportError, ValueError) as error:
        yield f"module {module!r} can't be searched for in {folder.name or '.'}/: {error}"
        return
    if origin is None:
        there = meant(f"{module}.py", [path.name for path in folder.glob("*.py")])
        yield (
            f"module {module!r} is neither in {folder.name or '.'}/ nor installed"
            f"{there.replace('.py?', '?') or '; set parameters.path to the folder that holds it'}"
        )
    elif origin.endswith(".py"):
        yield from _name_mistakes(Path(origin), name)


def _origin(module: str, folder: Path) -> str | None:
    """Return the module's file; empty if it has none, None if there is no such module."""
    path = [str(folder), *sys.path]
    origin = ""
    for at in range(len(parts := module.split("."))):
        spec = PathFinder.find_spec(".".join(parts[: at + 1]), path)
        if spec is None:
            return None
        path, origin = list(spec.submodule_search_locations or ()), spec.origin or ""
    return origin


def _name_mistakes(file: Path, name: str) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError as error:
        yield f"{file.name} is not valid Python: line {error.lineno}: {error.msg}"
        return
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        yield f"{file.name} can't be read as Python: {error or type(error).__name__}"
        return
    bound = {known: node for node in tree.body for known in _names_of(node)}
    if "*" in bound:
        return
    if name not in bound:
        public = [known for known in bound if not known.startswith("_")]
        there = ", ".join(public) or "nothing"
        yield f"{file.name} has no {name!r}; it has {there}{meant(name, public)}"
    elif isinstance(bound[name], ast.FunctionDef):
        yield f"{name} in {file.name} is not an async function; write async def {name}(vu)"


def _names_of(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node) if isinstance(node, ast.If | ast.Try) else [node]:
        match inner:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield inner.name
            case ast.Import() | ast.ImportFrom():
                yield from (imported.asname or imported.name for imported in inner.names)
            case ast.Assign():
                yield from (target.id for target in inner.targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
