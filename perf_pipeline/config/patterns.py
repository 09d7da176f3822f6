"""Patterns for texts that several keys or messages share, each with its meaning in words.

Add here: another pattern of a key, with its words. Keep out: texts whose rule needs more than a
pattern.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NAME_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,40}$"
GROUP_PATTERN: Final = r"^[A-Za-z0-9_]{0,60}$"
LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"
WORDS_PATTERN: Final = r"^[0-9A-Za-z_-]+( [0-9A-Za-z_-]+)*$"
IN_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        NAME_PATTERN: "a small letter, then at most 40 small letters, digits, _ or -",
        GROUP_PATTERN: "at most 60 letters from A to Z, digits or _",
        LINE_PATTERN: "one line without control characters",
        WORDS_PATTERN: "words of letters from A to Z, digits, _ and -",
    }
)
"""Pattern -> what a text must be to have it."""
