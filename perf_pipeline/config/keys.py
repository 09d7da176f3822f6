"""Facts about every key of a profile, found by walking the models: its name and its bounds.

Add here: another fact about keys that the models imply. Keep out: the keys themselves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic.fields import FieldInfo

from perf_pipeline.config.frozen import Frozen, keys_of
from perf_pipeline.config.parameters import ITERATIONS
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.units import format_duration, parse_duration_us

BOUND_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hold the bounds of a number in a profile.

    Attributes:
        limits: the bounds, by `ge`, `gt`, `le` and `lt`.
        is_duration: the bounds are µs and are shown as durations.
    """

    limits: Mapping[str, float]
    is_duration: bool = False

    def __str__(self) -> str:
        low, high = self.limits.get("ge"), self.limits.get("le")
        if low is not None and high is not None:
            return f"between {self.show(low)} and {self.show(high)}"
        return " and ".join(
            f"{word} {self.show(self.limits[name])}"
            for name, word in BOUND_WORDS.items()
            if name in self.limits
        )

    def show(self, value: float) -> str:
        """Write a number of this key in the form that people use."""
        if self.is_duration:
            return format_duration(int(value))
        return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def models() -> tuple[type[Frozen], ...]:
    """Return every model of a profile, the outermost first."""
    found: dict[type[Frozen], None] = {}
    roots: tuple[type[Frozen], ...] = (
        Profile,
        PythonParameters,
        *(iteration.parameters for iteration in ITERATIONS.values()),
    )
    for root in roots:
        found[root] = None
        found |= dict.fromkeys(_below(root))
    return tuple(found)


@cache
def known_keys() -> tuple[str, ...]:
    """Return every key that a profile may have, for suggestions."""
    return tuple(sorted({key for model in models() for key in keys_of(model)}))


def bounds_of(key: str, limit: str, value: float) -> Bounds:
    """Return all bounds of the key with a given bound, e.g. those of `seed` for `le` 100.

    If several models have such a key with different bounds, return only the given bound.
    """
    found = {
        (bounds.is_duration, tuple(bounds.limits.items())): bounds
        for bounds in _bounds_by_key().get(key, ())
        if bounds.limits.get(limit) == value
    }
    if len(found) == 1:
        return next(iter(found.values()))
    return Bounds({limit: value}, any(is_duration for is_duration, _ in found))


def read_bounds(field: FieldInfo) -> Bounds:
    """Return the bounds that a field has."""
    metadata = list(_metadata(field.annotation, field.metadata))
    limits: dict[str, float] = {}
    for name in BOUND_WORDS:
        given = [bound for part in metadata if (bound := getattr(part, name, None)) is not None]
        if given:
            limits[name] = max(given) if name in {"ge", "gt"} else min(given)
    is_duration = any(getattr(part, "func", None) is parse_duration_us for part in metadata)
    return Bounds(limits, is_duration)


@cache
def _bounds_by_key() -> Mapping[str, tuple[Bounds, ...]]:
    found: dict[str, tuple[Bounds, ...]] = {}
    for model in models():
        for name, field in model.model_fields.items():
            key = field.alias or name
            bounds = read_bounds(field)
            if bounds.limits:
                found[key] = (*found.get(key, ()), bounds)
    return found


def _metadata(annotation: Any, outer: list[Any]) -> Iterator[Any]:
    yield from outer
    for argument in get_args(annotation):
        yield from _metadata(argument, list(getattr(argument, "__metadata__", ())))


def _below(model: type[Frozen]) -> Iterator[type[Frozen]]:
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            yield inner
            yield from _below(inner)


def _models_in(annotation: Any) -> Iterator[type[Frozen]]:
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        if annotation is not Frozen:
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models_in(argument)
