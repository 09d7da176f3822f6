"""Every way in which a secret can be written: encoded for a URL, in JSON, in HTML, by repr().

Add here: another encoding in which a client, a server or a library may show a value. Keep out:
which values are secret (known.py).
"""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_LEAST_LINE: Final = 8  # a shorter line of a secret is no secret of its own
_LEAST_BASE64: Final = 8  # letters; fewer are found in anything


def spellings_of(value: str) -> frozenset[str]:
    """Return the ways in which a value can turn up, itself included; empty ones are left out."""
    plain = {value, value.strip(), *_long_lines(value)}
    plain |= {decode(text) for text in tuple(plain) for decode in (unquote, unquote_plus)}
    found = set(plain)
    for text in plain:
        found.update(_encoded(text))
    # The output of repr() is often put into JSON, and that JSON into HTML.
    for escaped in (_quoted, _quoted, _marked_up):
        for text in tuple(found):
            found.update(escaped(text))
    return frozenset(text for text in found if text.strip())


def base64_of(value: str) -> frozenset[str]:
    """Return the base64 that only a text with the value in it has, wherever the value begins.

    Basic authentication encodes `user:password`. Letters at both ends are left out where they
    depend on the neighbours.
    """
    found = set()
    for encode in (b64encode, urlsafe_b64encode):
        for shift in range(3):
            raw = bytes(shift) + value.encode("utf-8", "surrogateescape")
            first, last = (4 if shift else 0), len(raw) // 3 * 4
            found.add(encode(raw).decode()[first:last])
    return frozenset(text for text in found if len(text) >= _LEAST_BASE64)


def _long_lines(value: str) -> Iterator[str]:
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _LEAST_LINE)


def _encoded(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogateescape")
    for safe in ("", "/", "/:@!$&'()*+,;=~-._", "!$&'()*+,;=:@/?"):
        yield quote(raw, safe=safe)
    yield quote_plus(raw)
    yield quote(quote(raw, safe=""), safe="")
    yield "".join(f"%{byte:02X}" for byte in raw)
    yield raw.decode("latin-1")
    yield raw.hex()
    yield repr(raw)[2:-1]
    yield b64encode(raw).decode().rstrip("=")
    yield urlsafe_b64encode(raw).decode().rstrip("=")


def _quoted(text: str) -> Iterator[str]:
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield json.dumps(text)[1:-1].replace("/", r"\/")
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]
    yield text.replace("\\", r"\\").replace("'", r"\'")
    yield text.replace("'", "''")
    yield text.replace('"', '""')


def _marked_up(text: str) -> Iterator[str]:
    yield from (escape(text) for escape in _MARKUP)


def _markup(quote_double: str, quote_single: str) -> Callable[[str], str]:
    def escape(text: str) -> str:
        text = html.escape(text, quote=False)
        return text.replace('"', quote_double).replace("'", quote_single)

    return escape


_MARKUP: Final = tuple(
    _markup(double, single)
    for double in ('"', "&quot;", "&#34;")
    for single in ("'", "&#x27;", "&#39;", "&apos;")
)
