"""A benchmark's name stands in its own record and nowhere else in the package.

Texts count whole and in part, docstrings and comments as well: an example that names a benchmark
is one more place that a new name would have to be written into.
"""

import ast
import re
from pathlib import Path

import pytest

import perf_pipeline
from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline_tests.support.module_texts import may_say

PACKAGE = Path(perf_pipeline.__file__).parent
# Profiles name benchmarks, in TOML; the reference system is somebody else's program.
HOMES = ("benchmarks", "reference_system")
NAMED = re.compile(rf"(?<![0-9A-Za-z_])({'|'.join(NAMES)})(?![0-9A-Za-z_])")
ELSEWHERE = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in HOMES and "__pycache__" not in path.parts
)


def rooms() -> dict[str, list[Path]]:
    """Give the modules outside the records by the part of the package that they are in."""
    found: dict[str, list[Path]] = {}
    for path in ELSEWHERE:
        found.setdefault(path.relative_to(PACKAGE).parts[0], []).append(path)
    return found


def named_in(source: str) -> list[str]:
    """Say where a module names a benchmark: as it is written, or in a text put together."""
    lines = [
        f"line {n}: {line}" for n, line in enumerate(source.split("\n"), 1) if NAMED.search(line)
    ]
    if not may_say(NAMED, source):
        return []
    return lines or [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and NAMED.search(node.value)
    ]


@pytest.mark.parametrize("paths", rooms().values(), ids=list(rooms()))
def test_no_module_outside_the_records_names_a_benchmark(paths: list[Path]) -> None:
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in paths
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
        "x = 'end_to' '_end'",
        "x = (\n    'in end_'  # and more\n    f'to_end'\n)",
        "x = 'end\\x5fto_end'",
        "x = 1  # as in end_to_end",
        "def f():\n    '''Measure, e.g. end_to_end.'''",
    ],
    ids=[
        "equal",
        "table",
        "case",
        "sentence",
        "import",
        "def",
        "argument",
        "in two",
        "in two lines",
        "by a number",
        "comment",
        "docstring",
    ],
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
