"""Where in a JSON document a value is: `$.user.emails[0]`, `$['odd name']`.

The part of JSONPath (RFC 9535) that names one place; wildcards and filters name many and are
refused. Add here: another way to name one place. Keep out: looking for it (workloads/).
"""

import re
from typing import Final

Place = tuple[str | int, ...]

_STEP: Final = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)|\[(?P<index>-?[0-9]{1,15})\]|\['(?P<single>[^']*)'\]|\[\"(?P<double>[^\"]*)\"\]"
)


def parse_json_path(text: str) -> Place:
    """Read a path into names and indices, from the outside to the inside.

    >>> parse_json_path("$.user.emails[0]")
    ('user', 'emails', 0)

    Raises:
        ValueError: it is not a path to one place.
    """
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is not a JSON path; it begins with $, like $.id or $[0].id")
    place: list[str | int] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(
                f"{text!r} is not a path to one place (at {text[at:]!r}); "
                "write names and indices, like $.items[0].id"
            )
        place.append(_part(match))
        at = match.end()
    return tuple(place)


def _part(match: re.Match[str]) -> str | int:
    if match["index"] is not None:
        return int(match["index"])
    named = (match["name"], match["single"], match["double"])
    return next(name for name in named if name is not None)
