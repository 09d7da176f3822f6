"""Turn a request that was seen into a step, without any secret in it.

A secret becomes `${env.NAME}`, and a value that an earlier answer gave becomes `${name}`. What can
be neither is left out and reported.
Add here: another part of a request. Keep out: what is a secret (secret_names.py).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

from perf_pipeline.config.http_keys import BODILESS
from perf_pipeline.new_project.draft import DraftStep
from perf_pipeline.new_project.secret_names import (
    BASIC,
    BEARER,
    COOKIES,
    SecretVariables,
    is_secret_name,
    looks_secret,
)
from perf_pipeline.new_project.seen_request import FORM, SeenRequest

LINK: Final = "link"
"""The place of a whole path with its query, as `Known` is asked for it."""
Known = Callable[[str, str, Any], str | None]
"""Gives the template of a value that an earlier answer gave: by place, name and value."""

# Headers that a browser or a client writes by itself, or only about its own cache.
_NOISE: Final = """
host connection content-length transfer-encoding te trailer upgrade keep-alive expect user-agent
accept-encoding accept-language origin referer pragma cache-control dnt priority
upgrade-insecure-requests if-none-match if-modified-since if-match if-unmodified-since if-range
range proxy-connection content-type
""".split()  # noqa: SIM905 - a list of words reads better as text
_ANY: Final = frozenset({"*/*", ""})


class NotTakenOverError(Exception):
    """Say why a request can't be a step."""


def nothing_known(_: str, __: str, ___: Any) -> str | None:
    """Know no value of an earlier answer."""
    return None


