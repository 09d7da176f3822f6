"""Parse texts with variables such as `${vu}` or `${data.users.email}`, once and before any load.

Add here: a variable (its name and arguments), with its meaning in docs/scenarios.md. Keep out: the
value, which exists only while a load runs (workloads/steps/values.py).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
SAVED_NAME: Final = re.compile(_NAME)
_CALL: Final = re.compile(r"random\.(?P<name>int|choice)\((?P<arguments>.*)\)", re.DOTALL)
_DATA: Final = re.compile(rf"data\.(?P<set>{_NAME})\.(?P<column>[^.|]+)")
_ENV: Final = re.compile(rf"env\.(?P<name>{_NAME})")
_REPLAY: Final = re.compile(r"replay\.(?P<field>method|path)")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_MEANINGS: Final = (
    "vu, iteration, uuid, run, scenario, random.int(1,100), random.choice(a|b), "
    "data.NAME.COLUMN, env.NAME, replay.path, replay.method, or what an earlier step saves"
)


class Source(StrEnum):
    """The sources that a variable's value may come from."""

    VU = "vu"
    ITERATION = "iteration"
    UUID = "uuid"
    RUN = "run"
    SCENARIO = "scenario"
    INT = "random.int"
    CHOICE = "random.choice"
    DATA = "data"
    ENV = "env"
    REPLAY = "replay"
    SAVED = "saved"


PLAIN: Final = frozenset({Source.VU, Source.ITERATION, Source.UUID, Source.RUN, Source.SCENARIO})


@dataclass(frozen=True, slots=True)
class Variable:
    """Hold one placeholder.

    Attributes:
        source: where its value comes from.
        arguments: the arguments of the source: bounds, choices, data set and column, or a name.
        cast: `number` writes a column's text as a JSON number, `text` writes a number as a JSON
            text; empty by default.
        written: the text between the braces.
    """

    source: Source
    arguments: tuple[str, ...]
    cast: str
    written: str


Part = str | Variable


def parse_template(text: str) -> tuple[Part, ...]:
    """Split a text into literal parts and variables; `$${` means a literal `${`.

    >>> parse_template("a-${vu}")[1].source
    <Source.VU: 'vu'>

    Raises:
        ValueError: a placeholder is not closed or not known; the sentence lists the known ones.
    """
    parts: list[Part] = []
    at = 0
    for match in _PLACEHOLDER.finditer(text):
        _add_text(parts, text[at : match.start()])
        if match[0] == "$${":
            _add_text(parts, "${")
        elif match[1] is None:
            raise ValueError(f"{text!r} has ${{ without a closing }}; write $${{ for a literal ${{")
        else:
            parts.append(_variable(match[1]))
        at = match.end()
    _add_text(parts, text[at:])
    return tuple(parts)


def variables_of(parts: Iterable[Part]) -> list[Variable]:
    """Return the variables among the parts of a text."""
    return [part for part in parts if isinstance(part, Variable)]


def _add_text(parts: list[Part], text: str) -> None:
    if text and parts and isinstance(parts[-1], str):
        parts[-1] += text
    elif text:
        parts.append(text)


def _variable(written: str) -> Variable:
    name, _, cast = written.strip().rpartition("|")
    if not name or cast.strip() not in {"number", "text"}:
        name, cast = written.strip(), ""
    for read in _READERS:
        if found := read(name.strip()):
            variable = Variable(*found, cast.strip(), written.strip())
            if variable.cast == "number" and variable.source is not Source.DATA:
                raise ValueError(f"${{{written}}}: |number can be used only with columns of data")
            return variable
    raise ValueError(f"${{{written}}} is not known; it can be {_MEANINGS}")


_Found = tuple[Source, tuple[str, ...]]


def _plain(name: str) -> _Found | None:
    return (Source(name), ()) if name in PLAIN else None


def _call(name: str) -> _Found | None:
    match = _CALL.fullmatch(name)
    return _CALLS[match["name"]](match["arguments"]) if match else None


def _int(arguments: str) -> _Found:
    bounds = tuple(part.strip() for part in arguments.split(","))
    if len(bounds) != 2 or not all(_WHOLE.fullmatch(bound) for bound in bounds):
        raise ValueError(
            f"random.int({arguments}) needs two whole numbers of at most 18 digits, like "
            "random.int(1,100)"
        )
    if int(bounds[0]) > int(bounds[1]):
        raise ValueError(f"random.int({arguments}) must have the smaller number first")
    return Source.INT, bounds


def _choice(arguments: str) -> _Found:
    choices = tuple(part.strip() for part in arguments.split("|"))
    if not all(choices):
        raise ValueError(
            f"random.choice({arguments}) has an empty choice; write random.choice(red|green)"
        )
    return Source.CHOICE, choices


_CALLS: Final[Mapping[str, Callable[[str], _Found]]] = MappingProxyType(
    {"int": _int, "choice": _choice}
)


def _data(name: str) -> _Found | None:
    match = _DATA.fullmatch(name)
    return (Source.DATA, (match["set"], match["column"].strip())) if match else None


def _env(name: str) -> _Found | None:
    match = _ENV.fullmatch(name)
    return (Source.ENV, (match["name"],)) if match else None


def _replay(name: str) -> _Found | None:
    match = _REPLAY.fullmatch(name)
    return (Source.REPLAY, (match["field"],)) if match else None


def _saved(name: str) -> _Found | None:
    return (Source.SAVED, (name,)) if SAVED_NAME.fullmatch(name) else None


_READERS: Final = (_plain, _call, _data, _env, _replay, _saved)
