"""The text of SQL: where its quotes and comments are, and how values are bound to it.

Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
Add here: something about a statement's text that must be known before a server reads it. Keep out:
how a server understands it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.templates import Part, Variable, parse_template

_OPENING: Final = re.compile(
    r"""(?P<escaped>\b[eE]')|(?P<text>')|(?P<name>")|(?P<line>--)|(?P<block>/\*)"""
    r"""|(?<![A-Za-z0-9_$])(?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)"""
)
# Match many letters at a time: single letters take half a second and 1 GB for 8 MB of text.
_ENDINGS: Final = {
    "escaped": re.compile(r"[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL),
    "text": re.compile(r"[^']*(?:''[^']*)*'"),
    "name": re.compile(r'[^"]*(?:""[^"]*)*"'),
    "line": re.compile(r"[^\n]*"),
}
_BLOCK: Final = re.compile(r"/\*|\*/")
_PARAMETER: Final = re.compile(r"\$[0-9]")
_WORD: Final = re.compile(r"[A-Za-z]+")
_CONTROL: Final = frozenset(
    {"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"}
)
_KINDS: Final = {
    "escaped": "quotes", "text": "quotes", "dollar": "quotes", "name": "a quoted name",
    "line": "a comment", "block": "a comment",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """Mark a part of a statement that is not code: from `start` to before `end`, and its kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class BoundText:
    """Hold a statement with `$1`, `$2` ... for its variables, and the variables in order."""

    text: str
    variables: tuple[Variable, ...]


def spans_in(text: str) -> Iterator[Span]:
    """Return the quotes and comments of SQL in order; an unclosed one extends to the end.

    >>> [(span.start, span.end) for span in spans_in("select 'it''s' -- so")]
    [(7, 14), (15, 20)]
    """
    at = 0
    while (found := _OPENING.search(text, at)) is not None:
        kind = str(found.lastgroup)
        at = _end_of(text, found, kind)
        yield Span(found.start(), at, _KINDS[kind])


def replaced(text: str, spans: Iterable[Span], by: Callable[[Span], str]) -> str:
    """Replace each of the given spans of a text; the spans are in order."""
    pieces, at = list[str](), 0
    for span in spans:
        pieces += text[at : span.start], by(span)
        at = span.end
    return "".join((*pieces, text[at:]))


def _end_of(text: str, found: re.Match[str], kind: str) -> int:
    if kind == "block":
        return _block_end(text, found.end())
    if kind == "dollar":
        closing = text.find(found[0], found.end())
        return len(text) if closing < 0 else closing + len(found[0])
    ending = _ENDINGS[kind].match(text, found.end())
    return len(text) if ending is None else ending.end()


def _block_end(text: str, at: int) -> int:
    """Return the end of a comment, which may contain other comments."""
    depth = 1
    while depth and (found := _BLOCK.search(text, at)) is not None:
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return len(text) if depth else at


def bound(sql: str) -> BoundText:
    """Replace each variable by a parameter, so that values are bound and never written into SQL.

    >>> bound("select ${vu} + ${random.int(1,6)}").text
    'select $1 + $2'

    Raises:
        ValueError: a variable is not known, or stands where no value can be bound; or the text has
            its own parameters, more than one statement, or a statement that is not supported.
    """
    pieces, variables, places = list[str](), list[Variable](), list[int]()
    parts = parse_template(sql.strip())
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        variables.append(part)
        places.append(sum(map(len, pieces)))
        pieces.append(f"${len(variables)}")
    text = "".join(pieces)
    spans = list(spans_in(text))
    for variable, place in zip(variables, places, strict=True):
        if inside := next((span for span in spans if span.start <= place < span.end), None):
            raise ValueError(
                f"${{{variable.written}}} stands in {inside.kind}; a value is bound and not "
                "written into the text, so leave the quotes away (and add a type like ::text "
                "where the server can't tell it)"
            )
    if mistake := _mistake(_code_of(parts)):
        raise ValueError(mistake)
    return BoundText(text, tuple(variables))


def _code_of(parts: Iterable[Part]) -> str:
    """Return the code of a statement, with blanks for variables, quotes and comments."""
    plain = "".join(part if isinstance(part, str) else " " for part in parts)
    return replaced(plain, spans_in(plain), lambda _: " ").strip()


def _mistake(code: str) -> str:
    if not code:
        return "has no statement; write one"
    if _PARAMETER.search(code):
        return "has a parameter like $1; write the variable itself where its value goes: ${vu}"
    if ";" in code.rstrip("; \n\t"):
        return "has more than one statement; write one in each of [[statements]]"
    first = _WORD.match(code)
    word = first[0].lower() if first else ""
    if word in _CONTROL:
        return (
            f"begins with {word}; a transaction of several statements is written with "
            'parameters.transaction = "its name"'
        )
    if word == "copy" and re.search(r"\b(stdin|stdout)\b", code, re.IGNORECASE):
        return "is a copy over the connection, which is not run here; write insert or select"
    return ""
