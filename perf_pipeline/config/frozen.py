"""What all models of a profile share: they refuse unknown keys and never change after reading.

Add here: a rule that holds for every model. Keep out: the keys of a single model.
"""

from collections.abc import Mapping, Sized
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
    """Give the keys of a model as they are written in a profile, in the order of the model."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def is_on(value: object) -> bool:
    """Say whether a switch is on, as it is by default; dumps leave it out as `is_empty` does."""
    return value is True


def is_warn(value: object) -> bool:
    """Say whether a choice only warns, as it does by default; dumps leave it out."""
    return value == "warn"


def is_empty(value: Sized) -> bool:
    """Say whether dumps leave a value out, so that hashes of earlier profiles stay the same."""
    return not value
