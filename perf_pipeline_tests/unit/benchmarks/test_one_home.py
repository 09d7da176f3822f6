"""A benchmark's name stands in its own record and nowhere else in the package.

Texts count whole and in part, docstrings and comments as well: an example that names a benchmark
is one more place that a new name would have to be written into.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import perf_pipeline
from perf_pipeline.benchmarks.registry import NAMES

PACKAGE = Path(perf_pipeline.__file__).parent
# Profiles name benchmarks, in TOML; the reference system is somebody else's program.
HOMES = ("benchmarks", "reference_system")
NAMED = re.compile(rf"(?<![0-9A-Za-z_])({'|'.join(NAMES)})(?![0-9A-Za-z_])")
ELSEWHERE = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in HOMES and "__pycache__" not in path.parts
)


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Give every text and every name in a module, with its line."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str() as text):
                yield line, text
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text):
                yield line, text
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text):
                yield line, text
            case ast.ClassDef(name=text) | ast.alias(name=text):
                yield line, text
            case ast.ImportFrom(module=str() as text) | ast.keyword(arg=str() as text):
                yield line, text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def named_in(source: str) -> list[str]:
    """Say where a module names a benchmark."""
    return [f"line {line}: {text}" for line, text in texts(source) if NAMED.search(text)]


def test_no_module_outside_the_records_names_a_benchmark() -> None:
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in ELSEWHERE
        if (lines := named_in(path.read_text(encoding="utf-8")))
    }

    assert found == {}


def test_every_module_is_walked() -> None:
    assert len(ELSEWHERE) > 200
    assert all((PACKAGE / "benchmarks" / f"{name}.py").is_file() for name in NAMES)


@pytest.mark.parametrize(
    "source",
    [
        "if name == 'end_to_end': pass",
        "TABLE = {'queue_consume': ('queue_produce',)}",
        "match name:\n    case 'day_simulation': pass",
        "raise ValueError(f'{x} needs queue_produce first')",
        "from perf_pipeline.defs.end_to_end import asset",
        "def end_to_end(): pass",
        "run(only=end_to_end)",
        "x = 1  # as in end_to_end",
        "def f():\n    '''Measure, e.g. end_to_end.'''",
    ],
    ids=["equal", "table", "case", "sentence", "import", "def", "argument", "comment", "docstring"],
)
def test_a_module_that_names_a_benchmark_is_found(source: str) -> None:
    assert named_in(source)


@pytest.mark.parametrize(
    "source",
    ["x = 'front_end_to_end'", "x = 'end_to_end_2'", "x = 'end to end'"],
    ids=["longer before", "longer after", "words"],
)
def test_a_name_that_only_contains_one_is_another_name(source: str) -> None:
    assert named_in(source) == []
