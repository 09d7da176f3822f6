"""What people import for their Python scenarios has one face, and the former one still works."""

import ast
import inspect
import textwrap
from pathlib import Path

import pytest

from perf_pipeline import scenario as face
from perf_pipeline.config.loading import load_profile
from perf_pipeline.engine import ports
from perf_pipeline.workloads import python_vu


def usage(thing: object) -> list[str]:
    """Give the indented examples of a docstring."""
    text = inspect.getdoc(thing) or ""
    parts = [textwrap.dedent(part) for part in text.split("\n\n") if part.startswith("    ")]
    return [part for part in parts if not part.startswith("[")]


def test_the_former_module_gives_the_same_things() -> None:
    assert python_vu.VU is face.VU
    assert python_vu.scenario is face.scenario
    assert python_vu.Scenario is face.DeclaredScenario


def test_a_workload_of_ones_own_needs_no_other_module() -> None:
    for name in ("Workload", "WorkerContext", "Iteration", "Recorder"):
        assert getattr(face, name) is getattr(ports, name)


@pytest.mark.parametrize("thing", [face, face.VU, face.scenario, face.VU.check])
def test_the_examples_of_the_docstrings_are_python(thing: object) -> None:
    examples = usage(thing)

    assert examples
    body = textwrap.indent("\n".join(examples), "    ")
    ast.parse(f"async def main(vu, answer):\n{body}\n")


def test_the_profile_of_the_docstring_is_one(tmp_path: Path) -> None:
    table = next(part for part in (face.__doc__ or "").split("\n\n") if part.startswith("    ["))
    (tmp_path / "visits.py").write_text("\n\n".join(usage(face)))
    (tmp_path / "visits.toml").write_text('name = "visits"\n' + textwrap.dedent(table))

    profile = load_profile(str(tmp_path / "visits.toml"))

    assert profile.benchmark_names == ["visits"]
