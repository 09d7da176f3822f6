"""The lines of a text file: which one is wrong, and whether the last one was cut off.

Add here: another question to single lines. Keep out: what lines mean.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LONGEST: Final = 1 << 20


def ends_with_line(path: Path) -> bool:
    """Say whether a file ends with a line end; one that was cut off while written does not."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        return file.read(1) in {b"\n", b""}


def first_line(path: Path) -> str:
    """Return the first line that is not blank, without its end; empty where there is none."""
    return next((text for _, text in _lines(path)), "")


def nth_line(path: Path, number: int) -> tuple[int, str]:
    """Return the line that is the n-th of those that are not blank, with its number in the file.

    Args:
        path: the path of the file.
        number: from 0.
    """
    for place, (line, text) in enumerate(_lines(path)):
        if place == number:
            return line, text
    return 0, ""


def why_no_json(text: str) -> str:
    """Say why a line is no JSON object; empty where it is one.

    >>> why_no_json('{"a": 1')
    "it is not JSON: Expecting ',' delimiter at character 8"
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        return f"it is not JSON: {error.msg} at character {error.pos + 1:,}"
    except (ValueError, RecursionError) as error:
        return f"it is not JSON: {error}"
    return "" if isinstance(found, dict) else "it is not a JSON object"


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST):
            number += 1
            text = line.decode("utf-8", "replace").strip().removeprefix("\ufeff")
            if text:
                yield number, text
