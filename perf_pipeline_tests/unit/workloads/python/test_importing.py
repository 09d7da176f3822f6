"""An author's module is found by its place, and nothing beside it stands in for another module."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.config.own_modules import module_mistakes
from perf_pipeline.errors import ScenarioError
from perf_pipeline.workloads.python.importing import imported


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder of scenarios; what is imported from it is forgotten afterwards."""
    before, path = set(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_is_imported_with_its_neighbours(folder: Path) -> None:
    (folder / "own_shop.py").write_text("import own_helper\ngo = own_helper.answer\n")
    (folder / "own_helper.py").write_text("answer = 42\n")

    assert imported("own_shop:go", folder) == 42


def test_a_module_in_a_folder_without_init_is_imported(folder: Path) -> None:
    (folder / "own_folder").mkdir()
    (folder / "own_folder" / "shop.py").write_text("go = 1\n")

    assert imported("own_folder.shop:go", folder) == 1


def test_a_neighbour_with_a_name_of_pythons_own_is_not_imported(folder: Path) -> None:
    (folder / "own_shop.py").write_text("import this, httpx\ngo = httpx.__file__\n")
    for name in ("this", "colorsys", "httpx", "tabnanny"):
        (folder / f"{name}.py").write_text("raise ImportError('the wrong one')\n")
    sys.modules.pop("colorsys", None)
    (folder / "own_late.py").write_text("def go():\n    import colorsys\n    return colorsys\n")

    assert "site-packages" in imported("own_shop:go", folder)
    assert imported("own_late:go", folder)().rgb_to_hsv(0.0, 0.0, 0.0) == (0.0, 0.0, 0.0)


def test_a_second_module_of_the_same_name_is_refused(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "own_twice.py").write_text(f"go = {name!r}\n")

    assert imported("own_twice:go", folder / "one") == "one"
    with pytest.raises(ScenarioError, match="is already imported from .*one/own_twice.py"):
        imported("own_twice:go", folder / "two")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f():\n    f()\nf()", "RecursionError: maximum recursion depth exceeded"),
        ("raise ValueError('\\udcff')", r"ValueError: \\udcff"),
        ("raise ValueError('\\0')", "ValueError: "),
    ],
    ids=["exit", "interrupt", "recursion", "surrogate", "nul"],
)
def test_whatever_a_module_raises_is_a_sentence_in_utf8(
    folder: Path, body: str, sentence: str
) -> None:
    (folder / "own_bad.py").write_text(f"{body}\n")

    with pytest.raises(ScenarioError, match=sentence) as caught:
        imported("own_bad:go", folder)

    assert str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("json:go", b"", "'json' is a module of Python itself; give your module another name"),
        ("own_a:go", b"a = '\0'", "own_a.py "),
        ("own_a:go", b"\xff\xfe", "own_a.py is not valid Python"),
        ("own_a:go", b"(" * 5_000, "own_a.py "),
        ("own_a:go", b"a = " + b"-" * 100_000 + b"1", "own_a.py "),
        ("own_a:go", b"go = 9" + b"9" * 5_000, "own_a.py is not valid Python"),
        ("own_b:go", b"", "module 'own_b' is neither"),
    ],
    ids=["stdlib", "nul", "utf-16", "brackets", "minuses", "digits", "absent"],
)
def test_a_file_that_is_no_scenario_is_told_before_any_of_it_runs(
    folder: Path, name: str, body: bytes, sentence: str
) -> None:
    (folder / "own_a.py").write_bytes(body)

    found = list(module_mistakes(name, folder))

    assert [problem for problem in found if sentence in problem], found
