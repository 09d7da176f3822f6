"""Rules about variables in texts: each must be known, and stand where its value may stand.

They read the raw table, so that they find all mistakes even if a single key is wrong.
Add here: a rule about a variable. Keep out: other rules of scenarios (http_step_rules.py,
sql_rules.py), and files (own_files.py).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from perf_pipeline.config.data_sets import ID_COLUMN, VALUE_COLUMN
from perf_pipeline.config.templates import (
    PLAIN,
    Source,
    Variable,
    parse_template,
    variables_of,
)
from perf_pipeline.spelling import closest, meant

_SECRET_PLACES: Final = ("headers", "json", "form", "body", "sql", "value")


@dataclass(slots=True)
class Known:
    """Remember the names that the steps or statements so far have introduced.

    Attributes:
        data: raw data sets by name.
        env: names of the scenario's own values, which are not secret and may be used anywhere.
        saved_anywhere: all names under which a value is saved.
        saved: the names that were saved so far.
        operations: names of operations so far.
    """

    data: Mapping[str, Any]
    env: Collection[str]
    saved_anywhere: frozenset[str]
    saved: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, data: object, env: Collection[str], tables: Collection[Mapping[str, Any]]
    ) -> "Known":
        """Begin a scenario, in which nothing is saved yet.

        Args:
            data: raw data sets by name.
            env: names of the scenario's own values.
            tables: raw steps or statements, whose `save` introduces names.
        """
        saved = frozenset(name for table in tables for name in table_of(table.get("save")))
        return cls(table_of(data), env, saved)


def table_of(raw: object) -> Mapping[str, Any]:
    """Return a raw table; an empty one if something else stands there."""
    return raw if isinstance(raw, Mapping) else {}


def tables_of(raw: object) -> list[Mapping[str, Any]]:
    """Return a raw list of tables; any entry that is not a table becomes an empty one."""
    return [table_of(table) for table in raw] if isinstance(raw, list | tuple) else []


def saved_name_mistake(name: str) -> str | None:
    """Say why a value can't be saved under a name; None if it can."""
    if name in PLAIN or name in {"data", "env", "random"}:
        return f"{name!r} is already a variable; choose another name"
    return None


def text_mistakes(path: str, value: object, known: Known) -> Iterator[str]:
    """Find mistakes in a text, or in texts inside tables and lists, each as `path: sentence`."""
    if isinstance(value, str):
        yield from _template_mistakes(path, value, known)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from text_mistakes(f"{path}.{name}", inner, known)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from text_mistakes(f"{path}[{number}]", inner, known)
    elif value is not None and not isinstance(value, int | float):
        yield f"{path}: {value} can't be written as JSON; write it as a text"


def _template_mistakes(path: str, text: str, known: Known) -> Iterator[str]:
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


def _saved_mistake(_: str, variable: Variable, known: Known) -> str | None:
    (name,) = variable.arguments
    if name in known.saved:
        return None
    if name in known.saved_anywhere:
        return "is used before the step that saves it has run"
    names = sorted({*PLAIN, *known.saved})
    close = closest(name, names)
    hint = f"did you mean {close}?" if close else f"the known names are {', '.join(names)}"
    return f"is neither a variable nor saved by an earlier step; {hint}"


def _data_mistake(_: str, variable: Variable, known: Known) -> str | None:
    name, column = variable.arguments
    if name not in known.data:
        there = ", ".join(known.data) or "none; declare it under parameters.data"
        return f"names no data set; the data sets are {there}{meant(name, known.data)}"
    origin = table_of(known.data[name])
    only = VALUE_COLUMN if "values" in origin else ID_COLUMN if "seeded" in origin else None
    if only is not None and column != only and not {"csv", "query"} & origin.keys():
        return f"names a column that does not exist; data.{name} has only {only!r}"
    return None


def _env_mistake(path: str, variable: Variable, known: Known) -> str | None:
    if path.startswith(_SECRET_PLACES) or variable.arguments[0] in known.env:
        return None
    return (
        "would put a secret into an address or a check; use it in headers, json, form, body, "
        "sql or value, or, if it is not secret, write it into the scenario's env"
    )


_RULES: Final[Mapping[Source, Callable[[str, Variable, Known], str | None]]] = {
    Source.SAVED: _saved_mistake,
    Source.DATA: _data_mistake,
    Source.ENV: _env_mistake,
}
