"""Find values that no key of a profile may hold, because they cannot be stored or sent.

Add here: another kind of value that TOML or a command line can hold. Keep out: rules of single
keys.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from perf_pipeline.quoting import on_one_line, shown

DEEPEST: Final = 64
_LARGEST: Final = 10**100
_LONGEST_TEXT: Final = 1 << 20
_MOST_VALUES: Final = 200_000
_MOST_MISTAKES: Final = 20


def raw_mistakes(raw: Mapping[str, Any]) -> list[str]:
    """Find values that cannot be stored or sent, each as `path sentence`; at most twenty."""
    return list(islice(_raw_mistakes(raw), _MOST_MISTAKES))


def endless_numbers(raw: Mapping[str, Any]) -> Iterator[str]:
    """Find NaN and infinity in keys that take any value, because JSON cannot write them."""
    for path, value, _ in _values(raw):
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{_short(path)} is {value}; JSON has no such number, so write a finite one"


def text_mistake(text: str) -> str | None:
    """Say why a text cannot be written in UTF-8, or that it is too long for a profile."""
    if len(text) > _LONGEST_TEXT:
        return f"{_named(text)}; a text may have at most {_LONGEST_TEXT:,} characters"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        bad = on_one_line(text[error.start])
        return f"{_named(text)}; {bad} is half a character, which can't be written in UTF-8"
    return None


def _raw_mistakes(raw: Mapping[str, Any]) -> Iterator[str]:
    for number, (path, value, depth) in enumerate(_values(raw)):
        if number >= _MOST_VALUES:
            yield f"the file has more than {_MOST_VALUES:,} values; move the data into a CSV file"
            return
        if depth > DEEPEST:
            yield f"{_short(path)} is nested in more than {DEEPEST} tables or lists"
        elif sentence := _mistake(value):
            yield f"{_short(path)} {sentence}"


def _values(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any, int]]:
    """Return every value with its path and depth; a key counts as a value of its table."""
    waiting: list[tuple[str, Any, int]] = [("", raw, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        yield path, value, depth
        if depth <= DEEPEST:
            waiting += [(inner, found, depth + 1) for inner, found in reversed(_below(path, value))]


def _below(path: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, Mapping):
        keys = [(f"a key of {_short(path)}", key) for key in value if not str(key).isalnum()]
        inner = [(f"{path}.{key}" if path else str(key), below) for key, below in value.items()]
        return keys + inner
    if isinstance(value, list | tuple):
        return [(f"{path}[{number}]", below) for number, below in enumerate(value)]
    return []


def _mistake(value: object) -> str | None:
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return f"is {shown(value)}; a whole number may have at most 100 digits"
    return text_mistake(value) if isinstance(value, str) else None


def _short(path: str) -> str:
    return on_one_line(path, 200) or "the file"


def _named(text: str) -> str:
    """Quote a text, unless it may be an address with a password that can't be told apart."""
    return f"has {len(text):,} characters" if "@" in text else f"is {shown(text)}"
