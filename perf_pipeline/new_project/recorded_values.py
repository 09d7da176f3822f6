"""Find values of a recording that an answer gave and a later request sent back.

A value that was sent before any answer held it is the user's own, and stays as it is. One that is
long and odd is found anywhere; a short one, such as 7, only where both names tell an id.
Add here: another place in which values come back. Keep out: making steps (from_har.py).
"""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from perf_pipeline.new_project.har_recording import RecordedExchange
from perf_pipeline.new_project.names import saved_name
from perf_pipeline.new_project.recorded_links import RecordedLinks
from perf_pipeline.new_project.secret_names import COOKIES, is_secret_name, looks_secret
from perf_pipeline.new_project.seen_request import SeenRequest, leaves
from perf_pipeline.new_project.taking_over import LINK, NotTakenOverError

_LONGEST: Final = 8_192
_LEAST_ODD: Final = 8  # letters and digits mixed, as in ids that are made at random
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_ID_LIKE: Final = re.compile(
    r"(?:.*(?:id|uuid|guid|slug|sku|handle|hash)|.*(?:number|code|key|ref|no))"
)
_ID_IN_PATH: Final = re.compile(r"\d+|[0-9a-fA-F-]{16,}")
_MOST_VALUES: Final = 100_000


@dataclass(frozen=True, slots=True)
class GivenValue:
    """Hold where an answer gave a value.

    Attributes:
        step: the number of the step.
        place: JSON path, or `header:NAME`.
        key: name of its member or header.
        before: what the step is about: the last word of its path.
        value: as the answer has it.
    """

    step: int
    place: str
    key: str
    before: str
    value: Any


