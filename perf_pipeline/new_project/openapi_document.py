"""Read an OpenAPI description (2.0 to 3.1), and give its operations with all that they need.

Add here: a part of the description that steps use. Keep out: which operations become steps, and
made-up values (from_openapi.py, json_samples.py).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import urljoin, urlsplit

import jsonref
import yaml

from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.seen_request import FORM, METHODS, table_of

_PARTS_OF_SCHEMA: Final = ("type", "format", "enum", "default", "items", "minimum", "maximum")


@dataclass(frozen=True, slots=True)
class Parameter:
    """Hold a parameter of an operation.

    Attributes:
        name: as it is sent.
        place: `path`, `query`, `header`, `cookie`, or of version 2 `body` and `formData`.
        is_required: without it the request is wrong.
        schema: the schema of its value, with examples of the parameter itself in it.
        is_nested: an object is sent in another way than as its members.
    """

    name: str
    place: str
    is_required: bool
    schema: Mapping[str, Any]
    is_nested: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """Hold the body of a request: its media type, its schema, and an example if one is written."""

    media_type: str
    schema: Any
    example: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """Hold an operation.

    Attributes:
        method: in capitals.
        path: with its parameters in braces.
        title: its id, or method and path.
        parameters: those of the path included.
        body: None for none.
        statuses: the statuses of good answers, in the order of writing.
        answer: schema of the first good answer in JSON; None where it has none.
        security: names of schemes, of the first alternative.
        is_deprecated: it should no longer be used.
    """

    method: str
    path: str
    title: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    statuses: tuple[int, ...]
    answer: Any
    security: tuple[str, ...]
    is_deprecated: bool


@dataclass(frozen=True, slots=True)
class Description:
    """Hold a description whose references are replaced when they are looked at."""

    raw: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Return the title of the API; empty where it has none."""
        info = self.raw.get("info")
        return str(info.get("title") or "") if isinstance(info, Mapping) else ""

    @property
    def schemes(self) -> Mapping[str, Any]:
        """Return the ways of proving who one is, by name."""
        components = table_of(self.raw.get("components"))
        return table_of(components.get("securitySchemes") or self.raw.get("securityDefinitions"))

    def server(self, fetched_from: str = "") -> str:
        """Return the address of the first server; empty where there is none, or only a path.

        Args:
            fetched_from: where the description was read, to which its addresses may be relative.
        """
        servers = self.raw.get("servers")
        first = table_of(servers[0]) if isinstance(servers, list) and servers else {}
        address = str(first.get("url") or _server_of_version_2(self.raw))
        for name, variable in table_of(first.get("variables")).items():
            address = address.replace(f"{{{name}}}", str(table_of(variable).get("default", "")))
        return urljoin(fetched_from, address) if fetched_from and address else address

    def operations(self) -> Iterator[Operation | str]:
        """Return the operations in the order of the file; one that can't be read as a sentence."""
        for path, item in table_of(self.raw.get("paths")).items():
            for method, raw in table_of(item).items():
                if method.upper() not in METHODS or not isinstance(raw, Mapping):
                    continue
                try:
                    yield self._operation(str(path), method.upper(), table_of(item), raw)
                except jsonref.JsonRefError as error:
                    yield f"{method.upper()} {path}: {error.message}"

    def _operation(
        self, path: str, method: str, item: Mapping[str, Any], raw: Mapping[str, Any]
    ) -> Operation:
        listed = [*_list(item.get("parameters")), *_list(raw.get("parameters"))]
        found = {
            (parameter.place, parameter.name): parameter for parameter in map(_parameter, listed)
        }
        parameters = tuple(found.values())
        statuses, answer = _answer(table_of(raw.get("responses")))
        security = raw.get("security", self.raw.get("security"))
        consumes = _list(raw.get("consumes", self.raw.get("consumes")))
        first = table_of(security[0]) if isinstance(security, list) and security else {}
        return Operation(
            method=method,
            path=path,
            title=str(raw.get("operationId") or f"{method} {path}"),
            parameters=parameters,
            body=_body(table_of(raw.get("requestBody")))
            or _body_of_version_2(parameters, list(map(str, consumes))),
            statuses=statuses,
            answer=answer,
            security=tuple(map(str, first)),
            is_deprecated=bool(raw.get("deprecated")),
        )


