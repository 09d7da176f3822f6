"""Turn pydantic's errors into sentences: the path in the file, the value, what would be right.

Add here: a kind of error whose own text reads badly. Keep out: the rules themselves.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic_core import ErrorDetails

from perf_pipeline.config.executors.registry import EXECUTORS
from perf_pipeline.config.key_places import homes_of, is_name, keys_at
from perf_pipeline.config.keys import bounds_of, known_keys
from perf_pipeline.config.patterns import IN_WORDS
from perf_pipeline.config.threshold_entry import ThresholdEntry
from perf_pipeline.quoting import shown
from perf_pipeline.spelling import closest, meant
from perf_pipeline.units import format_duration

_MOST_HOMES: Final = 3
_SURELY: Final = 0.85
_QUOTED: Final = re.compile(r"'([^']*)'")
_SILENT_PARTS: Final = frozenset({*EXECUTORS, "plan", ThresholdEntry.__name__})

_SENTENCES: Final[Mapping[str, Callable[[ErrorDetails], str]]] = MappingProxyType(
    {
        "missing": lambda _: "is missing",
        "int_type": lambda error: f"is {shown(error['input'])}; it must be a whole number",
        "int_from_float": lambda error: f"is {shown(error['input'])}; it must be a whole number",
        "float_type": lambda error: f"is {shown(error['input'])}; it must be a number",
        "bool_type": lambda error: f"is {shown(error['input'])}; it must be true or false",
        "string_type": lambda error: f"is {shown(error['input'])}; it must be a text in quotes",
        "string_pattern_mismatch": lambda error: (
            f"is {shown(error['input'])}; it must be {_pattern(error)}"
        ),
        "string_too_short": lambda _: "is empty; write a text",
        "string_too_long": lambda error: (
            f"has {len(error['input']):,} letters; it may have at most "
            f"{error['ctx']['max_length']:,}"
        ),
        "too_short": lambda _: "is empty; it needs at least one entry",
        "list_type": lambda error: f"is {shown(error['input'])}; it must be a list",
        "tuple_type": lambda error: f"is {shown(error['input'])}; it must be a list",
        "dict_type": lambda error: f"is {shown(error['input'])}; it must be a table",
        "model_type": lambda error: f"is {shown(error['input'])}; it must be a table",
        "greater_than_equal": lambda error: _bound(error, "ge"),
        "greater_than": lambda error: _bound(error, "gt"),
        "less_than_equal": lambda error: _bound(error, "le"),
        "less_than": lambda error: _bound(error, "lt"),
        "union_tag_invalid": lambda error: (
            f"is {shown(_tag(error))}; it must be one of {', '.join(EXECUTORS)}"
            f"{meant(_tag(error), EXECUTORS)}"
        ),
        "union_tag_not_found": lambda _: f"has no executor; write one of {', '.join(EXECUTORS)}",
        "value_error": lambda error: str(error["ctx"]["error"]),
        "literal_error": lambda error: (
            f"is {shown(error['input'])}; it must be {error['ctx']['expected']}{_expected(error)}"
        ),
    }
)
# docs/k6.md says more about each.
_ONLY_IN_K6: Final[Mapping[str, str]] = MappingProxyType(
    {
        "env": "write it into a scenario, beside exec",
        "tags": "write them into a scenario, beside exec; steps are told apart by their operation",
        "rps": "use an arrival-rate executor to keep a rate",
    }
)


def sentences(errors: Iterable[ErrorDetails]) -> list[str]:
    """Turn each of pydantic's errors into a sentence, in the order of the file.

    Args:
        errors: the result of `ValidationError.errors()`.
    """
    return [_sentence(error) for error in errors if not _is_told_twice(error)]


def _is_told_twice(error: ErrorDetails) -> bool:
    """Say whether an error repeats another one: a bad threshold fails as a text and as a table."""
    return (
        error["type"] == "string_type"
        and "thresholds" in error["loc"][:-2]
        and (error["loc"][-1] == "str")
    )


def _sentence(error: ErrorDetails) -> str:
    path = _path(error)
    if error["type"] == "extra_forbidden":
        if (instead := _ONLY_IN_K6.get(str(error["loc"][-1]))) is not None:
            return f"{path} is a key of k6 that does not exist here; {instead}"
        return f"{path} is not a known key{_instead_of(error)}"
    write = _SENTENCES.get(error["type"])
    text = write(error) if write else error["msg"]
    return f"{path}: {text}" if error["type"] == "value_error" else f"{path} {text}"


def _instead_of(error: ErrorDetails) -> str:
    """End the sentence on an unknown key: with the key that was meant, or with its place."""
    key = str(error["loc"][-1])
    here = keys_at(error["loc"])
    homes = homes_of(key)
    if homes and closest(key, here, _SURELY) is None:
        rest = len(homes) - _MOST_HOMES
        more = f", and {rest} more places" if rest > 0 else ""
        return f" here; {key} stands {', '.join(homes[:_MOST_HOMES])}{more}"
    return meant(key, here) or meant(key, known_keys())


def _expected(error: ErrorDetails) -> str:
    """End the sentence on a value that is not allowed with the value that was meant."""
    words = _QUOTED.findall(str(error["ctx"]["expected"]))
    return meant(str(error["input"]), words)


def _path(error: ErrorDetails) -> str:
    where = error["loc"]
    parts = [
        part for at, part in enumerate(where) if part not in _SILENT_PARTS or is_name(where, at)
    ]
    if error["type"] == "union_tag_invalid":
        parts.append("executor")
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _bound(error: ErrorDetails, limit: str) -> str:
    context: dict[str, Any] = error["ctx"]
    bounds = bounds_of(_key(error), limit, context[limit])
    value = error["input"]
    if bounds.is_duration and isinstance(value, int):
        return f"is {format_duration(value)}; it must be {bounds}"
    return f"is {shown(value)}; it must be {bounds}"


def _pattern(error: ErrorDetails) -> str:
    pattern = str(error["ctx"]["pattern"])
    return IN_WORDS.get(pattern, f"like {pattern}")


def _key(error: ErrorDetails) -> str:
    """Return the key of a value; the value of an entry in a list has the key of the list."""
    return next((part for part in reversed(error["loc"]) if isinstance(part, str)), "")


def _tag(error: ErrorDetails) -> str:
    return str(error["ctx"]["tag"])
