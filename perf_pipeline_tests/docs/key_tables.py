"""Tables of a profile's keys, made from the models that read them.

Add here: how a type, a bound or a default is said to people. Keep out: which page shows a table
(generate.py).
"""

import builtins
import inspect
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.keys import BOUND_WORDS, read_bounds
from perf_pipeline.units import format_duration

HEAD: Final = ("key", "type", "default", "meaning")
DURATION: Final = "duration"
TYPES: Final[Mapping[Any, str]] = MappingProxyType(
    {
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        Any: "anything",
        Frozen: "table, see below",
    }
)
# What the docstrings of the models leave to k6's documentation, or to the field's name.
MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "executor": "which of the executors",
        "startTime": "when it starts, counted from the start of the scenario's step",
        "gracefulStop": "how long running iterations may go on after the end",
        "gracefulRampDown": "how long a running iteration may go on when a stage takes its VU away",
        "vus": "number of VUs",
        "startVUs": "VUs at the very beginning",
        "stages": "ramps from one target to the next, in order",
        "duration": "for how long iterations start",
        "maxDuration": "when to stop although iterations are left",
        "iterations": "number of iterations: of each VU (`per-vu-iterations`), or of all VUs "
        "together (`shared-iterations`)",
        "rate": "iterations that start per `timeUnit`",
        "startRate": "iterations that start per `timeUnit` at the very beginning",
        "timeUnit": "the time that `rate`, `startRate` and the targets of the stages refer to",
        "preAllocatedVUs": "VUs that exist from the start",
        "maxVUs": "the most VUs there may be; a start that finds none free is dropped and counted. "
        "By default as many as `preAllocatedVUs`",
        "BenchmarkConfig.enabled": "`false` leaves the benchmark out, unless `--only` names it "
        "(its asset says so)",
        "BenchmarkConfig.thresholds": "[thresholds](thresholds.md) by metric key; each is a "
        "text, or a table that says more",
        "Stage.target": "number of VUs, or of iterations per `timeUnit`, at the end of the stage",
        "Stage.duration": "how long the ramp takes; 0 jumps",
        "batch": "number of rows or messages of one iteration",
        "messageBytes": "size of the value of a message",
        "lingerMs": "how long the client waits to fill a batch (`linger.ms`)",
        "ProduceParameters.timeout": "the longest time until the delivery report "
        "(`delivery.timeout.ms`)",
        "messagesPerTransaction": "number of messages between begin and commit",
        "PinnedBaseline.benchmark": "the benchmark that has the figure",
        "PinnedBaseline.metric": "the key of the metric, with its tag filter",
        "PinnedBaseline.statistic": "the statistic, as in a threshold: `p(95)`, `avg`, `rate`, …",
        "PinnedBaseline.value": "the figure, in the unit of the metric",
    }
)


def key_table(model: type[Frozen], *, leave_out: frozenset[str] = frozenset()) -> str:
    """Give the Markdown table of a model's keys: name, type, default, meaning."""
    rows = [
        (f"`{key_of(name, field)}`", type_of(field), default_of(field), meaning_of(model, name))
        for name, field in model.model_fields.items()
        if key_of(name, field) not in leave_out
    ]
    return markdown_table(HEAD, rows)


def markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a table; a bar inside a cell is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def key_of(name: str, field: FieldInfo) -> str:
    """Give a field's name as it is written in a profile."""
    return field.alias or name


def meaning_of(model: type[Frozen], name: str) -> str:
    """Give what a key means: from here where the docstring leaves it out, else the docstring.

    Raises:
        LookupError: neither says it.
    """
    key = key_of(name, model.model_fields[name])
    for parent in model.__mro__:
        if f"{parent.__name__}.{key}" in MEANINGS:
            return MEANINGS[f"{parent.__name__}.{key}"]
    written = {k: v for parent in reversed(model.__mro__) for k, v in _attributes(parent).items()}
    if name not in written and key not in MEANINGS:
        raise LookupError(f"{model.__name__}.{name} has no line under `Attributes:` of its class")
    return _in_keys(written[name], model) if name in written else MEANINGS[key]


def type_of(field: FieldInfo) -> str:
    """Say what may be written: `duration, at least 1s`, `whole number, at least 1`, `text`."""
    said = _read_by(field.metadata) or _type(field.annotation)
    return ", ".join([said, *_bounds(field)])


def default_of(field: FieldInfo) -> str:
    """Say what holds where the key is not written."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel) or value in ({}, (), "", None):
        return "none" if value is None else "empty"
    match _read_by(field.metadata):
        case "duration":
            return f"`{format_duration(value)}`"
        case "duration or range":
            low, high = (format_duration(bound_us) for bound_us in value)
            return f"`{low}`" if low == high else f"`{low}..{high}`"
    if isinstance(value, tuple):
        value = list(value)  # as TOML writes it
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def models_in(model: type[Frozen]) -> Iterator[type[Frozen]]:
    """Give the models of the tables inside a table, each once, outermost first."""
    seen = []
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            for table in (inner, *models_in(inner)):
                if table not in seen:
                    seen.append(table)
                    yield table


def _models(annotation: Any) -> Iterator[type[Frozen]]:
    if inspect.isclass(annotation) and issubclass(annotation, Frozen) and annotation is not Frozen:
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _read_by(metadata: Iterable[Any]) -> str | None:
    """Tell a duration by the function that reads it."""
    readers = {getattr(getattr(marker, "func", None), "__name__", "") for marker in metadata}
    if "read_range" in readers:
        return "duration or range"
    return DURATION if "parse_duration_us" in readers else None


def _type(annotation: Any) -> str:
    """Name a type for somebody who writes TOML."""
    if annotation in TYPES:
        return TYPES[annotation]
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            said = f"table `{annotation.__name__}`"
        case typing.Annotated:
            said = _read_by(annotation.__metadata__) or _type(arguments[0])
        case typing.Literal:
            said = " or ".join(f"`{argument}`" for argument in arguments)
        case typing.Union | types.UnionType:
            said = " or ".join(
                _type(argument) for argument in arguments if argument is not type(None)
            )
        case builtins.dict:
            said = f"table: name = {_type(arguments[1])}"
        case _:
            said = f"list of {_type(arguments[0])}"
    return said


def _bounds(field: FieldInfo) -> Iterator[str]:
    bounds = read_bounds(field)
    for name, word in BOUND_WORDS.items():
        if name in bounds.limits:
            yield f"{word} {bounds.show(bounds.limits[name])}"
    for constraint in field.metadata:
        if getattr(constraint, "min_length", None):
            yield "not empty"
        if getattr(constraint, "pattern", None):
            yield f"`{constraint.pattern}`"


def _attributes(model: type) -> dict[str, str]:
    """Read the `Attributes:` block of a docstring."""
    _, _, block = (inspect.cleandoc(model.__doc__ or "")).partition("Attributes:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", block, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _in_keys(text: str, model: type[Frozen]) -> str:
    """Write Python's names of keys as a profile does."""
    for name, field in model.model_fields.items():
        if "_" in name:
            text = re.sub(rf"\b{name}\b", f"`{key_of(name, field)}`", text)
    return text.rstrip(".")
