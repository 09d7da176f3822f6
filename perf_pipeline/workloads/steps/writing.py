"""Steps as bytes: what never changes is written once, variables are filled in per request.

Add here: another kind of body. Keep out: values (values.py), sending (scenario.py).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, quote_plus

from perf_pipeline.config.http_steps import HttpStep
from perf_pipeline.config.step_paths import link_variable
from perf_pipeline.config.templates import Part, Source, parse_template
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.steps.following_links import link_target
from perf_pipeline.workloads.steps.values import Read, Scope, Surroundings, Value, as_text

_Piece = bytes | Callable[[Scope], bytes]
Write = Callable[[Scope], bytes]
_Encode = Callable[[str], bytes]
_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_LEGAL_IN_PATH: Final = "/%:@!$&'()*+,;=~-._?[]"
_WHOLE_NUMBERS: Final = frozenset({Source.VU, Source.ITERATION, Source.INT})
# Digits, hyphens and small letters look alike in paths, queries, forms, headers and JSON.
_NEEDS_NO_ENCODING: Final = _WHOLE_NUMBERS | {Source.UUID}
_DEFAULT_HEADERS: Final = MappingProxyType({"User-Agent": "perf-pipeline", "Accept": "*/*"})


@dataclass(frozen=True, slots=True)
class RequestWriter:
    """Write the requests of one step.

    Attributes:
        method: upper case.
        static: the whole request, where no part of it changes (unless there are cookies).
        head: request line and headers, without the empty line.
        body: None where none is sent and no length is announced.
    """

    method: str
    static: bytes | None
    head: tuple[_Piece, ...]
    body: tuple[_Piece, ...] | None

    def write(self, scope: Scope) -> bytes:
        """Write a request, its variables filled in."""
        head = _filled(self.head, scope)
        return _joined(head, None if self.body is None else _filled(self.body, scope))


def writer_of(
    step: HttpStep,
    origin: HttpOrigin,
    headers: Mapping[str, str],
    authorization: str,
    around: Surroundings,
) -> RequestWriter:
    """Prepare the requests of a step.

    Args:
        step: the step of the profile.
        origin: where they go.
        headers: the headers of the scenario; the step's own win.
        authorization: value of that header, unless the profile writes its own; may be empty.
        around: what variables read.
    """
    link = link_variable(step.path)
    head: list[list[_Piece]] = [
        _text(f"{step.method} {'' if link else origin.prefix}", str.encode, around),
        _target(step, around) if link is None else [_link(around.reader(link), origin)],
        [f" HTTP/1.1\r\nHost: {origin.authority}\r\n".encode("ascii")],
        _headers(step, headers, authorization, around),
    ]
    body = _body(step, around)
    if body is None and step.method in _METHODS_WITH_BODY:
        body = []
    pieces = _merged(piece for part in head for piece in part)
    written = None if body is None else _merged(body)
    return RequestWriter(step.method, _constant(pieces, written), pieces, written)


def value_reader(raw: Value, around: Surroundings) -> tuple[Read, bool]:
    """Return the function that reads a JSON value, and whether it holds variables.

    A text that is one variable takes that variable's type.
    """
    pieces = list(_json(raw, around))
    constants = [piece for piece in pieces if isinstance(piece, bytes)]
    if len(constants) == len(pieces):
        value = json.loads(b"".join(constants))
        return (lambda _: value), False
    return (lambda scope: json.loads(_filled(pieces, scope))), True


def text_writer(text: str, around: Surroundings) -> Write:
    """Return what writes a text in UTF-8, its variables filled in."""
    return _writer(_merged(_text(text, str.encode, around)))


def json_writer(raw: Value, around: Surroundings) -> Write:
    """Return what writes a JSON value; a text that is one variable takes that variable's type."""
    return _writer(_merged(_json(raw, around)))


def _writer(pieces: tuple[_Piece, ...]) -> Write:
    if len(pieces) == 1 and isinstance(only := pieces[0], bytes):
        return lambda _: only
    return lambda scope: _filled(pieces, scope)


def _constant(head: tuple[_Piece, ...], body: tuple[_Piece, ...] | None) -> bytes | None:
    static = [piece for piece in (*head, *(body or ())) if isinstance(piece, bytes)]
    if len(static) != len(head) + len(body or ()):
        return None
    return _joined(
        b"".join(static[: len(head)]), None if body is None else b"".join(static[len(head) :])
    )


def _joined(head: bytes, body: bytes | None) -> bytes:
    if body is None:
        return head + b"\r\n"
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def _filled(pieces: Iterable[_Piece], scope: Scope) -> bytes:
    return b"".join([piece if type(piece) is bytes else piece(scope) for piece in pieces])  # type: ignore[operator]  # not bytes = a function


