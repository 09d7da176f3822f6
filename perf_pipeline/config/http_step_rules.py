"""Rules that span several keys or steps: variables, JSON paths, names, checks.

They read the raw table, so that they find all mistakes even where a single key is wrong.
Add here: a rule about steps. Keep out: what a single key may hold (http_steps.py), and files
(own_files.py).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from perf_pipeline.config.data_sets import ID_COLUMN, VALUE_COLUMN
from perf_pipeline.config.http_steps import HEADER_PREFIX, operation_of
from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.templates import (
    PLAIN,
    Source,
    Variable,
    parse_template,
    variables_of,
)
from perf_pipeline.spelling import closest, meant

MOST_CHECKS: Final = 60  # checks of one operation: a sample has a signed 64-bit mask of them
_SECRET_PLACES: Final = ("headers", "json", "form", "body")


@dataclass(slots=True)
class _Known:
    """Remember the names that the steps so far have introduced."""

    data: Mapping[str, Any]
    env: Collection[str]
    saved_anywhere: frozenset[str]
    saved: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)


def step_mistakes(parameters: Mapping[str, Any], env: Collection[str] = ()) -> Iterator[str]:
    """Find the mistakes in raw parameters of `http_steps`, each as `path: sentence`.

    Args:
        parameters: of the scenario.
        env: names of the scenario's own values, which are no secrets and may be used anywhere.
    """
    steps = parameters.get("steps")
    data = _table(parameters.get("data"))
    tables = [_table(step) for step in steps] if isinstance(steps, list | tuple) else []
    saved = frozenset(name for step in tables for name in _table(step.get("save")))
    known = _Known(data, env, saved)
    yield from _text_mistakes("headers", parameters.get("headers"), known)
    for number, step in enumerate(tables):
        for path, sentence in _one_step(step, known):
            yield f"steps[{number}].{path}: {sentence}"


def _table(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


def _one_step(step: Mapping[str, Any], known: _Known) -> Iterator[tuple[str, str]]:
    expect = _table(step.get("expect"))
    for place in ("path", "query", *_SECRET_PLACES):
        yield from _pairs(_text_mistakes(place, step.get(place), known))
    values = _table(expect.get("json"))
    yield from _pairs(_text_mistakes("expect.json", values, known))
    for path in values:
        yield from _path_mistake(f"expect.json.{path}", path)
    save = _table(step.get("save"))
    for name, where in save.items():
        yield from _save_mistakes(name, where)
    known.saved.update(save)
    yield from _name_mistakes(step, known)
    count = len(values) + len(save) + 2
    if count > MOST_CHECKS:
        yield (
            "expect",
            (f"has {count} checks, those of save included; a step can have at most {MOST_CHECKS}"),
        )


def _pairs(found: Iterator[str]) -> Iterator[tuple[str, str]]:
    for mistake in found:
        path, _, sentence = mistake.partition(": ")
        yield path, sentence


def _name_mistakes(step: Mapping[str, Any], known: _Known) -> Iterator[tuple[str, str]]:
    name, group = step.get("name"), step.get("group")
    if not isinstance(name, str):
        return
    operation = operation_of(name, group if isinstance(group, str) else None)
    if operation in known.operations:
        sentence = f"{operation!r} is already the name of an earlier step; choose another name"
        yield "name", sentence
    known.operations.add(operation)


def _save_mistakes(name: str, where: object) -> Iterator[tuple[str, str]]:
    path = f"save.{name}"
    if name in PLAIN or name in {"data", "env", "random"}:
        yield path, f"{name!r} is already a variable; choose another name"
    if not isinstance(where, str) or where.startswith(HEADER_PREFIX):
        return
    yield from _path_mistake(path, where)


def _path_mistake(path: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        parse_json_path(text)
    except ValueError as error:
        yield path, str(error)


def _text_mistakes(path: str, value: object, known: _Known) -> Iterator[str]:
    """Find mistakes in a text, or in all texts inside tables and lists."""
    if isinstance(value, str):
        yield from _template_mistakes(path, value, known)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _text_mistakes(f"{path}.{name}", inner, known)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _text_mistakes(f"{path}[{number}]", inner, known)
    elif value is not None and not isinstance(value, int | float):
        yield f"{path}: {value} can't be written as JSON; write it as a text"


def _template_mistakes(path: str, text: str, known: _Known) -> Iterator[str]:
    try:
        parts = parse_template(text)
    except ValueError as error:
        yield f"{path}: {error}"
        return
    for variable in variables_of(parts):
        rule = _RULES.get(variable.source)
        sentence = rule(path, variable, known) if rule else None
        if sentence:
            yield f"{path}: ${{{variable.written}}} {sentence}"


def _saved_mistake(_: str, variable: Variable, known: _Known) -> str | None:
    (name,) = variable.arguments
    if name in known.saved:
        return None
    if name in known.saved_anywhere:
        return "is used before the step that saves it has run"
    names = sorted({*PLAIN, *known.saved})
    close = closest(name, names)
    hint = f"did you mean {close}?" if close else f"the known names are {', '.join(names)}"
    return f"is neither a variable nor saved by an earlier step; {hint}"


def _data_mistake(_: str, variable: Variable, known: _Known) -> str | None:
    name, column = variable.arguments
    if name not in known.data:
        there = ", ".join(known.data) or "none; declare it under parameters.data"
        return f"names no data set; the data sets are {there}{meant(name, known.data)}"
    origin = _table(known.data[name])
    only = VALUE_COLUMN if "values" in origin else ID_COLUMN if "seeded" in origin else None
    if only is not None and column != only and "csv" not in origin:
        return f"names a column that does not exist; data.{name} has only {only!r}"
    return None


def _env_mistake(path: str, variable: Variable, known: _Known) -> str | None:
    if path.startswith(_SECRET_PLACES) or variable.arguments[0] in known.env:
        return None
    return (
        "would put a secret into an address or a check; use it in headers, json, form or body, or, "
        "if it is not secret, write it into the scenario's env"
    )


_RULES: Final[Mapping[Source, Callable[[str, Variable, _Known], str | None]]] = {
    Source.SAVED: _saved_mistake,
    Source.DATA: _data_mistake,
    Source.ENV: _env_mistake,
}
