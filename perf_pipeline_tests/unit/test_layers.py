"""Who may import whom, and asset bodies that only call: house rules that a machine can hold.

Add here: a rule of structure. Keep out: rules that ruff or mypy know.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import perf_pipeline

PACKAGE = Path(perf_pipeline.__file__).parent
CONTRACTS = PACKAGE.parent / ".importlinter"
DEFS = sorted((PACKAGE / "defs").rglob("*.py"))
DECORATORS = {"asset", "multi_asset", "asset_check", "multi_asset_check", "schedule", "sensor"}
MOST_LINES = 12
SQL = re.compile(r"\s*(select|insert|update|delete|create|copy|with)\s", re.IGNORECASE)
THICK = (ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.BinOp, ast.AugAssign)

Body = ast.FunctionDef | ast.AsyncFunctionDef


def orchestrated(source: str) -> Iterator[Body]:
    """Give every function that Dagster calls, also those inside a factory."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Body):
            calls = [
                decorator.func if isinstance(decorator, ast.Call) else decorator
                for decorator in node.decorator_list
            ]
            names = {call.attr for call in calls if isinstance(call, ast.Attribute)}
            if names & DECORATORS:
                yield node


def faults(body: Body) -> list[str]:
    """Say what a body does itself that belongs into a use case; empty for a thin one."""
    statements = body.body[1:] if ast.get_docstring(body) else body.body
    lines = body.body[-1].end_lineno or 0
    length = lines - (statements[0].lineno if statements else lines) + 1
    found = [f"{length} lines"] if length > MOST_LINES else []
    for node in (inner for statement in statements for inner in ast.walk(statement)):
        if isinstance(node, THICK):
            found.append(f"line {node.lineno}: {type(node).__name__}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [f"line {node.lineno}: SQL"] if SQL.match(node.value) else []
    return found


def test_every_import_goes_down_the_layers_and_third_parties_stay_at_home() -> None:
    assert lint_imports(str(CONTRACTS), no_cache=True, verbose=False) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("path", DEFS, ids=lambda path: path.stem)
def test_what_dagster_calls_reads_calls_one_use_case_and_returns(path: Path) -> None:
    bodies = list(orchestrated(path.read_text(encoding="utf-8")))

    assert {body.name: faults(body) for body in bodies if faults(body)} == {}


def test_every_asset_is_looked_at() -> None:
    names = [body.name for path in DEFS for body in orchestrated(path.read_text(encoding="utf-8"))]

    assert {"seeded_users", "benchmark", "report", "thresholds"} <= set(names)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("for x in y: z(x)", "line 3: For"),
        ("while x: y()", "line 3: While"),
        ("try: x()\n    except E: y()", "line 3: Try"),
        ("return a / b", "line 3: BinOp"),
        ("return ask('select 1')", "line 3: SQL"),
        ("\n    ".join(["x()"] * 13), "13 lines"),
    ],
    ids=["loop", "while", "try", "arithmetic", "sql", "long"],
)
def test_a_thick_body_is_told_by_its_fault(body: str, fault: str) -> None:
    [thick] = orchestrated(f"@dg.asset(deps=[])\ndef a():\n    {body}\n")

    assert faults(thick) == [fault]


@pytest.mark.parametrize("path", DEFS, ids=lambda path: path.stem)
def test_annotations_in_defs_are_values_because_dagster_reads_them(path: Path) -> None:
    imports = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]

    assert imports == []
