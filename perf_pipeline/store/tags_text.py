"""A tag filter as the text by which the history knows it.

Add here: nothing but the other direction of what is written here. Keep out: what a filter means
(filters.py).
"""

import re
from collections.abc import Mapping
from typing import Final

# A tag's value is an operation's name, which may be any text.
_ESCAPED: Final = re.compile(r"[\\,]")
_ESCAPE: Final = r"\\\g<0>"
_ESCAPE_READ: Final = re.compile(r"\\([\\,])")
_PAIR: Final = re.compile(r"(?:[^,\\]|\\.|\\$)+", re.DOTALL)


def tags_text(tags: Mapping[str, str]) -> str:
    """Write a tag filter as the history stores it: sorted by name, commas of values escaped.

    >>> tags_text({"scenario": "read", "operation": "get_user"})
    'operation:get_user,scenario:read'
    """
    return ",".join(f"{name}:{_ESCAPED.sub(_ESCAPE, text)}" for name, text in sorted(tags.items()))


def read_tags(text: str) -> dict[str, str]:
    """Read what `tags_text` wrote."""
    pairs = (pair.partition(":") for pair in _PAIR.findall(text))
    return {name: _ESCAPE_READ.sub(r"\1", value) for name, _, value in pairs}
