"""One word, one meaning: what a class is called says which of the rooms it is from.

Add here: another kind of name that must be unique. Keep out: who may import whom (test_layers.py).
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import perf_pipeline

_A_CLASS = re.compile(r"^\s*class\b", re.MULTILINE)
PACKAGE = Path(perf_pipeline.__file__).parent
# A program of its own, which imports nothing of ours and is imported by nobody: its words are its
# own, as those of any system that is measured.
ELSEWHERE = "reference_system"


def classes(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the name and the file of every class, private ones and those inside functions too."""
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder)
        if place.parts[0] == ELSEWHERE:
            continue
        text = path.read_text(encoding="utf-8")
        if not _A_CLASS.search(text):  # to parse all modules takes seconds
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                yield node.name, str(place)


def named_twice(folder: Path) -> Mapping[str, list[str]]:
    """Give the names that more than one class has, with their files."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, place in classes(folder):
        found[name].append(place)
    return {name: places for name, places in found.items() if len(places) > 1}


def test_no_two_classes_share_a_name() -> None:
    assert named_twice(PACKAGE) == {}


def test_a_shared_name_is_told_with_its_files(tmp_path: Path) -> None:
    for room, source in (
        ("one", "class Tally: ..."),
        ("other", "class Tally: ...\nclass _Own: ..."),
        ("third", "class _Own: ..."),
        (ELSEWHERE, "class Tally: ...\nclass _Own: ..."),
    ):
        (tmp_path / room).mkdir()
        (tmp_path / room / "room.py").write_text(source)

    assert named_twice(tmp_path) == {
        "Tally": ["one/room.py", "other/room.py"],
        "_Own": ["other/room.py", "third/room.py"],
    }