@dataclass(slots=True)
class TakingOver:
    """Make a step of one request.

    Attributes:
        secrets: the variables that replace secrets.
        known: what earlier answers gave.
        auth: the login of the scenario, as a profile has it; empty where no request needs it.
        secret_values: secrets that are known by their values.
    """

    secrets: SecretVariables
    known: Known = nothing_known
    auth: dict[str, str] = field(default_factory=dict)
    secret_values: frozenset[str] = frozenset()
    _remarks: list[str] = field(default_factory=list)

    def step(self, name: str, request: SeenRequest) -> DraftStep:
        """Return the step.

        Args:
            name: the name of the operation.
            request: as it was seen.

        Raises:
            NotTakenOverError: a secret stands where none may be, or the body can't be sent.
        """
        self._remarks.clear()
        path = self._path(request)
        query = self._query(request)
        if len(dict(query)) < len(query):  # a table has each name once
            path = f"{path}?{'&'.join(f'{_coded(key)}={_coded(text)}' for key, text in query)}"
            query = []
        if "${" not in f"{path}{query}" and (link := self.known(LINK, "", request.target)):
            path, query = link, []
        body, types = self._body(request)
        return DraftStep(
            name=name,
            method=request.method,
            path=path,
            query=dict(query),
            headers={**dict(self._headers(request)), **types},
            body=body,
            remarks=tuple(self._remarks),
        )

    def _path(self, request: SeenRequest) -> str:
        parts = []
        for part in request.path.split("/"):
            value = unquote(part)
            template = self.known("path", "", value)
            if template is None and self._is_secret(value):
                raise NotTakenOverError("its path holds a secret")
            parts.append(template or literal(part))
        return "/".join(parts)

    def _query(self, request: SeenRequest) -> list[tuple[str, str]]:
        kept = []
        for name, value in request.query:
            if (template := self.known("query", name, value)) is not None:
                kept.append((name, template))
            elif is_secret_name(name) or self._is_secret(value):
                self._remarks.append(
                    f"Its query parameter {name!r} is left out: it held a secret, which an address "
                    "can't carry here."
                )
            else:
                kept.append((name, literal(value)))
        return kept

    def _headers(self, request: SeenRequest) -> Iterator[tuple[str, str]]:
        for name, value in request.headers:
            small = name.lower()
            if small == "authorization":
                if (written := self._authorization(value)) is not None:
                    yield name, written
            elif small in COOKIES or small in _NOISE or small.startswith((":", "sec-", "proxy-")):
                continue  # a VU keeps the cookies that it is given by itself
            elif (template := self.known("header", name, value)) is not None:
                yield name, template
            elif is_secret_name(name) or self._is_secret(value):
                yield name, self.secrets.in_header(name)
            elif not (small == "accept" and value in _ANY):
                yield name, literal(value.strip())

    def _authorization(self, value: str) -> str | None:
        """Return the header; None where the scenario's `auth` writes it."""
        scheme, _, token = value.strip().partition(" ")
        if token and (template := self.known("header", "authorization", token)) is not None:
            return f"{literal(scheme)} {template}"
        if scheme.lower() == "bearer":
            return f"Bearer {self.secrets.template(*BEARER)}"
        if scheme.lower() == "basic":
            self.auth["basicEnv"] = self.secrets.named(*BASIC)
            return None
        return self.secrets.template("authorization", "the whole value of the header Authorization")

    def _is_secret(self, value: str) -> bool:
        return looks_secret(value) or any(secret in value for secret in self.secret_values)

    def _body(self, request: SeenRequest) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return the body by its kind, and the header that it needs beside it."""
        text = request.body
        if not text or request.method in BODILESS:
            return {}, {}
        if (read := request.json_value) is not None:
            body, kind = self.written(self.within(read, ""), "application/json")
            return body, {**kind, **self._said_to_be_a_form(request)}
        if request.is_form and "=" in text:
            return self._form(request), {}
        if request.media_type.startswith("multipart/"):
            raise NotTakenOverError(f"its body is {request.media_type}, which steps can't send")
        if self._is_secret(text) or _names_a_secret(text):
            raise NotTakenOverError("its body may hold a secret, and its form is not known")
        kind = {"Content-Type": request.body_type} if request.body_type else {}
        return {"body": literal(text)}, kind

    def _said_to_be_a_form(self, request: SeenRequest) -> Mapping[str, str]:
        """Say of JSON what the sender said of it, and tell that it may have meant another thing."""
        if not request.is_form:
            return {}
        self._remarks.append(
            f"Its body is JSON, and is sent as {FORM}, as it was seen; without the header "
            "Content-Type here it is sent as application/json."
        )
        return {"Content-Type": request.body_type}

    def _form(self, request: SeenRequest) -> Mapping[str, Any]:
        fields = [(name, str(self._value("form", name, value))) for name, value in request.form]
        if len(dict(fields)) < len(fields):
            raise NotTakenOverError("its form has a field twice, which a table can't hold")
        return {"form": dict(fields)}

    def written(self, taken: Any, media_type: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return a body of values that hold no secret, by its kind, and the header beside it.

        Raises:
            NotTakenOverError: steps can't send such a body.
        """
        if media_type == FORM and isinstance(taken, dict):
            return {"form": {key: str(value) for key, value in taken.items()}}, {}
        if isinstance(taken, str) and "json" not in media_type:
            return {"body": taken}, {"Content-Type": media_type}
        if "json" not in media_type and media_type != "*/*":
            raise NotTakenOverError(f"its body is {media_type}, which steps can't send")
        if _has_null(taken):  # which TOML can't write
            text = _json_text(taken)
            return {"body": text}, {"Content-Type": "application/json"}
        return {"json": taken}, {}

    def within(self, value: Any, name: str) -> Any:
        """Return a value of a body without its secrets.

        Args:
            value: a JSON value.
            name: the name of the member that holds it.
        """
        if isinstance(value, dict):
            return {key: self.within(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.within(inner, name) for inner in value]
        return self._value("json", name, value)

    def _value(self, place: str, name: str, value: Any) -> Any:
        """Return a template for one value of a body."""
        if value is None or isinstance(value, bool):
            return value
        if (template := self.known(place, name, value)) is not None:
            return template if isinstance(value, str) else _Unquoted(template)
        if is_secret_name(name) or (isinstance(value, str) and self._is_secret(value)):
            return self.secrets.in_body(name)
        return literal(value) if isinstance(value, str) else value


def literal(text: str) -> str:
    """Write a text so that no part of it is taken for a variable.

    >>> literal("a${b}")
    'a$${b}'
    """
    return text.replace("${", "$${")


class _Unquoted(str):
    """Hold the template of a number, which has no quotes in JSON."""

    __slots__ = ()


def _json_text(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)}: {_json_text(inner)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json_text, value))}]"
    return str(value) if isinstance(value, _Unquoted) else json.dumps(value, ensure_ascii=False)


def _coded(template: str) -> str:
    """Encode a text for an address, except for its variables."""
    return quote(template, safe="${}.|_")


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None


def _names_a_secret(text: str) -> bool:
    words = "".join(letter if letter.isalnum() or letter in "_-" else " " for letter in text)
    return any(map(is_secret_name, words.split()[:5_000]))
