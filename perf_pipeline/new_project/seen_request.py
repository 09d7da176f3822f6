"""One HTTP request as it was seen: in a recording, on a command line, or in a description.

Add here: another form of a body that a step can send. Keep out: which parts are secrets
(taking_over.py).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from perf_pipeline.config.http_keys import Method

METHODS: Final = frozenset(get_args(Method))
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LEAST_IN_HEADERS: Final = 8  # a shorter one is a word or number of the browser's own
_JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """Hold a request.

    Attributes:
        method: in capitals.
        url: absolute.
        headers: name and value in the order of sending.
        body: its text; None for none.
        body_type: its media type with parameters; empty where nobody said.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    body_type: str = ""

    @property
    def origin(self) -> str:
        """Return scheme, host and port, without a user name."""
        parts = urlsplit(self.url)
        return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}"

    @property
    def path(self) -> str:
        """Return the path as it was sent; `/` where there is none."""
        return urlsplit(self.url).path or "/"

    @property
    def target(self) -> str:
        """Return path and query as they were sent."""
        query = urlsplit(self.url).query
        return f"{self.path}?{query}" if query else self.path

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Return the parameters behind the `?`, decoded."""
        return tuple(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def media_type(self) -> str:
        """Return the body's type in small letters, without parameters."""
        return self.body_type.partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Say whether the body is said to be JSON."""
        return self.media_type == _JSON or self.media_type.endswith("+json")

    @property
    def is_form(self) -> bool:
        """Say whether the body is said to be a form."""
        return self.media_type == FORM

    @property
    def json_value(self) -> Any:
        """Return the JSON that the body is, also where it is called a form; None if it is none."""
        if not (self.is_json or self.is_form or not self.body_type):
            return None
        read = json_of(self.body or "")
        return read if self.is_json or isinstance(read, dict | list) else None

    @property
    def form(self) -> tuple[tuple[str, str], ...]:
        """Return the fields of a form, decoded."""
        return tuple(parse_qsl(self.body or "", keep_blank_values=True))

    def values(self) -> Iterator[str]:
        """Return every value that the request carries: in path, query, headers and body."""
        yield from (unquote(part) for part in self.path.split("/") if part)
        yield from (value for _, value in self.query)
        for _, value in self.headers:
            yield from (part for part in (value, *value.split()) if len(part) >= _LEAST_IN_HEADERS)
        if self.body is None:
            return
        if (read := self.json_value) is not None:
            yield from (str(value) for _, value in leaves(read))
        elif self.is_form:
            yield from (value for _, value in self.form)


def json_of(text: str) -> Any:
    """Read JSON; None where it is none, or too deep to be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def table_of(value: Any) -> Mapping[str, Any]:
    """Return a table of JSON as it is; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def leaves(value: Any, path: str = "$", key: str = "") -> Iterator[tuple[tuple[str, str], Any]]:
    """Return every text, number and truth value with its JSON path and the name of its member.

    >>> [place for place, _ in leaves({"items": [{"id": 7}]})]
    [('$.items[0].id', 'id')]
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}{member(name)}", name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]", key)
    elif value is not None:
        yield (path, key), value


def member(name: str) -> str:
    """Write a member's name as a part of a JSON path.

    >>> member("id"), member("odd name")
    ('.id', "['odd name']")
    """
    is_plain = name.isascii() and name.replace("_", "a").isalnum() and not name[:1].isdigit()
    if is_plain:
        return f".{name}"
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"
