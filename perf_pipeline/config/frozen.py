"""What all models of a profile share: they refuse unknown keys and never change after reading.

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

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_by_name=True,
        alias_generator=lambda name: _K6_SPELLING.get(name, to_camel(name)),
    )


def keys_of(model: type[Frozen]) -> tuple[str, ...]:
    """Return the keys of a model as they are written in a profile, in the order of the model."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def equals(default: object) -> Callable[[object], bool]:
    """Make the rule by which dumps leave out one default, as `is_empty` does with empty values."""
    return lambda value: value == default


def is_empty(value: Sized) -> bool:
    """Say whether dumps leave a value out, so that hashes of earlier profiles stay the same."""
    return not value
