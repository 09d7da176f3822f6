"""Find which keys each place of a profile takes, and where a key belongs, for suggestions.

Add here: another name for a place (`_homes`); the keys of a place follow from the types of the
profile. Keep out: sentences (mistakes.py).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from types import UnionType
from typing import Annotated, Any, Final, TypeGuard, Union, get_args, get_origin

from perf_pipeline.config.baseline_policy import BaselinePolicyConfig
from perf_pipeline.config.data_sets import DataSet
from perf_pipeline.config.executors.registry import EXECUTORS
from perf_pipeline.config.frozen import Frozen, keys_of
from perf_pipeline.config.http_steps import Expect, HttpStep
from perf_pipeline.config.parameters import ITERATIONS
from perf_pipeline.config.profile import BenchmarkConfig, Profile, Seeding
from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.target import TargetConfig
from perf_pipeline.config.threshold_entry import ThresholdEntry

_PLAN: Final = "plan"
Location = Sequence[int | str]


def is_name(location: Location, index: int) -> bool:
    """Say whether a part of a place is a name that the author chose, which may look like a key.

    Benchmarks, scenarios, metrics, targets, tiers, data sets, variables and tags have such names.
    """
    return any(get_origin(kind) is dict for kind in _kinds_at(location[:index]))


def keys_at(location: Location) -> tuple[str, ...]:
    """Return the keys of the table in which an unknown key stands.

    Args:
        location: the key's location as pydantic reports it, with the key itself at the end.
    """
    models = [kind for kind in _kinds_at(location[:-1]) if _is_model(kind)]
    found = dict.fromkeys(chain.from_iterable(map(keys_of, models)))
    is_executor = any(model in EXECUTORS.values() for model in models)
    return (*found, *(_of_scenarios() if is_executor else ()))


@cache
def homes_of(key: str) -> tuple[str, ...]:
    """Name the places that take a key; empty if none does."""
    return tuple(place for place, keys in _homes() if key in keys)


def _of_scenarios() -> tuple[str, ...]:
    return tuple(key for key in keys_of(Scenario) if key != _PLAN)


def _kinds_at(location: Location) -> tuple[Any, ...]:
    """Follow a location through the types of the profile; return the types that may stand there.

    A part that is not a key names a member of a union, as pydantic reports it: a class, an
    executor.
    """
    found: tuple[Any, ...] = (Profile,)
    for part in location:
        below = tuple(chain.from_iterable(_below(kind, part) for kind in found))
        meant = tuple(kind for kind in found if kind == EXECUTORS.get(str(part)))
        named = tuple(kind for kind in found if getattr(kind, "__name__", "") == part)
        found = below or meant or named or found
    return found


def _below(kind: Any, part: int | str) -> Iterator[Any]:
    """Yield the types that an entry of a list, a name, or a key may hold."""
    origin = get_origin(kind)
    if isinstance(part, int):
        if origin in {tuple, list}:
            yield from _members(get_args(kind)[0])
    elif origin is dict:
        yield from _members(get_args(kind)[1])
    elif kind is Scenario and part == "parameters":
        yield from _parameters()
    elif _is_model(kind):
        for name, field in kind.model_fields.items():
            if part in {name, field.alias}:
                yield from _members(field.annotation)


def _members(annotation: Any) -> Iterator[Any]:
    """Yield the types of a union; one type is its only member."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        yield from chain.from_iterable(map(_members, get_args(annotation)))
    else:
        yield annotation


def _is_model(kind: Any) -> TypeGuard[type[Frozen]]:
    return isinstance(kind, type) and issubclass(kind, Frozen)


@cache
def _parameters() -> tuple[type[Frozen], ...]:
    return (*(kind.parameters for kind in ITERATIONS.values()), PythonParameters)


def _homes() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "at the top of the file", keys_of(Profile)
    yield "in [seeding]", keys_of(Seeding)
    yield "in [baseline]", keys_of(BaselinePolicyConfig)
    yield "in [targets.NAME]", keys_of(TargetConfig)
    yield "in a benchmark", keys_of(BenchmarkConfig)
    yield "in a scenario", _of_scenarios()
    for name, executor in EXECUTORS.items():
        yield f"in a scenario with executor {name}", keys_of(executor)
    yield "in the table of a threshold", keys_of(ThresholdEntry)
    yield "in a step of http_steps", keys_of(HttpStep)
    yield "in expect of a step", keys_of(Expect)
    yield "in a data set", keys_of(DataSet)
    yield "in parameters of Python code", keys_of(PythonParameters)
    for name, kind in ITERATIONS.items():
        yield f"in parameters of {name}", keys_of(kind.parameters)