@dataclass(slots=True)
class RecordedValues:
    """Remember what answers gave and what requests sent, and name what comes back.

    Attributes:
        saves: by step, the variables that it saves, with their places.
        remarks: on the current request, one sentence each.
    """

    saves: dict[int, dict[str, str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    _given: dict[str, GivenValue] = field(default_factory=dict)
    _named: dict[str, str] = field(default_factory=dict)
    _sent: set[str] = field(default_factory=set)
    _pages: list[str] = field(default_factory=list)
    _cookies: set[str] = field(default_factory=set)
    _locations: set[str] = field(default_factory=set)
    _links: RecordedLinks = field(default_factory=RecordedLinks)

    def known(self, place: str, name: str, value: Any) -> str | None:
        """Return the template of a value that an earlier answer gave; None for any other.

        Raises:
            NotTakenOverError: it came from where a step can't take it.
        """
        text = str(value)
        if place == LINK:
            return self._known_link(text)
        given = self._given.get(text)
        if given is not None and _is_same(given, place, name, text):
            variable = self._variable(given, text)
            is_text = isinstance(value, str) and not isinstance(given.value, str)
            return f"${{{variable}|text}}" if is_text and place == "json" else f"${{{variable}}}"
        self._require_reachable(place, name, text)
        return None

    def add(self, exchange: RecordedExchange, step: int) -> None:
        """Remember what a request sent, and then what its answer gave.

        Args:
            exchange: the request with its answer.
            step: the number of its step; less than 0 where it is none.
        """
        self._sent.update(exchange.request.values())
        self._links.add(exchange, step)
        for name, value in exchange.headers:
            if name in COOKIES:
                self._cookies.update(_cookie_values(value))
        self._locations.update(part for part in exchange.location.split("/") if part)
        if exchange.is_page:
            self._pages.append(exchange.answer)
        if step < 0 or len(self._given) > _MOST_VALUES:
            return
        words = [part for part in exchange.request.path.split("/") if part]
        before = next((part for part in reversed(words) if not _ID_IN_PATH.fullmatch(part)), "")
        for place, key, value in _values_of(exchange):
            text = str(value)
            if text not in self._sent:
                self._given.setdefault(text, GivenValue(step, place, key, before, value))

    def _known_link(self, target: str) -> str | None:
        """Return the template of a whole path with its query, and drop the remarks on its parts."""
        if (found := self._links.at(target)) is None:
            return None
        (step, link), named = found, f"{LINK} {target}"
        if named not in self._named:
            name = saved_name(link.key, "", list(self._named.values()))
            self._named[named] = name
            self.saves.setdefault(step, {})[name] = link.place
        self.remarks.clear()
        return f"${{{self._named[named]}}}"

    def _variable(self, given: GivenValue, text: str) -> str:
        if text not in self._named:
            name = saved_name(given.key, given.before, list(self._named.values()))
            self._named[text] = name
            self.saves.setdefault(given.step, {})[name] = given.place
        return self._named[text]

    def _require_reachable(self, place: str, name: str, text: str) -> None:
        if place == "path" and text in self._locations and _ID_IN_PATH.fullmatch(text):
            self.remarks.append(
                f"{text} in its path came from a Location header, of which a step can't save a "
                "part; it is the one of the recording."
            )
        if len(text) < _LEAST_ODD or not is_secret_name(name):
            return
        if text in self._cookies:
            raise NotTakenOverError(
                f"{name!r} holds the value of a cookie, which a step can't copy; write it in "
                "scenarios.py"
            )
        if any(text in page for page in self._pages):
            raise NotTakenOverError(
                f"{name!r} holds a value of a page (HTML), which a step can't read; write it in "
                "scenarios.py"
            )


def secrets_of(exchanges: Iterable[RecordedExchange]) -> frozenset[str]:
    """Return the values of all cookies, credentials and passwords, which may appear elsewhere."""
    found: set[str] = set()
    for exchange in exchanges:
        found |= sent_secrets(exchange.request)
        found |= _among_headers(exchange.headers) | _among_members(exchange.json)
    return frozenset(value for value in found if len(value) >= _LEAST_ODD)


def sent_secrets(request: SeenRequest) -> frozenset[str]:
    """Return the secrets of one request, by their names; they may appear elsewhere."""
    pairs = (*request.query, *(request.form if request.is_form else ()))
    found = {value for name, value in pairs if is_secret_name(name)}
    found |= _among_headers(request.headers) | _among_members(request.json_value)
    return frozenset(value for value in found if len(value) >= _LEAST_ODD)


def _among_headers(headers: Iterable[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    for name, value in headers:
        if name.lower() in COOKIES:
            found |= set(_cookie_values(value))
        elif name.lower() in {"authorization", "proxy-authorization"}:
            token = value.partition(" ")[2]
            found |= {value, token, *_basic_parts(token)}
    return found


def _among_members(read: Any) -> set[str]:
    found = ((key, value) for (_, key), value in leaves(read) if isinstance(value, str))
    return {value for key, value in found if is_secret_name(key)}


def _basic_parts(token: str) -> list[str]:
    """Return the password of `Authorization: Basic`; none of anything else."""
    try:
        return [b64decode(token, validate=True).decode().partition(":")[2]]
    except ValueError:
        return []


def _cookie_values(header: str) -> Iterator[str]:
    """Return the values of a Cookie or Set-Cookie header; attributes do no harm."""
    for pair in header.replace("\n", ";").split(";"):
        value = pair.partition("=")[2].strip().strip('"')
        if len(value) >= _LEAST_ODD:
            yield value


def _values_of(exchange: RecordedExchange) -> Iterator[tuple[str, str, Any]]:
    read = exchange.json
    if read is not None:
        for (place, key), value in leaves(read):
            if _may_come_back(value):
                yield place, key, value
    for name, value in exchange.headers:
        if (is_secret_name(name) or name.endswith("-id")) and name not in COOKIES:
            yield f"header:{name}", name, value


def _may_come_back(value: Any) -> bool:
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return False
    text = str(value)
    return 0 < len(text) <= _LONGEST and text.isprintable() and not _DATE.fullmatch(text)


def _is_same(given: GivenValue, place: str, name: str, text: str) -> bool:
    if _is_odd(text) or is_secret_name(given.key):
        return True
    if not _is_id(given.key):
        return False
    return place == "path" or (place != "header" and _is_id(name))


def _is_odd(text: str) -> bool:
    """Say whether a text is no word and no small number, so that it is the same by no chance."""
    if looks_secret(text):
        return True
    has_digit = any(letter.isdigit() for letter in text)
    has_letter = any(letter.isalpha() for letter in text)
    return (
        len(text) >= _LEAST_ODD
        and has_digit
        and (has_letter or text.isdigit())
        and (" " not in text)
    )


def _is_id(name: str) -> bool:
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return _ID_LIKE.fullmatch(plain) is not None