def _merged(pieces: Iterable[_Piece]) -> tuple[_Piece, ...]:
    """Join neighbouring constants."""
    merged: list[_Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and merged and isinstance(last := merged[-1], bytes):
            merged[-1] = last + piece
        else:
            merged.append(piece)
    return tuple(merged)


def _text(
    text: str, encode: _Encode, around: Surroundings, literal: _Encode | None = None
) -> list[_Piece]:
    """Write a text; `literal` encodes its constant parts where that differs."""
    return [_part(part, encode, literal or encode, around) for part in parse_template(text)]


def _part(part: Part, encode: _Encode, literal: _Encode, around: Surroundings) -> _Piece:
    if isinstance(part, str):
        return literal(part)
    constant = around.constant(part)
    if constant is not None:
        return encode(constant)
    read = around.reader(part)
    if part.source is Source.REPLAY and encode is _in_query:
        return lambda scope: _in_path(as_text(read(scope)))
    if part.source in _NEEDS_NO_ENCODING:
        return lambda scope: str(read(scope)).encode("ascii")
    return lambda scope: encode(as_text(read(scope)))


def _in_path(text: str) -> bytes:
    return quote(text, safe=_LEGAL_IN_PATH).encode("ascii")


def _in_query(text: str) -> bytes:
    return quote(text, safe="").encode("ascii")


def _in_form(text: str) -> bytes:
    return quote_plus(text).encode("ascii")


def _in_header(text: str) -> bytes:
    return text.encode("latin-1")


def _in_json_text(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode("ascii")


def _target(step: HttpStep, around: Surroundings) -> list[_Piece]:
    pieces = _text(step.path, _in_query, around, _in_path)
    if step.query:
        pieces += [b"&" if "?" in step.path else b"?", *_pairs(step.query, _in_query, around)]
    return pieces


def _link(read: Read, origin: HttpOrigin) -> _Piece:
    """Return what writes a saved link."""

    def write(scope: Scope) -> bytes:
        target = link_target(origin, as_text(read(scope)))
        assert target is not None, "a link that leads nowhere is not saved"
        return target

    return write


def _pairs(pairs: Mapping[str, str], encode: _Encode, around: Surroundings) -> Iterator[_Piece]:
    for number, (name, text) in enumerate(pairs.items()):
        yield (b"&" if number else b"") + encode(name) + b"="
        yield from _text(text, encode, around)


def _headers(
    step: HttpStep, common: Mapping[str, str], authorization: str, around: Surroundings
) -> list[_Piece]:
    written = {**_DEFAULT_HEADERS, **_content_type(step)}
    for given in (common, step.headers):
        replaced = {name.lower() for name in given}
        kept = {name: text for name, text in written.items() if name.lower() not in replaced}
        written = {**kept, **given}
    pieces: list[_Piece] = []
    for name, text in written.items():
        pieces += [f"{name}: ".encode("ascii"), *_text(text, _in_header, around), b"\r\n"]
    if authorization and "authorization" not in {name.lower() for name in written}:
        pieces.append(f"Authorization: {authorization}\r\n".encode("latin-1"))
    return pieces


def _content_type(step: HttpStep) -> dict[str, str]:
    if step.json_body is not None:
        return {"Content-Type": "application/json"}
    return {"Content-Type": "application/x-www-form-urlencoded"} if step.form is not None else {}


def _body(step: HttpStep, around: Surroundings) -> list[_Piece] | None:
    if step.json_body is not None:
        return list(_json(step.json_body, around))
    if step.form is not None:
        return list(_pairs(step.form, _in_form, around))
    return None if step.body is None else _text(step.body, str.encode, around)


def _json(raw: Value, around: Surroundings) -> Iterator[_Piece]:
    """Write a JSON value, its texts' variables left open."""
    if isinstance(raw, Mapping):
        yield b"{"
        for number, (name, inner) in enumerate(raw.items()):
            yield (b"," if number else b"") + json.dumps(name).encode() + b":"
            yield from _json(inner, around)
        yield b"}"
    elif isinstance(raw, list | tuple):
        yield b"["
        for number, inner in enumerate(raw):
            yield b"," if number else b""
            yield from _json(inner, around)
        yield b"]"
    elif isinstance(raw, str):
        yield from _json_text(raw, around)
    else:
        yield json.dumps(raw).encode()


def _json_text(text: str, around: Surroundings) -> Iterator[_Piece]:
    parts = parse_template(text)
    if len(parts) == 1 and not isinstance(variable := parts[0], str) and variable.cast != "text":
        read = around.reader(variable)
        if variable.cast == "number" or variable.source in _WHOLE_NUMBERS:
            yield lambda scope: as_text(read(scope)).encode("ascii")
        else:
            yield lambda scope: json.dumps(read(scope)).encode("ascii")
        return
    yield b'"'
    yield from (_part(part, _in_json_text, _in_json_text, around) for part in parts)
    yield b'"'
