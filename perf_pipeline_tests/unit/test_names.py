"""One word, one meaning: what a class is called says which of the rooms it is from.

Add here: another kind of name that must be unique. Keep out: who may import whom (test_layers.py).
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import perf_pipeline

_A_CLASS = re.compile(r"^\s*class\s+(\w+)", re.MULTILINE)
_NAMELESS = re.compile(r"\bfor \(*(?:\w+, )*(?:one|each)(?:\)*, \w+)*\)* in\b")
PACKAGE = Path(perf_pipeline.__file__).parent
# A program of its own, which imports nothing of ours and is imported by nobody: its words are its
# own, as those of any system that is measured.
ELSEWHERE = "reference_system"


def maybe_classes(folder: Path) -> Iterator[tuple[str, Path]]:
    """Give the name and the file of every class, private ones and those inside functions too.

    And what a text says on a line of its own as a class would be: to parse all modules takes
    seconds.
    """
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] != ELSEWHERE:
            for name in _A_CLASS.findall(path.read_text(encoding="utf-8")):
                yield name, path


def classes(path: Path) -> list[str]:
    """Give the names of a file's classes."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node.name for node in nodes if isinstance(node, ast.ClassDef)]


def named_twice(folder: Path) -> Mapping[str, list[str]]:
    """Give the names that more than one class has, with their files."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for name, path in maybe_classes(folder):
        found[name].append(path)
    several = {name: sorted({*paths}) for name, paths in found.items() if len(paths) > 1}
    parsed = {path: classes(path) for paths in several.values() for path in paths}
    twice: defaultdict[str, list[str]] = defaultdict(list)
    for name, paths in several.items():
        for path in paths:
            twice[name] += [str(path.relative_to(folder))] * parsed[path].count(name)
    return {name: places for name, places in twice.items() if len(places) > 1}


def test_a_loop_names_what_it_goes_through() -> None:
    nameless = [
        f"{path.relative_to(PACKAGE)}: {found[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if (found := _NAMELESS.search(path.read_text(encoding="utf-8")))
    ]

    assert nameless == []


@pytest.mark.parametrize("loop", ["for one in x", "for a, each in x", "for (one, b), c in x"])
def test_a_loop_through_what_has_no_name_would_be_found(loop: str) -> None:
    assert _NAMELESS.search(loop)


@pytest.mark.parametrize("loop", ["for once in x", "for a, reach in x"])
def test_a_name_that_only_contains_such_a_word_is_a_name(loop: str) -> None:
    assert not _NAMELESS.search(loop)


def test_no_two_classes_share_a_name() -> None:
    assert named_twice(PACKAGE) == {}


def test_a_shared_name_is_told_with_its_files(tmp_path: Path) -> None:
    for room, source in (
        ("one", "class Tally: ..."),
        ("other", "class Tally: ...\nclass _Own: ..."),
        ("third", 'class _Own: ...\nTEXT = """\nclass Tally: ...\n"""\n'),
        (ELSEWHERE, "class Tally: ...\nclass _Own: ..."),
    ):
        (tmp_path / room).mkdir()
        (tmp_path / room / "room.py").write_text(source)

    assert named_twice(tmp_path) == {
        "Tally": ["one/room.py", "other/room.py"],
        "_Own": ["other/room.py", "third/room.py"],
    }