def read_description(text: str, origin: str) -> Description:
    """Read a description from JSON or YAML.

    Args:
        text: the text of the file.
        origin: where it is from, for the sentence.

    Raises:
        RequestError: it is no description of HTTP requests.
    """
    try:
        raw = json.loads(text) if text.lstrip()[:1] == "{" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise RequestError(f"{origin} is neither JSON nor YAML: {said}") from None
    version = raw.get("openapi", raw.get("swagger")) if isinstance(raw, dict) else None
    if version is None or not isinstance(raw.get("paths"), dict):
        raise RequestError(
            f"{origin} is not an OpenAPI description: it has no key openapi (or swagger) with paths"
        )
    replaced = jsonref.replace_refs(raw, loader=_refuse, lazy_load=True)
    assert isinstance(replaced, Mapping)
    return Description(replaced)


def _refuse(uri: str, **_: Any) -> NoReturn:
    """Fetch nothing and open no other file: a description may name any address."""
    raise ValueError(f"{uri} is another file; only references within the file are followed")


def _parameter(raw: Any) -> Parameter:
    table = table_of(raw)
    schema = dict(table_of(table.get("schema")))
    content = table_of(table.get("content"))
    if content:
        schema = dict(table_of(table_of(next(iter(content.values()))).get("schema")))
    schema |= {key: table[key] for key in _PARTS_OF_SCHEMA if key in table}
    if (example := _example_of(table)) is not None:
        schema["example"] = example
    place = str(table.get("in", ""))
    is_required = place == "path" or bool(table.get("required"))
    is_usual = table.get("style", "form") == "form" and table.get("explode") is not False
    is_nested = schema.get("type") == "object" and not is_usual
    return Parameter(str(table.get("name", "")), place, is_required, schema, is_nested)


def _body(raw: Mapping[str, Any]) -> Body | None:
    content = table_of(raw.get("content"))
    ordered = sorted(content, key=lambda name: ("json" not in name, "form-url" not in name))
    if not ordered:
        return None
    chosen = table_of(content[ordered[0]])
    return Body(ordered[0], chosen.get("schema"), _example_of(chosen))


def _body_of_version_2(parameters: tuple[Parameter, ...], consumes: list[str]) -> Body | None:
    for parameter in parameters:
        if parameter.place == "body":
            kinds = sorted(consumes, key=lambda kind: "json" not in kind)
            return Body((*kinds, "application/json")[0], parameter.schema)
    fields = {
        parameter.name: parameter.schema
        for parameter in parameters
        if parameter.place == "formData"
    }
    if not fields:
        return None
    required = [
        parameter.name
        for parameter in parameters
        if parameter.place == "formData" and parameter.is_required
    ]
    has_file = any(schema.get("type") == "file" for schema in fields.values())
    return Body(
        "multipart/form-data" if has_file or (consumes and FORM not in consumes) else FORM,
        {"type": "object", "properties": fields, "required": required},
    )


def _answer(responses: Mapping[Any, Any]) -> tuple[tuple[int, ...], Any]:
    """Return the good statuses, and the schema of the first good answer in JSON."""
    statuses = tuple(
        int(str(status)) for status in responses if str(status)[:1] == "2" and _is_code(status)
    )
    for status, raw in responses.items():
        answer = table_of(raw)
        if str(status)[:1] != "2":
            continue
        for name, content in table_of(answer.get("content")).items():
            if "json" in str(name):
                return statuses, table_of(content).get("schema")
        if "schema" in answer:
            return statuses, answer["schema"]
    return statuses, None


def _is_code(status: object) -> bool:
    return len(str(status)) == 3 and str(status).isdecimal()


def _example_of(table: Mapping[str, Any]) -> Any:
    if "example" in table:
        return table["example"]
    examples = table.get("examples")
    if isinstance(examples, Mapping) and examples:
        return table_of(next(iter(examples.values()))).get("value")
    return None


def _server_of_version_2(raw: Mapping[str, Any]) -> str:
    path = str(raw.get("basePath") or "")
    if not raw.get("host"):
        return path
    schemes = _list(raw.get("schemes")) or ["http"]
    return f"{schemes[0]}://{raw['host']}{path}"


def path_of(address: str) -> str:
    """Return the path of a server's address, without a slash at its end."""
    return urlsplit(address).path.rstrip("/")


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []
