"""JSON paths, which say where in a document a value is: `$.user.emails[0]`, `$['odd name']`.

A path is read by the rules of JSONPath (RFC 9535). Paths that can match many places (wildcards,
slices, filters) are refused, because a step expects or saves one value.
Add here: another way to name one place. Keep out: looking up the value there (json_values.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jsonpath import JSONPath

Place = tuple[str | int, ...]

_REMEDY: Final = "write only names and indices, like $.items[0].id"


def parse_json_path(text: str) -> Place:
    """Split a path into names and indices, from the outside to the inside.

    >>> parse_json_path("$.user.emails[0]")
    ('user', 'emails', 0)

    Raises:
        ValueError: the text is not a path to exactly one place.
    """
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is not a JSON path; a path begins with $, like $.id or $[0].id")
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[str | int]:
    # Imported here: most profiles have no JSON path, and it would make each command 0.05 s slower.
    from jsonpath.segments import JSONPathChildSegment  # noqa: PLC0415
    from jsonpath.selectors import IndexSelector, NameSelector  # noqa: PLC0415

    for segment in _compiled(text).segments:
        match segment, segment.selectors:
            case JSONPathChildSegment(), (NameSelector() as name,):
                yield name.name
            case JSONPathChildSegment(), (IndexSelector() as index,):
                yield index.index
            case _:
                raise ValueError(
                    f"{text!r} could lead to several places (at {str(segment)!r}); {_REMEDY}"
                )


def _compiled(text: str) -> "JSONPath":
    from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError  # noqa: PLC0415 - as above

    try:
        compiled = JSONPathEnvironment(strict=True).compile(text)
    except JSONPathError as error:
        raise ValueError(f"{text!r} is not a JSON path: {error.args[0]}; {_REMEDY}") from None
    except (ArithmeticError, ValueError):  # an index too large for Python
        raise ValueError(
            f"{text!r} is not a JSON path: it contains a number that can't be read; {_REMEDY}"
        ) from None
    assert isinstance(compiled, JSONPath), "RFC 9535 has no way to join two paths"
    return compiled
