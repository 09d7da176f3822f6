"""The base class of all models of a profile: they refuse unknown keys and never change.

Add here: a rule that holds for every model. Keep out: the keys of a single model.
"""

from collections.abc import Callable, Mapping, Sized
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

_K6_SPELLING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "start_vus": "startVUs",
        "pre_allocated_vus": "preAllocatedVUs",
        "max_vus": "maxVUs",
    }
)


class Frozen(BaseModel):
    """Refuse unknown keys and changes after reading; keys are written as k6 does (camelCase)."""

    # Most models are part of another model, which is built with all its parts at its first use.
    # Building each of them on its own as well took a fifth of the time that importing them takes.
    model_config = ConfigDict(
        defer_build=True,
        frozen=True,
        extra="forbid",
        strict=True,
        validate_by_name=True,
        alias_generator=lambda name: _K6_SPELLING.get(name, to_camel(name)),
    )


def build_models() -> None:
    """Build every imported model, for a process from which others are forked."""
    waiting: list[type[Frozen]] = [Frozen]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if not model.__pydantic_complete__:
            model.model_rebuild()


def keys_of(model: type[Frozen]) -> tuple[str, ...]:
    """Return the keys of a model as a profile writes them, in the order of the model."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def equals(default: object) -> Callable[[object], bool]:
    """Return a rule that leaves one default out of dumps, as `is_empty` does with empty values."""
    return lambda value: value == default


def is_empty(value: Sized) -> bool:
    """Say whether dumps leave a value out, so that hashes of earlier profiles stay the same."""
    return not value
